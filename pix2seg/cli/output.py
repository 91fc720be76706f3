"""What several commands share: which photos they take, and what they print."""

import os
import sys
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from pix2seg.colors.palette import Palette
    from pix2seg.errors import PhotoError, Pix2SegError
    from pix2seg.inputs import InputPhoto

EXIT_NOTHING = 1
"""Nothing was found, or nothing exported."""

EXIT_BAD_INPUT = 2

STANDARD_OUTPUT = "-"

DEFAULT_OUT = Path("pix2seg-out")
"""Where results go if no folder is named."""

PROBE = 4096
"""Bytes that a folder for results must have room for."""

LEAST_WIDTH = 80
"""Tables are laid out for as many columns at least; a narrower terminal wraps them whole."""

ANY_WIDTH = 100_000
"""What is no terminal takes lines as long as they are."""


@cache
def messages() -> "Console":
    """Where commands say what is wrong: standard error, which takes text as it is.

    One for all, so that what is printed while a bar is shown stands above the bar.
    """
    return plain_console(stderr=True, soft_wrap=True)


def results(**options: Any) -> "Console":
    """Where commands put what they were asked for: standard output, which takes text as it is."""
    console = plain_console(**options)
    console.width = max(console.width, LEAST_WIDTH) if console.is_terminal else ANY_WIDTH
    return console


def plain_console(**options: Any) -> "Console":
    """A console to which names are names, whatever is in them."""
    return _console_class()(highlight=False, markup=False, emoji=False, **options)


@cache
def _console_class() -> "type[Console]":
    from rich.console import Console  # takes a sixth of what --help takes, which prints without it

    class PlainConsole(Console):
        def render_str(self, text: str, **options: Any) -> "Text":
            """A string as it shall be shown."""
            return super().render_str(printable(text), **options)

        def on_broken_pipe(self) -> None:
            """Nobody reads on; Rich would end with 1, which is said of a search without finds."""
            try:
                super().on_broken_pipe()
            except SystemExit:
                if not self.stderr:
                    print_error(messages(), "standard output: broken pipe")
                sys.exit(EXIT_BAD_INPUT)

    return PlainConsole


def printable(text: str) -> str:
    r"""A text without what a terminal obeys: control characters become escapes such as `\x1b`."""
    return "".join(
        c.encode("unicode_escape").decode()
        if c not in "\n\t" and unicodedata.category(c) in ("Cc", "Cf", "Cs")
        else c
        for c in text
    )


def one_line(text: str) -> str:
    """The same, with line breaks as escapes too."""
    return printable(text).replace("\n", "\\n")


def base_colors(palette: "Palette") -> str:
    """A palette's base colours, such as `white/blue`."""
    return "/".join(palette.basic)


def kind_text(kind: str, score: float | None) -> str:
    """A class or garment by its name, with a question mark where its kind is hardly sure."""
    from pix2seg.garments import SURE_KIND

    return f"{kind}?" if score is not None and score < SURE_KIND else kind


def swatch_text(palette: "Palette", *, codes: bool = False) -> "Text":
    """A palette's base colours, and its colours as blocks, or hex codes where none are shown.

    Args:
        palette: the colours.
        codes: write the hex codes behind the blocks too.
    """
    from rich.text import Text

    names, hexes = f"{base_colors(palette)} ", [swatch.color.hex for swatch in palette]
    console = messages()
    if console.color_system is None or console.no_color:
        return Text(names + " ".join(hexes))
    text = Text(names)
    for code in hexes:
        text.append("  ", f"on {code}").append(f" {code} " if codes else "")
    return text


@contextmanager
def json_lines(target: str) -> Iterator[Callable[[dict[str, Any]], None]]:
    """Write palette documents, a line of JSON each, as they come; a file keeps those that came.

    Args:
        target: a file, or `-` for standard output.

    Raises:
        OutputError: the file cannot be written.
    """
    import json

    from pix2seg.files import append_whole, atomic_write

    def line(document: dict[str, Any]) -> str:
        return json.dumps(document, ensure_ascii=False) + "\n"

    path = Path(target)
    if target == STANDARD_OUTPUT:
        yield lambda document: write_standard_output([line(document).encode()])
    elif path.exists() and not path.is_file():  # a pipe, whose reader would see its end too early
        with atomic_write(path) as pipe, pipe.open("w", encoding="utf-8") as file:
            yield lambda document: print(line(document), end="", file=file)
    else:
        with atomic_write(path) as temporary:
            temporary.touch()
        yield lambda document: append_whole(path, line(document))


def check_documents(target: str | None, table: Path | None) -> None:
    """Refuse files for palette documents, as JSON and as a table, that cannot be written.

    Raises:
        typer.BadParameter: both are one.
        ColorError: the table's suffix is unknown, or Parquet's library is missing.
        OutputError: one is there and is somebody else's.
    """
    from pix2seg.colors.table import check_format, check_own
    from pix2seg.errors import OutputError

    if target and table and os.path.realpath(target) == os.path.realpath(table):
        raise typer.BadParameter(
            f"{target} cannot hold the table too; name two files", param_hint="--json"
        )
    lines = Path(target) if target and target != STANDARD_OUTPUT else None
    if lines:
        check_own(lines, json_lines=True)
    if table:
        check_format(table)
        check_own(table)
    # Both are replaced as the work begins: neither, where the other cannot be.
    for file in filter(None, (lines, table)):
        if file.is_dir():
            raise OutputError(f"cannot write {file}: is a directory")
        if file.is_file() or not file.exists():  # a pipe has no folder to write to
            check_writable(Path(os.path.realpath(file)).parent)


