"""What several commands share: which photos they take, and what they print."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from pix2seg.colors.palette import Palette
    from pix2seg.colors.photo_colors import PhotoColors
    from pix2seg.errors import Pix2SegError
    from pix2seg.inputs import InputPhoto

EXIT_BAD_INPUT = 2


def swatch_text(palette: "Palette") -> "Text":
    """A palette's base colours, and its colours as blocks, or hex codes where none are shown."""
    from rich.console import Console
    from rich.text import Text

    from pix2seg.colors.names import basic_names

    names = f"{'/'.join(basic_names(palette))} "
    console = Console(stderr=True)
    if console.color_system is None or console.no_color:
        return Text(names + " ".join(swatch.color.hex for swatch in palette))
    return Text.assemble(names, *[("  ", f"on {swatch.color.hex}") for swatch in palette])


def print_json(colors: "PhotoColors") -> None:
    """Print a photo's palette JSON as one line to standard output."""
    sys.stdout.write(json.dumps(colors.document(), ensure_ascii=False) + "\n")
    sys.stdout.flush()


def print_error(console: "Console", error: "Pix2SegError") -> None:
    """Print an error as one line."""
    from rich.text import Text

    console.print(Text.assemble(("pix2seg: ", "red"), str(error)), soft_wrap=True)


def print_warning(console: "Console", text: str) -> None:
    """Print a warning as one line."""
    from rich.text import Text

    console.print(Text.assemble(("pix2seg: ", "yellow"), text), soft_wrap=True)


def find_new_photos(arguments: list[str], out: Path) -> "list[InputPhoto]":
    """The photos to work on; results of an earlier run that lie in a given folder are no photos.

    Raises:
        PhotoError: there is none.
        OutputError: the results of two would have the same names.
    """
    from pix2seg.errors import PhotoError
    from pix2seg.inputs import check_collisions, find_photos

    photos = [
        photo
        for photo in find_photos(arguments)
        if not photo.path.resolve().is_relative_to(out.resolve()) or str(photo.path) in arguments
    ]
    if not photos:
        raise PhotoError(
            f"{' '.join(arguments)} holds nothing but results; name a folder of photos"
        )
    check_collisions(photos)
    return photos


def exit_on_bad(console: "Console", errors: Sequence["Pix2SegError"]) -> None:
    """Name the photos of a batch that were bad, and end with exit code 2 if there are any."""
    for error in errors:
        print_error(console, error)
    if errors:
        raise typer.Exit(EXIT_BAD_INPUT)
