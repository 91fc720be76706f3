"""The command line: one file for each command, the only place that knows all of the packages."""

import sys

import typer
from rich.console import Console

from pix2seg.cli.ablate import ablate
from pix2seg.cli.calibrate import calibrate
from pix2seg.cli.catalog import catalog
from pix2seg.cli.compare import compare
from pix2seg.cli.evaluate import evaluate
from pix2seg.cli.export import export
from pix2seg.cli.find import find
from pix2seg.cli.learning_rate import learning_rate
from pix2seg.cli.output import EXIT_BAD_INPUT, print_error
from pix2seg.cli.palette import palette
from pix2seg.cli.person import person
from pix2seg.cli.prepare import prepare
from pix2seg.cli.recipes import recipes
from pix2seg.cli.segment import segment
from pix2seg.cli.serve import serve
from pix2seg.cli.train import train
from pix2seg.errors import Pix2SegError

app = typer.Typer(
    name="pix2seg",
    help="From a photo of a dressed person to garment, skin and hair masks and their colours.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(segment)
app.command()(palette)
app.command()(find)
app.command()(person)
app.command()(serve)
app.command()(train)
app.command()(learning_rate)
app.command()(evaluate)
app.command()(compare)
app.command()(ablate)
app.command()(calibrate)
app.command()(recipes)
app.command()(export)
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
    try:
        app()
    except Pix2SegError as error:
        print_error(Console(stderr=True, highlight=False), error)
        sys.exit(EXIT_BAD_INPUT)
    except ModuleNotFoundError as error:
        if error.name not in TRAINING:
            raise
        missing = Pix2SegError(
            f"this needs {error.name}, which is not installed: pip install '.[train]' in the "
            "checkout of pix2seg"
        )
        print_error(Console(stderr=True, highlight=False), missing)
        sys.exit(EXIT_BAD_INPUT)
    except KeyboardInterrupt:
        sys.exit(EXIT_INTERRUPTED)
