"""What a run writes for people: metrics.jsonl and TensorBoard."""

import json
import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch.utils.tensorboard import SummaryWriter

from pix2seg.errors import OutputError, reason_of
from pix2seg.files import atomic_write


class RunLog:
    """Appends to `metrics.jsonl` and TensorBoard; a resumed run drops what came after its step.

    Args:
        run: the run's folder.
        step: the step that the run goes on from; 0 for a new one.
    """

    def __init__(self, run: Path, step: int) -> None:
        self.metrics = run / "metrics.jsonl"
        lines = whole_lines(self.metrics) if self.metrics.is_file() else []
        kept = [line for line in lines if _step(line) <= step]
        with atomic_write(self.metrics) as temporary:
            temporary.write_text("".join(kept), "utf-8")
        self.board = SummaryWriter(str(run / "tensorboard"), purge_step=step + 1)

    def write(self, step: int, facts: dict[str, Any], scalars: dict[str, float]) -> None:
        """Add one line to metrics.jsonl, and its scalars to TensorBoard.

        Raises:
            OutputError: the disk is full, or the folder has gone.
        """
        line = {"step": step, **facts, **{k: float(f"{v:.6g}") for k, v in scalars.items()}}
        with self._written(), self.metrics.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
        with self._written():
            for name, value in scalars.items():
                self.board.add_scalar(name, value, step)

    def write_image(self, step: int, name: str, image: NDArray[np.uint8]) -> None:
        """Add an image, RGB uint8 (H, W, 3), to TensorBoard.

        Raises:
            OutputError: the disk is full, or the folder has gone.
        """
        with self._written():
            self.board.add_image(name, image, step, dataformats="HWC")
            self.board.flush()

    def close(self) -> None:
        """Flush everything.

        Raises:
            OutputError: the disk is full, or the folder has gone.
        """
        with self._written():
            self.board.close()

    @contextmanager
    def _written(self) -> Iterator[None]:
        """Say of what goes wrong inside which folder it is about."""
        try:
            yield
        except OSError as error:
            raise OutputError(
                f"cannot write to {self.metrics.parent}: {reason_of(error)}; make room and go on "
                "with --resume"
            ) from error


def whole_lines(metrics: Path) -> list[str]:
    """The lines of a `metrics.jsonl`; a killed run may leave a last one without its end."""
    lines = metrics.read_text("utf-8", errors="replace").splitlines(keepends=True)
    return [line for line in lines if line.endswith("\n")]


def _step(line: str) -> float:
    """The step that a line is about; infinity for a line that is none of ours."""
    try:
        return float(json.loads(line)["step"])
    except (KeyError, RecursionError, TypeError, ValueError):
        return math.inf
