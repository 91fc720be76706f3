"""`pix2seg prepare`: photos with label maps become a data set to train on."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pix2seg.cli.options import PersonWeights

if TYPE_CHECKING:
    from pix2seg.preprocess.dataset.prepare import Preparation, Source

prepare = typer.Typer(
    help="Turn photos with label maps into a data set to train on.", no_args_is_help=True
)

OutArgument = Annotated[Path, typer.Argument(help="Folder to write the data set to.")]
SizeOption = Annotated[str, typer.Option(help="Width x height that photos are fitted to.")]
PersonOption = Annotated[
    str | None,
    typer.Option(
        help="Also find the people with mask-rcnn, grabcut or detectron2, so that a generator "
        "trains on backgrounds hidden as they will be; by default the true masks hide them."
    ),
]
CropOption = Annotated[
    bool,
    typer.Option(
        "--crop", help="Keep the part around the person alone, as segment does before it looks."
    ),
]


@prepare.command()
def ccp(
    source: Annotated[Path, typer.Argument(metavar="SRC", help="CCP's folder, as downloaded.")],
    out: OutArgument,
    scheme: Annotated[str, typer.Option(help="A class scheme's name or TOML file.")] = "four",
    size: SizeOption = "512x768",
    showing: Annotated[
        str | None, typer.Option(help="Only photos that show this class, such as dress.")
    ] = None,
    person: PersonOption = None,
    person_weights: PersonWeights = None,
    crop: CropOption = False,
) -> None:
    """Prepare Clothing Co-Parsing (github.com/bearpaw/clothing-co-parsing)."""
    from pix2seg.classes import load_scheme
    from pix2seg.preprocess.dataset.ccp import ccp_sources, read_label_names, read_labels
    from pix2seg.preprocess.dataset.prepare import Preparation, showing_class

    classes = load_scheme(scheme)
    labels = read_label_names(source / "label_list.mat")
    table = classes.lookup(labels)
    preparation = Preparation(
        out,
        classes,
        table,
        read_labels,
        _size(size),
        person,
        {"weights": person_weights},
        crop,
        garment_table=load_scheme("garments").lookup(labels),
    )
    sources = ccp_sources(source)
    if showing:
        sources = showing_class(sources, classes.id_of(showing), table, read_labels)
    _run(sources, preparation, {"source": "ccp"})


@prepare.command()
def folder(
    photos: Annotated[Path, typer.Argument(help="Folder of photos.")],
    masks: Annotated[
        Path, typer.Argument(help="Folder of PNG masks of the same names: pixel = class id.")
    ],
    out: OutArgument,
    scheme: Annotated[str, typer.Option(help="The masks' class scheme: a name or TOML file.")],
    size: SizeOption = "512x768",
    person: PersonOption = None,
    person_weights: PersonWeights = None,
    crop: CropOption = False,
) -> None:
    """Prepare a folder of your own photos and their masks."""
    import numpy as np

    from pix2seg.classes import load_scheme
    from pix2seg.preprocess.dataset.folder import folder_sources, read_mask
    from pix2seg.preprocess.dataset.prepare import Preparation

    classes = load_scheme(scheme)
    same = np.arange(len(classes), dtype=np.uint8)
    preparation = Preparation(
        out, classes, same, read_mask, _size(size), person, {"weights": person_weights}, crop
    )
    _run(folder_sources(photos, masks), preparation, {"source": photos.resolve().name})


def _size(text: str) -> tuple[int, int]:
    from pix2seg.preprocess.fit import parse_size

    try:
        return parse_size(text)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--size") from None


def _run(sources: "list[Source]", preparation: "Preparation", facts: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.progress import track

    from pix2seg.preprocess.dataset.prepare import prepare as prepare_all

    if preparation.person:
        from pix2seg.segmenter import load_person

        preparation = replace(preparation, load=load_person)
    console = Console(stderr=True)
    results = track(
        prepare_all(sources, preparation, facts), "preparing", len(sources), console=console
    )
    broken = [result for result in results if result.pixels is None]
    for result in broken:
        console.print(f"[red]skipped {result.name}:[/red] {result.error}", soft_wrap=True)
    console.print(
        f"{len(sources) - len(broken)} photos prepared in {preparation.out}"
        + (f", {len(broken)} skipped" if broken else "")
    )
    if broken:
        raise typer.Exit(2)
