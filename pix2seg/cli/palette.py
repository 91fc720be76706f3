"""`pix2seg palette`: the colours of pictures that need no segmentation."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pix2seg.cli.options import MaxColors, MaxPixels, Names, TableFile
from pix2seg.cli.output import exit_on_bad, messages, noting, print_json, printable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from rich.console import Console

    from pix2seg.colors.photo_colors import PhotoColors
    from pix2seg.errors import Pix2SegError
    from pix2seg.photo import Photo


class PaletteFormat(StrEnum):
    """What --to writes; see `pix2seg.colors.export`."""

    GPL = "gpl"
    ASE = "ase"
    CSS = "css"
    TOKENS = "tokens"


def palette(
    photos: Annotated[
        list[str], typer.Argument(metavar="PHOTO...", help="Photos, folders or globs.")
    ],
    out: Annotated[Path, typer.Option(help="Folder for the results.")] = Path("pix2seg-out"),
    mask: Annotated[
        Path | None,
        typer.Option(help="Mask of the one photo: pixels that are not 0 count."),
    ] = None,
    to: Annotated[
        list[PaletteFormat] | None,
        typer.Option(
            help="Also write a GIMP, Adobe, CSS or design-token palette; may be repeated."
        ),
    ] = None,
    max_colors: MaxColors = None,
    names: Names = "css",
    table: TableFile = None,
    max_pixels: MaxPixels = 100_000_000,
    json_to: Annotated[
        str | None,
        typer.Option(
            "--json",
            metavar="-",
            help="With -: print the palette JSON to standard output instead of writing it.",
        ),
    ] = None,
) -> None:
    """Find the colours of pictures as they are: cut-outs, swatches, packshots.

    Counts every pixel, or those that are opaque, or those of a --mask. Writes NAME.palette.json
    and NAME.palette.png.
    """
    from pix2seg.colors.export import EXPORTS
    from pix2seg.colors.photo_colors import photo_colors
    from pix2seg.colors.table import Row, check_format, rows_of, write_table
    from pix2seg.errors import OutputError
    from pix2seg.files import atomic_write
    from pix2seg.inputs import check_collisions, check_name, check_overwriting, find_photos
    from pix2seg.photo import read_photo

    if json_to not in (None, "-"):
        raise typer.BadParameter(
            "the palette JSON goes to - (standard output)", param_hint="--json"
        )
    if table:
        check_format(table)
    inputs = find_photos(photos)
    check_collisions(inputs)
    check_overwriting(inputs, out)
    if mask and len(inputs) > 1:
        raise OutputError(f"--mask is for one photo; there are {len(inputs)}")
    console = messages()
    rows: list[Row] = []
    bad: list[Pix2SegError] = []
    for input_photo in inputs:
        with noting(bad, input_photo):
            check_name(input_photo)
            name = input_photo.relative.as_posix()
            photo = read_photo(input_photo.path, max_pixels=max_pixels, name=name)
            counted = _counted(photo, mask)
            colors = photo_colors(photo, {"photo": counted}, max_colors=max_colors, names=names)
            base = out / input_photo.stem
            colors.save(base, json_file=not json_to)
            for name in to or ():
                suffix, export = EXPORTS[name]
                with atomic_write(base.with_name(base.name + suffix)) as temporary:
                    temporary.write_bytes(export(colors))
            rows.extend(rows_of(colors.document()))
            if json_to:
                print_json(colors.document())
            _print(console, input_photo.relative.as_posix(), colors)
    if table:
        write_table(table, rows)
    exit_on_bad(console, bad)


def _counted(photo: "Photo", mask: Path | None) -> "NDArray[np.bool_]":
    import numpy as np

    from pix2seg.errors import DatasetError, PhotoError
    from pix2seg.preprocess.dataset.dataset import read_image

    if mask is None:
        if photo.alpha is None:
            return np.ones(photo.pixels.shape[:2], bool)
        return photo.alpha > 127
    try:
        values = read_image(mask)
    except DatasetError:
        raise PhotoError(f"cannot read the mask {mask}; give a grey or indexed PNG") from None
    counted = values > 0 if values.ndim == 2 else values[..., :3].any(axis=2)
    if counted.shape != photo.pixels.shape[:2]:
        raise PhotoError(
            f"the mask {mask} is {counted.shape[1]}x{counted.shape[0]}, the photo "
            f"{photo.width}x{photo.height}; give a mask of the photo's size"
        )
    return np.asarray(counted)


def _print(console: "Console", name: str, colors: "PhotoColors") -> None:
    from rich.text import Text

    from pix2seg.cli.output import swatch_text

    line = Text.assemble(printable(name), "  ", swatch_text(colors.palettes["photo"]))
    console.print(line, soft_wrap=True)
