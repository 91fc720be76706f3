"""`pix2seg palette`: the colours of pictures that need no segmentation."""

from collections.abc import Iterable
from contextlib import ExitStack
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pix2seg.cli.options import JsonTo, MaxColors, MaxPixels, Names, OutFolder, Photos, TableFile
from pix2seg.cli.output import (
    DEFAULT_OUT,
    check_documents,
    check_writable,
    exit_on_bad,
    find_new_photos,
    json_lines,
    messages,
    naming_bad,
    one_line,
    print_warning,
)
from pix2seg.cli.telling import news
from pix2seg.limits import MAX_PIXELS

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from pix2seg.colors.photo_colors import PhotoColors
    from pix2seg.inputs import InputPhoto
    from pix2seg.photo import Photo


class PaletteFormat(StrEnum):
    """What --to writes; see `pix2seg.colors.export`."""

    GPL = "gpl"
    ASE = "ase"
    CSS = "css"
    TOKENS = "tokens"


def palette(
    photos: Photos,
    out: OutFolder = None,
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
    max_pixels: MaxPixels = MAX_PIXELS,
    json_to: JsonTo = None,
) -> None:
    """Find the colours of pictures as they are.

    For cut-outs, swatches and packshots: nothing is segmented. Counts every pixel, or those that
    are opaque, or those of a --mask. Writes NAME.palette.json and NAME.palette.png.
    """
    from pix2seg.colors.row import rows_of
    from pix2seg.colors.table import growing_table
    from pix2seg.errors import OutputError, Pix2SegError, enough_memory

    check_documents(json_to, table)
    pictures = bool(out or to or not json_to)
    out = out or DEFAULT_OUT
    inputs, wrong = find_new_photos(photos, out)
    if mask and len(inputs) > 1:
        raise OutputError(f"--mask is for one photo; there are {len(inputs)}")
    if pictures:
        check_writable(out)
    bad: list[Pix2SegError] = [*wrong]
    with ExitStack() as stack:
        stack.enter_context(naming_bad(messages(), bad))
        # The table last: as it begins, it replaces one that is there.
        write_json = stack.enter_context(json_lines(json_to)) if json_to else None
        add_rows = stack.enter_context(growing_table(table)) if table else None
        for photo in inputs:
            try:
                with enough_memory(photo.path):
                    colors = _find_colors(photo, mask, max_pixels, max_colors, names)
                    if pictures:
                        _save(colors, out / photo.stem, to or ())
            except Pix2SegError as error:
                bad.append(error)
                continue
            if add_rows:
                add_rows(list(rows_of(colors.document())))
            if write_json:
                write_json(colors.document())
            _print(photo.relative.as_posix(), colors, mask)
    done = len(inputs) + len(wrong) - len(bad)
    failed = f", {len(bad)} failed" if bad else ""
    where = f", results in {out}" if done and pictures else ""
    news().print(f"{done} done{failed}{where}")
    exit_on_bad(messages(), bad)


def _find_colors(
    photo: "InputPhoto", mask: Path | None, max_pixels: int, max_colors: int | None, names: Names
) -> "PhotoColors":
    from pix2seg.colors.photo_colors import photo_colors
    from pix2seg.inputs import check_name
    from pix2seg.photo import read_photo

    check_name(photo)
    read = read_photo(photo.path, max_pixels=max_pixels, name=photo.relative.as_posix())
    counted = {"photo": _counted(read, mask)}
    return photo_colors(read, counted, max_colors=max_colors, names=names)


def _save(colors: "PhotoColors", base: Path, formats: Iterable[PaletteFormat]) -> None:
    from pix2seg.colors.export import EXPORTS
    from pix2seg.files import atomic_write

    colors.save(base)
    for name in formats:
        export = EXPORTS[name]
        with atomic_write(base.with_name(base.name + export.suffix)) as temporary:
            temporary.write_bytes(export.write(colors))


def _counted(photo: "Photo", mask: Path | None) -> "NDArray[np.bool_]":
    import numpy as np
    from PIL import Image

    from pix2seg.colors.photo_colors import mask_values
    from pix2seg.errors import PhotoError, is_out_of_memory, reason_of

    if mask is None:
        return photo.opaque
    try:
        with Image.open(mask) as image:
            counted = np.asarray(mask_values(image).any(axis=2))
    except ValueError as error:
        raise PhotoError(f"the mask {mask} has {error}; give 8-bit PNG") from None
    except Exception as error:  # each of Pillow's decoders raises its own kind for a broken file
        if is_out_of_memory(error):
            raise
        if isinstance(error, OSError) and error.errno:  # it cannot be opened, or not read
            raise PhotoError(f"cannot read the mask {mask}: {reason_of(error)}") from None
        raise PhotoError(f"cannot read the mask {mask}; give a grey or indexed PNG") from None
    if counted.shape != photo.pixels.shape[:2]:
        raise PhotoError(
            f"the mask {mask} is {counted.shape[1]}x{counted.shape[0]}, the photo "
            f"{photo.width}x{photo.height}; give a mask of the photo's size"
        )
    return counted


def _print(name: str, colors: "PhotoColors", mask: Path | None) -> None:
    """One line: the picture's colours, or that it has none."""
    from rich.text import Text

    from pix2seg.cli.output import swatch_text

    found = colors.palettes["photo"]
    if len(found):
        news().print(Text.assemble(one_line(name), "  ", swatch_text(found, codes=True)))
    else:
        lacks = f"no pixel that {mask} counts" if mask else "no opaque pixel"
        print_warning(messages(), f"{name} has {lacks}, and so no colours")
