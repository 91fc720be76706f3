"""`pix2seg train`: from a recipe and a data set to a weights file."""

from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pix2seg.cli.options import Device, Init, Overrides
from pix2seg.cli.telling import news

if TYPE_CHECKING:
    import torch

    from pix2seg.train.recipe import Recipe
    from pix2seg.train.run.run_file import RunFile
    from pix2seg.train.run.trainer import Task


def train(
    run: Annotated[Path, typer.Option(help="Folder for checkpoints, logs and the weights.")],
    recipe: Annotated[
        str | None,
        typer.Option(
            help="A recipe's name (see pix2seg recipes) or TOML file; a new run needs it."
        ),
    ] = None,
    data: Annotated[
        list[Path] | None,
        typer.Option(
            help="A data set that pix2seg prepare wrote; a new run needs one. A person extractor "
            "learns from raw folders instead: CCP's, or COCO *.json with photos/; give the option "
            "once for each."
        ),
    ] = None,
    people: Annotated[
        list[Path] | None,
        typer.Option(
            help="Photos of people, whose masks alone are known, for a generator to learn from "
            "besides: a folder with COCO *.json and photos/; give the option once for each."
        ),
    ] = None,
    set_: Overrides = None,
    init: Init = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on where the run in --run was broken off.")
    ] = False,
    device: Device = "auto",
) -> None:
    """Train a network from a recipe.

    The folder --run gets best.safetensors (the result), last.pt (to resume), metrics.jsonl and
    tensorboard/. Ctrl-C saves; --resume goes on exactly there. Started by torchrun, any number of
    processes share each batch, as in: torchrun --nproc-per-node 2 -m -- pix2seg train ...
    """
    from pix2seg.memory import keep_freed_memory
    from pix2seg.train.recipe import parse_recipe
    from pix2seg.train.run.distributed import is_writer, join, leave
    from pix2seg.train.run.lock import only_training
    from pix2seg.train.run.run_file import check_data, write_run_file
    from pix2seg.train.run.trainer import Trainer, check_run

    keep_freed_memory()
    chosen = join(device)
    console = news(quiet=not is_writer())
    settings = (
        _read_run(run, recipe, data, people, set_, init)
        if resume
        else _new_run(recipe, data, people, set_, init)
    )
    parsed = parse_recipe(settings.recipe)
    check_run(run, resume)
    if resume:
        check_data(run, settings)
    task = _task(parsed, settings, chosen, resume)
    with only_training(run) if is_writer() else nullcontext():
        trainer = Trainer(task, parsed, run, console, resume=resume)
        if is_writer():
            write_run_file(run, settings)
        console.print(f"recipe {parsed.name}, {task.describe()}")
        weights = trainer.train()
    console.print(f"done: {weights}")
    leave()


def _task(recipe: "Recipe", settings: "RunFile", device: "torch.device", resume: bool) -> "Task":
    from pix2seg.errors import TrainingError
    from pix2seg.train.recipe import PersonRecipe, SegmentationRecipe

    if isinstance(recipe, SegmentationRecipe):
        from pix2seg.preprocess.dataset.dataset import Dataset
        from pix2seg.train.generator.task import SegmentationTask

        if len(settings.data) > 1:
            raise TrainingError(f"recipe {recipe.name} trains on one data set; give one --data")
        dataset, people = Dataset(settings.data[0]), settings.people
        return SegmentationTask(recipe, dataset, device, settings.init, people, resume=resume)
    assert isinstance(recipe, PersonRecipe)
    from pix2seg.train.person.task import PersonTask

    if settings.people:
        raise TrainingError(f"recipe {recipe.name} takes people by --data; leave --people out")
    return PersonTask(recipe, settings.data, device, settings.init, resume=resume)


def _new_run(
    recipe: str | None,
    data: list[Path] | None,
    people: list[Path] | None,
    overrides: list[str] | None,
    init: str | None,
) -> "RunFile":
    from pix2seg.errors import TrainingError
    from pix2seg.train.recipe import read_recipe
    from pix2seg.train.run.run_file import RunFile

    if recipe is None or not data:
        raise TrainingError("a new run needs --recipe NAME and --data FOLDER (or --resume)")
    return RunFile(
        recipe=read_recipe(recipe, overrides or ()),
        data=_paths(data),
        people=_paths(people or []),
        init=str(Path(init).resolve()) if init and Path(init).exists() else init,
    )


def _paths(folders: list[Path]) -> list[Path]:
    return [folder.resolve() for folder in folders]


def _read_run(
    run: Path,
    recipe: str | None,
    data: list[Path] | None,
    people: list[Path] | None,
    overrides: list[str] | None,
    init: str | None,
) -> "RunFile":
    from pix2seg.errors import TrainingError
    from pix2seg.train.run.run_file import read_run_file

    if recipe or overrides:
        raise TrainingError("--resume keeps the run's recipe; leave --recipe and --set out")
    if not (run / "run.json").exists():
        raise TrainingError(
            f"{run} holds no run to resume; start one: pix2seg train --recipe NAME --data FOLDER "
            f"--run {run}"
        )
    if init:
        raise TrainingError("--resume goes on from the run's checkpoint; leave --init out")
    moved = {"data": data, "people": people}
    return read_run_file(run).model_copy(
        update={name: _paths(folders) for name, folders in moved.items() if folders}
    )
