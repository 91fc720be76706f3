from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
import torch

from pix2seg.errors import OutputError, TrainingError
from pix2seg.train.run.checkpoint import Progress, load_checkpoint, save_checkpoint

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
