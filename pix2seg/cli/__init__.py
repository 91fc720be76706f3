"""The command line: one file for each command, the only place that knows all of the packages."""

import io
import os
import sys
import warnings
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, NoReturn, cast

import typer
from typer.core import TyperGroup

from pix2seg import __version__
from pix2seg.cli.ablate import ablate
from pix2seg.cli.calibrate import calibrate
from pix2seg.cli.catalog import catalog
from pix2seg.cli.compare import compare
from pix2seg.cli.evaluate import evaluate
from pix2seg.cli.export import export
from pix2seg.cli.find import find
from pix2seg.cli.learning_rate import learning_rate
from pix2seg.cli.output import (
    EXIT_BAD_INPUT,
    STANDARD_OUTPUT,
    messages,
    print_error,
    results,
)
from pix2seg.cli.palette import palette
from pix2seg.cli.person import person
from pix2seg.cli.prepare import prepare
from pix2seg.cli.recipes import recipes
from pix2seg.cli.segment import segment
from pix2seg.cli.serve import serve
from pix2seg.cli.telling import telling
from pix2seg.cli.train import train
from pix2seg.errors import InterruptedRunError, Pix2SegError, is_out_of_memory, reason_of


def _print_version(wanted: bool) -> None:
    if wanted:
        results().print(f"pix2seg {__version__}")
        raise typer.Exit


class _Commands(TyperGroup):
    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        first = args[0]
        if first not in self.commands and Path(first).exists():
            raise Pix2SegError(f"say what to do with {first}, such as: pix2seg segment {first}")
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except typer.BadParameter as error:
            error.message = _plain(error)
            raise


def _plain(error: typer.BadParameter) -> str:
    """What is wrong with an option's value, without the words of pydantic, which typer asks."""
    from pydantic import ValidationError

    if not isinstance(error.__cause__, ValidationError):
        return error.message
    first = error.__cause__.errors()[0]
    reason = first["msg"].removeprefix("Value error, ").partition(", unable to parse")[0]
    return reason.replace("Input", f"'{first['input']}'", 1)


app = typer.Typer(
    cls=_Commands,
    name="pix2seg",
    help="From a photo of a dressed person to garment, skin and hair masks and their colours. Exit "
    "codes: 0 all went well, 1 nothing was found or exported, 2 some input was bad, 130 "
    "interrupted, 143 terminated.",
    no_args_is_help=True,
    rich_markup_mode=None,  # to import a Markdown reader takes longer than all else in --help
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


@app.callback()
def _common(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_print_version)
    ] = False,
) -> None:
    pass


app.command()(telling(segment))
app.command()(telling(palette))
app.command()(find)
app.command()(telling(person))
app.command()(serve)
app.command()(telling(train))
app.command()(telling(learning_rate))
app.command()(telling(evaluate))
app.command()(telling(compare))
app.command()(telling(ablate))
app.command()(telling(calibrate))
app.command()(recipes)
app.command()(telling(export))
app.add_typer(catalog, name="catalog")
app.add_typer(prepare, name="prepare")

EXIT_INTERRUPTED = 130

TRAINING = {
    "onnx", "pycocotools", "safetensors", "scipy", "segmentation_models_pytorch", "skimage",
    "sklearn", "tensorboard", "torch", "torchvision",
}  # fmt: skip
"""What the extra `train` installs."""


def main() -> None:
    """Run the command line; what a user can mend ends in one line and exit code 2."""
    if not sys.warnoptions:  # what libraries warn each other of is nothing to a user
        warnings.simplefilter("ignore")
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed, as daemons and cron may start a program
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_WRONLY), "w"))
        cast(io.TextIOWrapper, getattr(sys, name)).reconfigure(errors="backslashreplace")
    try:
        try:
            app(args=with_json_target(sys.argv[1:]))
        finally:
            sys.stdout.flush()
    except InterruptedRunError as error:
        print_error(messages(), error)
        sys.exit(EXIT_INTERRUPTED)
    except Pix2SegError as error:
        _fail(str(error))
    except ModuleNotFoundError as error:
        if error.name not in TRAINING:
            raise
        _fail(
            f"this needs {error.name}, which is not installed: pip install '.[train]' in the "
            "checkout of pix2seg"
        )
    except OSError as error:
        _fail(f"{error.filename or 'standard output'}: {reason_of(error)}")
    except KeyboardInterrupt:
        sys.exit(EXIT_INTERRUPTED)
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        _fail("there is not enough memory; free some, or give smaller photos")


def with_json_target(arguments: list[str]) -> list[str]:
    """The command line with standard output named behind a `--json` that names no file."""
    alone = {"segment", "palette"} & set(arguments[:1])
    return [
        f"--json={STANDARD_OUTPUT}"
        if alone and argument == "--json" and after.startswith("-") and after != STANDARD_OUTPUT
        else argument
        for argument, after in pairwise([*arguments, "--"])
    ]


def _fail(reason: str) -> NoReturn:
    print_error(messages(), reason)
    with suppress(OSError):  # what cannot be printed now cannot be printed as Python ends either
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(EXIT_BAD_INPUT)
