"""A training run: steps, epochs, checkpoints and logs, whatever is trained."""

import math
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, nullcontext
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as ProgressBar
from rich.text import Text

from pix2seg.errors import InterruptedRunError, TrainingError, is_out_of_memory
from pix2seg.train.recipe import Recipe
from pix2seg.train.run.batches import RunBatches
from pix2seg.train.run.checkpoint import Progress, load_checkpoint, save_checkpoint
from pix2seg.train.run.distributed import anyone, average, is_writer, rank
from pix2seg.train.run.origin import DATA, RECIPE, check_origin, origin
from pix2seg.train.run.provenance import source_version
from pix2seg.train.run.run_log import RunLog

CHECKPOINT_SECONDS = 300
"""A checkpoint is written this often, and after every epoch."""

LOG_STEPS = 10
"""The losses of every tenth step go to metrics.jsonl."""


class Validation(NamedTuple):
    """What validation found.

    Attributes:
        score: what the best epoch is chosen by; more is better.
        scalars: for the log.
        text: for the console.
        facts: for the weights file.
    """

    score: float
    scalars: dict[str, float]
    text: str
    facts: dict[str, Any]


class Task(Protocol):
    """What a run trains; see `pix2seg.train.generator.task` and `pix2seg.train.person.task`."""

    device: torch.device
    order: RunBatches

    def describe(self) -> str:
        """One line on what is trained on what."""
        ...

    def fingerprint(self) -> str:
        """Tells its data from any other: wherever it lies, the same gives the same."""
        ...

    def batches(self, start: int) -> Iterator[Any]:
        """The batches from a step on."""
        ...

    def step(self, batch: Any, step: int) -> dict[str, float]:
        """Train on one batch after `step` steps; returns the losses by name."""
        ...

    @property
    def learning_rate(self) -> float:
        """Of the last step."""
        ...

    def validate(self) -> Validation:
        """Score the weights that `save` would write."""
        ...

    def picture(self) -> tuple[str, NDArray[np.uint8]]:
        """A title, and validation photos with their results, RGB uint8 (H, W, 3)."""
        ...

    def save(self, path: Path, facts: dict[str, Any]) -> None:
        """Write the weights, with facts about their training."""
        ...

    def state_dict(self) -> dict[str, Any]:
        """Everything that training changes."""
        ...

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go back to a state that `state_dict` gave."""
        ...


def check_run(run: Path, resume: bool) -> None:
    """Refuse a run folder before anything is loaded.

    Raises:
        TrainingError: the folder holds a run or its weights already and is not to be resumed.
    """
    if resume:
        return
    if (run / "last.pt").exists():
        raise TrainingError(f"{run} holds a run already; add --resume or name another folder")
    if (run / "best.safetensors").exists():
        raise TrainingError(f"{run} holds weights of a run already; name another folder")


class Trainer:
    """Trains a task into a run folder.

    The folder gets `last.pt` (the whole state, to resume), `best.safetensors` (the weights with
    the best validation score), `metrics.jsonl` and `tensorboard/`.

    Args:
        task: what to train.
        recipe: how long.
        run: the run's folder.
        console: where progress is shown.
        resume: go on from the folder's checkpoint.

    Raises:
        TrainingError: the folder holds a run already, or none to resume, or one that was begun
            with another recipe or other data.
    """

    def __init__(
        self, task: Task, recipe: Recipe, run: Path, console: Console, *, resume: bool = False
    ) -> None:
        check_run(run, resume)
        self.task, self.recipe, self.run, self.console = task, recipe, run, console
        self.source = source_version()  # of the code that trains, whatever is committed meanwhile
        self.checkpoint = run / "last.pt"
        self.progress = Progress()
        if resume:
            state, self.progress = load_checkpoint(self.checkpoint, task.device)
            begun = {key: state.pop(key) for key in (RECIPE, DATA) if key in state}
            check_origin(run, begun, recipe, task.fingerprint())
            try:
                task.load_state_dict(state)
            except (AttributeError, KeyError, RuntimeError, TypeError, ValueError) as error:
                if is_out_of_memory(error):
                    raise
                raise TrainingError(
                    f"{self.checkpoint} does not fit recipe {recipe.name}; start the run anew"
                ) from error

    def train(self) -> Path:
        """Train to the end and return the best weights' file.

        Raises:
            InterruptedRunError: Ctrl-C or SIGTERM; the state is saved first.
            TrainingError: a loss is not finite.
        """
        if self._has_lost_patience():  # a run that is resumed may have ended already
            return self.run / "best.safetensors"
        opened = closing(RunLog(self.run, self.progress.step)) if is_writer() else nullcontext()
        with opened as log, self._bar() as advance, _stop_signals() as stopped:
            saved = began = time.monotonic() - self.progress.seconds
            for batch in self.task.batches(self.progress.step):
                losses = self._step(batch)
                self.progress.seconds = time.monotonic() - began
                self._log_step(log, losses)
                advance()
                stop = anyone(stopped(), self.task.device)
                if self.progress.step % self.task.order.steps_per_epoch == 0:
                    finished = self._end_epoch(log)
                    saved = self._save()
                    if finished:
                        break
                elif stop or time.monotonic() - saved > CHECKPOINT_SECONDS:
                    saved = self._save()
                if stop:
                    raise InterruptedRunError(
                        f"stopped and saved after step {self.progress.step}; go on with: "
                        f"pix2seg train --run {self.run} --resume"
                    )
        return self.run / "best.safetensors"

    def _step(self, batch: Any) -> dict[str, float]:
        step = self.progress.step
        # Each process drops out neurons of its own, and after a break those of an unbroken run.
        rng = np.random.default_rng([self.recipe.seed, step, rank()])
        torch.manual_seed(int(rng.integers(2**63)))
        losses = average(self.task.step(batch, step), self.task.device)
        broken = [name for name, loss in losses.items() if not math.isfinite(loss)]
        if broken:
            raise TrainingError(
                f"the {broken[0]} loss is not finite at step {step}; resume from the last "
                "checkpoint, or start anew with a lower --set optimizer.learning_rate"
            )
        self.progress.step += 1
        return losses

    def _log_step(self, log: RunLog | None, losses: dict[str, float]) -> None:
        sums = self.progress.loss_sums
        for name, loss in losses.items():
            sums[name] = sums.get(name, 0.0) + loss
        if log and self.progress.step % LOG_STEPS == 0:
            scalars = {f"loss/{name}": loss for name, loss in losses.items()}
            rate = self.task.learning_rate
            log.write(self.progress.step, {}, {**scalars, "learning_rate": rate})

    def _end_epoch(self, log: RunLog | None) -> bool:
        """Validate, keep the best weights; whether the run is over."""
        progress, steps = self.progress, self.task.order.steps_per_epoch
        epoch = progress.step // steps
        means = {name: total / steps for name, total in progress.loss_sums.items()}
        progress.loss_sums = {}
        validation = self.task.validate()
        scalars = {f"epoch_loss/{name}": mean for name, mean in means.items()}
        facts = {"epoch": epoch, "seconds": round(progress.seconds)}
        if log:
            log.write(progress.step, facts, {**scalars, **validation.scalars})
            log.write_image(progress.step, *self.task.picture())
        if validation.score > progress.best_score:
            progress.best_score, progress.best_epoch = validation.score, epoch
            about = {"seed": self.recipe.seed, "source": self.source, **facts}
            if is_writer():
                weights = self.run / "best.safetensors"
                self.task.save(weights, {**about, "validation": validation.facts})
        self._print_epoch(epoch, means, validation.text)
        return self._has_lost_patience()

    def _has_lost_patience(self) -> bool:
        """Whether the last whole epochs, as many as the recipe has patience for, were no better."""
        patience = self.recipe.schedule.patience
        epoch = self.progress.step // self.task.order.steps_per_epoch
        return bool(patience) and epoch - self.progress.best_epoch >= patience

    def _print_epoch(self, epoch: int, means: dict[str, float], text: str) -> None:
        losses = "  ".join(f"{name} {mean:.3f}" for name, mean in means.items())
        line = f"epoch {epoch}/{self.recipe.schedule.epochs}  {losses}  {text}"
        best = ("  best", "green") if epoch == self.progress.best_epoch else ""
        self.console.print(Text.assemble(line, best))

    def _save(self) -> float:
        if is_writer():
            state = self.task.state_dict() | origin(self.recipe, self.task.fingerprint())
            save_checkpoint(self.checkpoint, state, self.progress)
        return time.monotonic()

    @contextmanager
    def _bar(self) -> Iterator[Callable[[], None]]:
        columns: list[Any] = [
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
        ]
        total = self.task.order.steps
        with ProgressBar(*columns, console=self.console) as bar:
            task = bar.add_task("steps", total=total, completed=self.progress.step)
            yield lambda: bar.advance(task)


@contextmanager
def _stop_signals() -> Iterator[Callable[[], bool]]:
    """Let the step at work end on the first Ctrl-C or SIGTERM; a second one ends at once."""
    received: list[int] = []
    handled = (signal.SIGINT, signal.SIGTERM)

    def remember(number: int, _: Any) -> None:
        received.append(number)
        signal.signal(number, before[signal.Signals(number)])

    before = {number: signal.signal(number, remember) for number in handled}
    try:
        yield lambda: bool(received)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
