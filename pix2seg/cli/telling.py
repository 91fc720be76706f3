"""How much commands tell: `--quiet` and `--verbose`, alike for all that say how their work goes."""

import gc
import inspect
import platform
import time
from collections.abc import Callable, Iterable, Sized
from dataclasses import dataclass
from functools import cache, wraps
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from pix2seg import __version__
from pix2seg.cli.output import messages, plain_console
from pix2seg.cores import core_count

if TYPE_CHECKING:
    from rich.console import Console
    from rich.status import Status

Thing = TypeVar("Thing")

Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but warnings and errors.")]
Verbose = Annotated[
    bool, typer.Option("--verbose", "-v", help="Also say what runs, and how long it took.")
]


@dataclass
class _Wish:
    quiet: bool = False
    verbose: bool = False
    loading: "Status | None" = None


_wish = _Wish()


def news(*, quiet: bool = False) -> "Console":
    """Where commands tell how the work goes: standard error, or nowhere with `--quiet`."""
    loaded()
    return _nowhere() if quiet or _wish.quiet else messages()


def details() -> "Console":
    """Where commands say what only some want to know: standard error with `--verbose`."""
    return messages() if _wish.verbose else _nowhere()


@cache
def _nowhere() -> "Console":
    return plain_console(quiet=True)


def _say_loading() -> None:
    """Show on a terminal that something goes on, until there is news: imports take seconds."""
    if messages().is_terminal and not _wish.quiet:
        _wish.loading = messages().status("loading")
        _wish.loading.start()


def loaded() -> None:
    """Say that imports are over: all that they made stays, and from now on garbage is collected.

    To look through what they make again and again takes a twentieth of what a photo takes.
    """
    if not gc.isenabled():
        gc.freeze()
        gc.enable()
    if _wish.loading:
        _wish.loading.stop()
        _wish.loading = None


def tracked(things: Iterable[Thing], doing: str, total: int | None = None) -> Iterable[Thing]:
    """Things one by one, with a bar that shows on a terminal how many are done."""
    console = news()
    # Elsewhere a bar would come as lines, and an empty one at the end.
    if not console.is_terminal or (isinstance(things, Sized) and len(things) < 2):
        return things
    from rich.progress import track

    return track(things, doing, total, console=console, transient=True)


def telling(command: Callable[..., None]) -> Callable[..., None]:
    """A command that also takes `--quiet` and `--verbose`."""

    @wraps(command)
    def run(*arguments: Any, quiet: bool, verbose: bool, **options: Any) -> None:
        if quiet and verbose:
            raise typer.BadParameter("--verbose is its opposite; leave one out", param_hint="-q")
        _wish.quiet, _wish.verbose = quiet, verbose
        began = time.monotonic()
        _say_loading()
        system = f"Python {platform.python_version()}, {platform.system()}, {core_count()} cores"
        details().print(f"pix2seg {__version__}, {system}")
        try:
            command(*arguments, **options)
        finally:
            loaded()
            details().print(f"took {time.monotonic() - began:.1f} s")

    added = {"quiet": Quiet, "verbose": Verbose}
    signature = inspect.signature(command)
    parameters = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=False, annotation=kind)
        for name, kind in added.items()
    ]
    run.__annotations__ = {**command.__annotations__, **added}
    run.__signature__ = signature.replace(  # type: ignore[attr-defined]
        parameters=[*signature.parameters.values(), *parameters]
    )
    return run
