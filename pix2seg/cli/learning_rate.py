"""`pix2seg learning-rate`: which learning rate a recipe bears."""

from pathlib import Path
from typing import Annotated

import typer

from pix2seg.cli.options import Device, Init, Overrides
from pix2seg.cli.output import results
from pix2seg.cli.telling import news

ROWS = 12
"""Rows of the table at most."""


def learning_rate(
    recipe: Annotated[
        str, typer.Option(help="A generator's recipe (see pix2seg recipes) or TOML file.")
    ],
    data: Annotated[Path, typer.Option(help="A data set that pix2seg prepare wrote.")],
    steps: Annotated[int, typer.Option(min=10, help="How many steps to train.")] = 100,
    set_: Overrides = None,
    init: Init = None,
    device: Device = "auto",
) -> None:
    """Find a suitable learning rate for a recipe.

    Trains with a rising one: the loss falls as the rate rises, until it is too high. What is
    trained is thrown away.
    """
    from rich.table import Table

    from pix2seg.device import choose_device
    from pix2seg.errors import TrainingError
    from pix2seg.memory import keep_freed_memory
    from pix2seg.preprocess.dataset.dataset import Dataset
    from pix2seg.train.generator.learning_rate import range_test, suggested
    from pix2seg.train.recipe import SegmentationRecipe, parse_recipe, read_recipe

    keep_freed_memory()
    parsed = parse_recipe(read_recipe(recipe, set_ or ()))
    if not isinstance(parsed, SegmentationRecipe):
        raise TrainingError(f"recipe {parsed.name} trains no generator; take another")
    chosen = choose_device(device)
    with news().status(f"training {steps} steps with a rising learning rate"):
        points = range_test(parsed, Dataset(data), chosen, steps, init)
    table = Table("learning rate", "loss", box=None)
    for i in sorted({round(row * (len(points) - 1) / (ROWS - 1)) for row in range(ROWS)}):
        point = points[i]
        table.add_row(f"{point.learning_rate:.1e}", f"{point.loss:.3f}")
    console = results()
    console.print(table)
    console.print(
        f"suggested: --set optimizer.learning_rate={suggested(points):.1e} (a third of the rate "
        "with the least loss)",
        soft_wrap=True,
    )
