"""`pix2seg train`: from a recipe and a data set to a weights file."""

from pathlib import Path
from typing import Annotated, Any

import typer

from pix2seg.cli.options import Device


def train(
    run: Annotated[Path, typer.Option(help="Folder for checkpoints, logs and the weights.")],
    recipe: Annotated[
        str | None, typer.Option(help="A recipe's name (see pix2seg recipes) or TOML file.")
    ] = None,
    data: Annotated[
        Path | None, typer.Option(help="A data set that pix2seg prepare wrote.")
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Override a key of the recipe."),
    ] = None,
    init: Annotated[Path | None, typer.Option(help="Weights to start from (.safetensors).")] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on where the run in --run was broken off.")
    ] = False,
    device: Device = "auto",
) -> None:
    """Train the pair on a prepared data set.

    The folder --run gets best.safetensors (the result), last.pt (to resume), metrics.jsonl and
    tensorboard/. Ctrl-C saves; --resume goes on exactly there.
    """
    from rich.console import Console

    from pix2seg.device import choose_device, keep_freed_memory
    from pix2seg.preprocess.dataset import Dataset
    from pix2seg.train.recipe import Recipe
    from pix2seg.train.trainer import Trainer

    keep_freed_memory()
    console = Console(stderr=True)
    settings = _read_run(run, recipe, data, set_) if resume else _new_run(recipe, data, set_)
    chosen = choose_device(device)
    parsed = Recipe.from_dict(settings["recipe"])
    dataset = Dataset(Path(settings["data"]))
    trainer = Trainer(parsed, dataset, run, chosen, console, resume=resume, init=init)
    _write_run(run, settings)
    console.print(f"recipe {parsed.name}, {trainer.describe()}", highlight=False)
    weights = trainer.train()
    console.print(f"done: {weights}; score it with pix2seg evaluate --weights {weights}")


def _new_run(recipe: str | None, data: Path | None, overrides: list[str] | None) -> dict[str, Any]:
    from pix2seg.errors import TrainingError
    from pix2seg.train.recipe import read_recipe

    if recipe is None or data is None:
        raise TrainingError("a new run needs --recipe NAME and --data FOLDER (or --resume)")
    return {"recipe": read_recipe(recipe, overrides or ()), "data": str(data.resolve())}


def _read_run(
    run: Path, recipe: str | None, data: Path | None, overrides: list[str] | None
) -> dict[str, Any]:
    import json

    from pix2seg.errors import TrainingError

    if recipe or overrides:
        raise TrainingError("--resume keeps the run's recipe; leave --recipe and --set out")
    try:
        settings: dict[str, Any] = json.loads((run / "run.json").read_text("utf-8"))
    except (OSError, ValueError):
        raise TrainingError(f"{run} holds no run to resume; start one without --resume") from None
    if data:
        settings["data"] = str(data.resolve())
    return settings


def _write_run(run: Path, settings: dict[str, Any]) -> None:
    import json

    from pix2seg.files import atomic_write

    with atomic_write(run / "run.json") as temporary:
        temporary.write_text(json.dumps(settings, indent=2) + "\n", "utf-8")