def print_lines(lines: Iterable[str]) -> None:
    """Print lines of JSON to standard output, in UTF-8 as JSON has to be.

    Raises:
        OutputError: standard output takes no more.
    """
    write_standard_output(line.encode() + b"\n" for line in lines)


def write_standard_output(parts: Iterable[bytes]) -> None:
    """Write bytes to standard output.

    Raises:
        OutputError: it takes no more.
    """
    from pix2seg.errors import OutputError, reason_of

    try:
        for part in parts:
            sys.stdout.buffer.write(part)
        sys.stdout.buffer.flush()
    except OSError as error:
        raise OutputError(f"standard output: {reason_of(error)}") from error


def print_error(console: "Console", error: "Pix2SegError | str") -> None:
    """Print an error as one line."""
    _print_line(console, "red", str(error))


def print_warning(console: "Console", text: str) -> None:
    """Print a warning as one line."""
    _print_line(console, "yellow", text)


def print_review(name: str, review: str | None) -> None:
    """Print why somebody should look at a photo's result, if there is a reason."""
    if review:
        print_warning(messages(), f"{name} should be looked at: {review}")


def _print_line(console: "Console", color: str, text: str) -> None:
    from rich.text import Text

    console.print(Text.assemble(("pix2seg: ", color), one_line(text)))


def find_new_photos(
    arguments: list[str], out: Path, review: Path | None = None
) -> "tuple[list[InputPhoto], list[PhotoError]]":
    """The photos to work on; results of an earlier run that lie in a given folder are no photos.

    Args:
        arguments: what was asked for.
        out: the folder for the results.
        review: the folder for overlays of photos that should be looked at.

    Returns:
        The photos, and what is wrong with the arguments that name none.

    Raises:
        PhotoError: there is no photo.
        OutputError: the results of two would have the same names, or overwrite a photo; or a
            folder for results is a file.
    """
    from pix2seg.errors import OutputError, PhotoError
    from pix2seg.inputs import (
        check_overwriting,
        find_photos,
        is_result,
        result_bases,
        told_apart,
    )

    for folder in filter(None, (out, review)):
        if folder.exists() and not folder.is_dir():
            raise OutputError(f"cannot write {folder}: it is a file; name a folder for the results")
    found, wrong = find_photos(arguments)
    named = {str(Path(argument)) for argument in arguments}
    # Another command's results may lie in the folder that all of them have by default; who asks for
    # what lies there means it.
    default = os.path.realpath(DEFAULT_OUT)
    asked = any(Path(os.path.realpath(each)).is_relative_to(default) for each in arguments)
    folders = (out, review, None if asked else DEFAULT_OUT)
    bases = {folder: result_bases(found, folder) for folder in folders if folder}
    photos = [
        photo
        for photo in found
        if str(photo.path) in named
        or not any(is_result(photo.path, folder, there) for folder, there in bases.items())
    ]
    if not photos and wrong:
        raise wrong[0]
    if not photos:
        raise PhotoError(
            f"{' '.join(arguments)} holds nothing but results; name a folder of photos"
        )
    photos = told_apart(photos)
    for photo in photos:
        if photo.keeps_suffix:
            name = photo.relative.name
            print_warning(
                messages(), f"{photo.path}: its results are named {name}.* to be told apart"
            )
    check_overwriting(photos, out, review)
    return photos, wrong


def check_writable(folder: Path) -> None:
    """Refuse a folder for results that takes none, before any work; none is made yet.

    Raises:
        OutputError: it cannot be written, or its disk is full.
    """
    from tempfile import TemporaryFile

    from pix2seg.errors import OutputError, reason_of

    try:
        place = next(f for f in (folder, *folder.absolute().parents) if f.exists())
        with TemporaryFile(dir=place) as file:
            file.write(bytes(PROBE))
            file.flush()
            os.fsync(file)  # some file systems find out only then that they are full
    except OSError as error:
        raise OutputError(
            f"cannot write {folder}: {reason_of(error)}; name another folder"
        ) from error


def exit_on_bad(console: "Console", errors: Sequence["Pix2SegError"]) -> None:
    """Name the photos of a batch that were bad, and end with exit code 2 if there are any."""
    print_bad(console, errors)
    if errors:
        raise typer.Exit(EXIT_BAD_INPUT)


def print_bad(console: "Console", errors: Sequence["Pix2SegError"]) -> None:
    """Name the photos of a batch that were bad, a line each."""
    for error in errors:
        print_error(console, error)


@contextmanager
def naming_bad(console: "Console", errors: Sequence["Pix2SegError"]) -> Iterator[None]:
    """Name those that were bad until then where Ctrl-C or an error ends a batch."""
    from pix2seg.errors import Pix2SegError

    try:
        yield
    except (KeyboardInterrupt, Pix2SegError):
        print_bad(console, errors)
        raise
