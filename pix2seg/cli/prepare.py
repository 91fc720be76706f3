"""`pix2seg prepare`: photos with label maps become a data set to train on."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pix2seg.cli.options import PersonWeights, TrustFiles, known_extractor
from pix2seg.cli.output import EXIT_BAD_INPUT, check_writable, messages, print_error, print_warning
from pix2seg.cli.telling import news, telling, tracked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy as np
    from numpy.typing import NDArray

    from pix2seg.classes import Scheme
    from pix2seg.preprocess.dataset.corrected import Named
    from pix2seg.preprocess.dataset.prepare import Preparation, Prepared, Source
    from pix2seg.preprocess.dataset.split import Fold

prepare = typer.Typer(
    help="Turn photos with label maps into a data set to train on.", no_args_is_help=True
)

OutArgument = Annotated[
    Path, typer.Argument(metavar="OUT", help="Folder to write the data set to.")
]
PhotosArgument = Annotated[Path, typer.Argument(metavar="PHOTOS", help="Folder of photos.")]
SchemeOption = Annotated[str, typer.Option(help="The masks' class scheme: a name or TOML file.")]
SizeOption = Annotated[str, typer.Option(help="Width x height that photos are fitted to.")]
PersonOption = Annotated[
    str | None,
    typer.Option(
        callback=known_extractor,
        help="Also find the people, with mask-rcnn, grabcut, detectron2, cascade or none (the "
        "whole photo), so that a generator trains on backgrounds hidden as they will be; by "
        "default the true masks hide them.",
    ),
]
CropOption = Annotated[
    bool,
    typer.Option(
        "--crop", help="Keep the part around the person alone, as segment does before it looks."
    ),
]
FoldOption = Annotated[
    str,
    typer.Option(
        metavar="N/K", help="Validate on the n-th of k parts of the photos, and train on the rest."
    ),
]


@prepare.command()
@telling
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
    trust: TrustFiles = False,
    crop: CropOption = False,
    fold: FoldOption = "1/10",
    tagged: Annotated[
        bool,
        typer.Option(
            "--tagged",
            help="Also train on the photos that have tags alone, labelled by the weights in the "
            "box as far as they are sure.",
        ),
    ] = False,
) -> None:
    """Prepare Clothing Co-Parsing.

    Its repository is github.com/bearpaw/clothing-co-parsing.
    """
    from pix2seg.classes import BACKGROUND, UNKNOWN, load_scheme
    from pix2seg.preprocess.dataset import ccp
    from pix2seg.preprocess.dataset.prepare import Preparation, on_both_sides, showing_class

    classes, garments = load_scheme(scheme), load_scheme("garments")
    labels = ccp.read_label_names(source / "label_list.mat")
    table, garment_table = classes.lookup(labels), garments.lookup(labels)
    part = _fold(fold)
    sources = ccp.ccp_sources(source, part)
    if showing:
        sources = showing_class(sources, classes.id_of(showing), table, ccp.read_labels)
    sources = on_both_sides(sources)
    read_labels: Callable[[Path], NDArray[np.uint8]] = ccp.read_labels
    if tagged:
        from pix2seg.train.self_training import TaggedLabels

        others = ccp.tagged_sources(source, part)
        if showing:
            others = showing_class(others, classes.id_of(showing), table, ccp.read_tags)
        sources, read_labels = [*sources, *others], TaggedLabels(labels)
        table, garment_table = _with(table, UNKNOWN), _with(garment_table, BACKGROUND)
    preparation = Preparation(
        out,
        classes,
        table,
        read_labels,
        _size(size),
        person,
        {"weights": person_weights, "trust": trust},
        crop,
        garment_table=garment_table,
    )
    _run(sources, preparation, {"source": "ccp", "fold": str(part), "tagged": tagged})


@prepare.command()
@telling
def folder(
    photos: PhotosArgument,
    masks: Annotated[
        Path,
        typer.Argument(
            metavar="MASKS",
            help="Folder of indexed PNG masks, pixel = class id: NAME.png, or as segment writes "
            "them.",
        ),
    ],
    out: OutArgument,
    scheme: SchemeOption,
    size: SizeOption = "512x768",
    person: PersonOption = None,
    person_weights: PersonWeights = None,
    trust: TrustFiles = False,
    crop: CropOption = False,
    fold: FoldOption = "1/10",
    garments: Annotated[
        bool,
        typer.Option(
            "--garments",
            help="The masks have the ids of garments, 0 to 15, as the NAME.garments.png that "
            "segment writes; the classes follow from them, and the garment head learns too.",
        ),
    ] = False,
) -> None:
    """Prepare a folder of your own photos and their masks."""
    import numpy as np

    from pix2seg.classes import load_scheme
    from pix2seg.preprocess.dataset.folder import (
        NAMED,
        SEGMENTED,
        folder_sources,
        read_mask,
        read_mask_of_two,
    )
    from pix2seg.preprocess.dataset.prepare import Preparation

    classes = load_scheme(scheme)
    table = np.arange(len(classes), dtype=np.uint8)
    kinds = None
    if garments:
        names = load_scheme("garments").names
        table, kinds = classes.lookup(["null", *names[1:]]), np.arange(len(names), dtype=np.uint8)
    preparation = Preparation(
        out,
        classes,
        table,
        read_mask_of_two if len(table) == 2 else read_mask,
        _size(size),
        person,
        {"weights": person_weights, "trust": trust},
        crop,
        garment_table=kinds,
    )
    part = _fold(fold)
    sources = folder_sources(photos, masks, part, ending=NAMED if garments else SEGMENTED)
    _name_without_mask(photos, sources)
    _run(sources, preparation, {"source": photos.resolve().name, "fold": str(part)})


@prepare.command()
@telling
def coco(
    photos: PhotosArgument,
    file: Annotated[Path, typer.Argument(metavar="JSON", help="COCO's annotations.")],
    out: OutArgument,
    scheme: SchemeOption = "four",
    size: SizeOption = "512x768",
    person: PersonOption = None,
    person_weights: PersonWeights = None,
    trust: TrustFiles = False,
    crop: CropOption = False,
) -> None:
    """Prepare photos with masks from a COCO file.

    Its categories are named as the classes are.
    """
    from pix2seg.preprocess.dataset.corrected import coco_masks

    options = {"weights": person_weights, "trust": trust}
    _corrected(photos, coco_masks, file, out, scheme, size, person, options, crop)


@prepare.command()
@telling
def cvat(
    photos: PhotosArgument,
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help='CVAT\'s "Segmentation mask 1.1", unpacked.')
    ],
    out: OutArgument,
    scheme: SchemeOption = "four",
    size: SizeOption = "512x768",
    person: PersonOption = None,
    person_weights: PersonWeights = None,
    trust: TrustFiles = False,
    crop: CropOption = False,
) -> None:
    """Prepare photos with masks corrected in CVAT."""
    from pix2seg.preprocess.dataset.corrected import cvat_masks

    options = {"weights": person_weights, "trust": trust}
    _corrected(photos, cvat_masks, folder, out, scheme, size, person, options, crop)


@prepare.command()
@telling
def labelstudio(
    photos: PhotosArgument,
    file: Annotated[Path, typer.Argument(metavar="JSON", help="Label Studio's JSON export.")],
    out: OutArgument,
    scheme: SchemeOption = "four",
    size: SizeOption = "512x768",
    person: PersonOption = None,
    person_weights: PersonWeights = None,
    trust: TrustFiles = False,
    crop: CropOption = False,
) -> None:
    """Prepare photos with masks corrected in Label Studio."""
    from pix2seg.preprocess.dataset.corrected import labelstudio_masks

    options = {"weights": person_weights, "trust": trust}
    _corrected(photos, labelstudio_masks, file, out, scheme, size, person, options, crop)


@prepare.command()
@telling
def people(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="A COCO *.json with people, and photos/.")
    ],
    weights: Annotated[
        Path | None,
        typer.Option(help="A generator of the classes of four; the one in the box by default."),
    ] = None,
) -> None:
    """Guess the classes of people whose outlines are known.

    What the weights are sure of, seen from afar, is written to DIR/classes, where pix2seg train
    --people DIR finds it.
    """
    from pix2seg.train.people_classes import label_people
    from pix2seg.train.person.photos import CLASSES

    check_writable(folder / CLASSES)
    names = list(tracked(label_people(folder, weights), "labelling"))
    news().print(f"people of {len(names)} photos labelled in {folder / CLASSES}")


def _corrected(
    photos: Path,
    read: "Callable[[Path, Scheme], Iterator[Named]]",
    place: Path,
    out: Path,
    scheme: str,
    size: str,
    person: str | None,
    options: dict[str, Any],
    crop: bool,
) -> None:
    """Prepare a folder of photos with the masks that a reader gives."""
    from tempfile import TemporaryDirectory

    import numpy as np

    from pix2seg.classes import load_scheme
    from pix2seg.preprocess.dataset.corrected import write_masks
    from pix2seg.preprocess.dataset.folder import folder_sources, read_mask
    from pix2seg.preprocess.dataset.prepare import Preparation

    classes = load_scheme(scheme)
    same = np.arange(len(classes), dtype=np.uint8)
    preparation = Preparation(out, classes, same, read_mask, _size(size), person, options, crop)
    with TemporaryDirectory() as masks:
        write_masks(read(place, classes), Path(masks), classes)
        sources = folder_sources(photos, Path(masks))
        _name_without_mask(photos, sources)
        _run(sources, preparation, {"source": photos.resolve().name})


def _name_without_mask(photos: Path, sources: "list[Source]") -> None:
    """Name the photos that are left out for want of a mask."""
    from pix2seg.preprocess.dataset.folder import without_mask

    for photo in without_mask(photos, sources):
        print_warning(messages(), f"skipped {photo}: it has no mask")


def _size(text: str) -> tuple[int, int]:
    from pix2seg.preprocess.fit import parse_size

    try:
        return parse_size(text)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--size") from None


def _fold(text: str) -> "Fold":
    from pix2seg.preprocess.dataset.split import Fold

    try:
        return Fold.parse(text)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--fold") from None


def _with(table: "NDArray[np.uint8]", value: int) -> "NDArray[np.uint8]":
    """A table of labels with one more."""
    import numpy as np

    return np.append(table, np.uint8(value))


def _name_absent(scheme: "Scheme", results: "list[Prepared]") -> None:
    """Warn of classes that no photo shows: masks of another scheme look so."""
    shown = [result.pixels for result in results if result.pixels is not None]
    absent = [name for i, name in enumerate(scheme.names) if not any(each[i] for each in shown)]
    if absent and shown:
        print_warning(
            messages(), f"no photo shows {', '.join(absent)}; are the masks and --scheme right?"
        )


def _run(sources: "list[Source]", preparation: "Preparation", facts: dict[str, Any]) -> None:
    from pix2seg.preprocess.dataset.prepare import prepare as prepare_all

    for option, given in preparation.person_options.items():
        if given and not preparation.person:
            raise typer.BadParameter(
                "it is for an extractor; add --person",
                param_hint="--trust" if option == "trust" else "--person-weights",
            )
    check_writable(preparation.out)
    if preparation.person:
        from pix2seg.segmenter import load_person

        preparation = replace(preparation, load=load_person)
    results = list(tracked(prepare_all(sources, preparation, facts), "preparing", len(sources)))
    broken = [result for result in results if result.pixels is None]
    _name_absent(preparation.scheme, results)
    for result in broken:
        print_error(messages(), f"skipped {result.name}: {result.error}")
    left_out = {result.name for result in broken}
    sides = [source.split for source in sources if source.name not in left_out]
    news().print(
        f"{len(sides)} photos prepared in {preparation.out}: {sides.count('train')} to train, "
        f"{sides.count('val')} to validate" + (f", {len(broken)} skipped" if broken else "")
    )
    if broken:
        raise typer.Exit(EXIT_BAD_INPUT)
