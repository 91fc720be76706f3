"""What several commands print: colours, palette JSON, and which photos were bad."""

import json
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from pix2seg.colors.palette import Palette
    from pix2seg.colors.photo_colors import PhotoColors
    from pix2seg.errors import Pix2SegError

EXIT_BAD_INPUT = 2


def swatch_text(palette: "Palette") -> "Text":
    """A palette as blocks of its colours, or as hex codes where the terminal shows none."""
    from rich.console import Console
    from rich.text import Text

    console = Console(stderr=True)
    if console.color_system is None or console.no_color:
        return Text(" ".join(swatch.color.hex for swatch in palette))
    return Text.assemble(*[("  ", f"on {swatch.color.hex}") for swatch in palette])


def print_json(colors: "PhotoColors") -> None:
    """Print a photo's palette JSON as one line to standard output."""
    sys.stdout.write(json.dumps(colors.document(), ensure_ascii=False) + "\n")
    sys.stdout.flush()


def print_error(console: "Console", error: "Pix2SegError") -> None:
    """Print an error as one line."""
    from rich.text import Text

    console.print(Text.assemble(("pix2seg: ", "red"), str(error)), soft_wrap=True)


def exit_on_bad(console: "Console", errors: Sequence["Pix2SegError"]) -> None:
    """Name the photos of a batch that were bad, and end with exit code 2 if there are any."""
    for error in errors:
        print_error(console, error)
    if errors:
        raise typer.Exit(EXIT_BAD_INPUT)
