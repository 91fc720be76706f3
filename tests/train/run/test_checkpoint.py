import json
import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
import torch
from rich.console import Console

from pix2seg.errors import OutputError, TrainingError
from pix2seg.preprocess.dataset.dataset import Dataset
from pix2seg.train.generator.task import SegmentationTask
from pix2seg.train.recipe import SegmentationRecipe, parse_recipe, read_recipe
from pix2seg.train.run.checkpoint import Progress, load_checkpoint, save_checkpoint
from pix2seg.train.run.run_file import RunFile, read_run_file, write_run_file
from pix2seg.train.run.run_log import RunLog
from pix2seg.train.run.trainer import Trainer

CPU = torch.device("cpu")


def test_full_disk_leaves_the_checkpoint_that_was_there(
    tmp_path: Path, full_disk: Callable[[int], AbstractContextManager[None]]
) -> None:
    path = tmp_path / "last.pt"
    save_checkpoint(path, {"tensor": torch.zeros(10)}, Progress(step=3))
    with (
        full_disk(20_000),
        pytest.raises(OutputError, match="the disk may be full"),
    ):
        save_checkpoint(path, {"tensor": torch.zeros(10_000)}, Progress(step=4))
    networks, progress = load_checkpoint(path, CPU)
    assert (progress.step, networks["tensor"].shape) == (3, (10,))
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes"),
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 8 bytes"),
        KeyboardInterrupt(),
    ],
)
def test_only_what_the_file_is_to_blame_for_is_called_broken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    path = tmp_path / "last.pt"
    save_checkpoint(path, {}, Progress())

    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(torch, "load", fail)
    with pytest.raises(type(error)):
        load_checkpoint(path, CPU)


def test_half_a_checkpoint_is_called_broken(tmp_path: Path) -> None:
    path = tmp_path / "last.pt"
    save_checkpoint(path, {"tensor": torch.zeros(1000)}, Progress())
    whole = path.read_bytes()
    for half in (b"", b"text", whole[: len(whole) // 2], whole[100:]):
        path.write_bytes(half)
        with pytest.raises(TrainingError, match="not a whole checkpoint"):
            load_checkpoint(path, CPU)


@pytest.mark.parametrize("key", ["networks", "progress"])
@pytest.mark.parametrize("value", [None, 5, "x", {"no": 1}])
def test_a_checkpoint_with_something_else_in_it_is_called_broken(
    tmp_path: Path, key: str, value: object
) -> None:
    path = tmp_path / "last.pt"
    save_checkpoint(path, {"tensor": torch.zeros(3)}, Progress())
    state = torch.load(path, weights_only=True)
    if key == "networks" and value == {"no": 1}:
        value = None
        state.pop(key)
    else:
        state[key] = value
    torch.save(state, path)
    with pytest.raises(TrainingError, match="not a whole checkpoint"):
        load_checkpoint(path, CPU)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "5",
        '{"recipe": {}}',
        '{"recipe": 5, "data": ["x"]}',
        '{"recipe": {}, "data": []}',
    ],
)
def test_a_broken_run_file_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "run.json").write_text(text)
    with pytest.raises(TrainingError, match=r"run\.json is broken") as error:
        read_run_file(tmp_path)
    assert "\n" not in str(error.value)


def test_a_run_file_comes_back(tmp_path: Path) -> None:
    settings = RunFile(recipe={"name": "x"}, data=[tmp_path], people=[])
    write_run_file(tmp_path, settings)
    assert read_run_file(tmp_path) == settings


def test_metrics_lose_lines_that_are_none(tmp_path: Path) -> None:
    good = ['{"step": 1}\n', '{"step": 2}\n']
    lines = [good[0], "nonsense\n", "5\n", '{"loss": 3}\n', good[1], '{"step": 9}\n', '{"st']
    (tmp_path / "metrics.jsonl").write_text("".join(lines))
    RunLog(tmp_path, 3).close()
    assert (tmp_path / "metrics.jsonl").read_text() == "".join(good)


def test_another_recipe_does_not_go_on_with_a_run(
    small_dataset: Dataset, small_overrides: tuple[str, ...], tmp_path: Path
) -> None:
    def trainer(*overrides: str, resume: bool) -> Trainer:
        recipe = parse_recipe(read_recipe("pix2pix-ccp4", (*small_overrides, *overrides)))
        assert isinstance(recipe, SegmentationRecipe)
        task = SegmentationTask(recipe, small_dataset, CPU)
        return Trainer(task, recipe, tmp_path, Console(quiet=True), resume=resume)

    trainer("schedule.epochs=1", resume=False).train()
    with pytest.raises(TrainingError, match="begun with another generator"):
        trainer("schedule.epochs=1", "generator.width=5", resume=True)
    path = tmp_path / "last.pt"
    networks, progress = load_checkpoint(path, CPU)
    save_checkpoint(path, {"recipe": networks["recipe"]}, progress)
    with pytest.raises(TrainingError, match="does not fit recipe"):
        trainer("schedule.epochs=1", resume=True)


def test_other_data_does_not_go_on_with_a_run(
    small_dataset: Dataset, small_overrides: tuple[str, ...], tmp_path: Path
) -> None:
    recipe = parse_recipe(read_recipe("pix2pix-ccp4", (*small_overrides, "schedule.epochs=1")))
    assert isinstance(recipe, SegmentationRecipe)
    run, moved = tmp_path / "run", tmp_path / "moved"

    def trainer(dataset: Dataset, resume: bool) -> Trainer:
        task = SegmentationTask(recipe, dataset, CPU)
        return Trainer(task, recipe, run, Console(quiet=True), resume=resume)

    trainer(small_dataset, resume=False).train()
    shutil.copytree(small_dataset.root, moved)
    trainer(Dataset(moved), resume=True)
    facts = json.loads((moved / "dataset.json").read_text())
    facts["classes"]["hair"]["pixels"] += 0.001  # as of other masks for the same photos
    names = json.loads((moved / "split.json").read_text())
    names["train"].pop()
    for file, changed in (("dataset.json", facts), ("split.json", names)):
        shutil.copy(small_dataset.root / file, tmp_path)
        (moved / file).write_text(json.dumps(changed))
        with pytest.raises(TrainingError, match="begun with other data") as error:
            trainer(Dataset(moved), resume=True)
        assert "\n" not in str(error.value)
        shutil.copy(tmp_path / file, moved)
    state, progress = load_checkpoint(run / "last.pt", CPU)
    state.pop("data")  # as a checkpoint of an earlier version
    save_checkpoint(run / "last.pt", state, progress)
    (moved / "split.json").write_text(json.dumps(names))
    trainer(Dataset(moved), resume=True)
