"""`pix2seg segment`: the main job, from photos to masks, cut-outs and palettes."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pix2seg.cli.options import (
    Device,
    Everyone,
    Flip,
    Hide,
    MaxColors,
    MaxPixels,
    Names,
    PersonBox,
    PersonConfig,
    PersonName,
    PersonWeights,
    Regions,
    TableFile,
    Weights,
    person_options,
)
from pix2seg.cli.output import exit_on_bad, find_new_photos, print_json, print_warning

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from pix2seg.colors.photo_colors import PhotoColors
    from pix2seg.colors.table import Row
    from pix2seg.errors import PhotoError
    from pix2seg.inputs import InputPhoto
    from pix2seg.result import Segmentation

READABLE_CLASSES = 4
"""Of a scheme with more classes, the summary names the largest alone."""


def segment(
    photos: Annotated[
        list[str], typer.Argument(metavar="PHOTO...", help="Photos, folders or globs.")
    ],
    out: Annotated[Path, typer.Option(help="Folder for the results.")] = Path("pix2seg-out"),
    colors: Annotated[
        bool, typer.Option("--colors", help="Also write palette JSON and swatches.")
    ] = False,
    cutouts: Annotated[
        bool, typer.Option("--cutouts", help="Also write a transparent cut-out of each class.")
    ] = False,
    map: Annotated[
        bool, typer.Option("--map", help="Also write the map as the generator drew it.")
    ] = False,
    json_to: Annotated[
        str | None,
        typer.Option(
            "--json",
            metavar="-",
            help="With -: print the palette JSON, a line for each photo, to standard output "
            "instead of writing it. Implies --colors.",
        ),
    ] = None,
    weights: Weights = None,
    person: PersonName = None,
    everyone: Everyone = False,
    person_box: PersonBox = None,
    person_weights: PersonWeights = None,
    person_config: PersonConfig = None,
    hide: Hide = None,
    flip: Flip = False,
    max_colors: MaxColors = None,
    regions: Regions = False,
    names: Names = "css",
    table: TableFile = None,
    max_pixels: MaxPixels = 100_000_000,
    device: Device = "auto",
) -> None:
    """Segment photos of dressed people into skin, hair and clothes.

    For each photo NAME: NAME.mask.png (pixel value = class) and NAME.overlay.png; with --colors
    NAME.palette.json and NAME.palette.png; with --cutouts NAME.clothes.png, NAME.skin.png and
    NAME.hair.png; with --map NAME.map.png.
    """
    from rich.console import Console
    from rich.progress import track

    from pix2seg.colors.table import check_format, rows_of, write_table
    from pix2seg.errors import PhotoError
    from pix2seg.memory import keep_freed_memory
    from pix2seg.segmenter import Segmenter

    if json_to not in (None, "-"):
        raise typer.BadParameter(
            "the palette JSON goes to - (standard output)", param_hint="--json"
        )
    if table:
        check_format(table)
    options = person_options(person_weights, person_config, everyone, person_box)
    inputs = find_new_photos(photos, out)
    keep_freed_memory()
    console = Console(stderr=True)
    with console.status("loading the models"):
        segmenter = Segmenter(
            weights,
            person=person,
            device=device,
            hide=hide,
            flip=flip,
            person_options=options,
        )
    summary = _summary(segmenter.scheme.foreground)
    rows: list[Row] = []
    bad: list[PhotoError] = []
    for photo in track(inputs, "segmenting", console=console, transient=True):
        try:
            result = segmenter(photo.path, max_pixels=max_pixels)
        except PhotoError as error:
            bad.append(error)
            continue
        if not result.person.found:
            print_warning(console, f"{photo.path}: nobody found, so the whole photo is segmented")
        result.save(out, photo.stem, cutouts=cutouts, map=map)
        found = None
        if colors or json_to or table:
            found = result.colors(max_colors, regions=regions, names=names)
            found.save(out / photo.stem, json_file=not json_to)
            rows.extend(rows_of(found.document()))
            if json_to:
                print_json(found)
        _add_row(summary, photo, result, found)
    if table:
        write_table(table, rows)
    _report(console, summary, bad, out, str(segmenter.device))


def _summary(classes: tuple[str, ...]) -> "Table":
    from rich.table import Table

    table = Table(box=None)
    table.add_column("photo", overflow="fold")
    if len(classes) <= READABLE_CLASSES:
        for name in reversed(classes):
            table.add_column(name, justify="right")
            table.add_column("")
    else:
        table.add_column("largest classes")
    table.add_column("seconds", justify="right")
    return table


def _add_row(
    summary: "Table",
    photo: "InputPhoto",
    result: "Segmentation",
    colors: "PhotoColors | None",
) -> None:
    from rich.text import Text

    from pix2seg.cli.output import swatch_text

    coverage, classes = result.coverage(), result.scheme.foreground
    cells: list[Text] = [Text(photo.relative.as_posix())]
    if len(classes) <= READABLE_CLASSES:
        for name in reversed(classes):
            cells.append(Text(f"{coverage[name]:.1%}"))
            cells.append(swatch_text(colors.palettes[name]) if colors else Text())
    else:
        largest = sorted(classes, key=lambda name: -coverage[name])[:READABLE_CLASSES]
        cells.append(Text(", ".join(f"{n} {coverage[n]:.1%}" for n in largest if coverage[n])))
    cells.append(Text(f"{result.seconds:.2f}"))
    summary.add_row(*cells)


def _report(
    console: "Console", table: "Table", bad: "list[PhotoError]", out: Path, device: str
) -> None:
    if table.row_count:
        console.print(table)
        console.print(f"{table.row_count} segmented on {device}, results in {out}", highlight=False)
    exit_on_bad(console, bad)
