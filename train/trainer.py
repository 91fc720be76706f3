"""A training run: from a recipe and a data set to a weights file."""

import math
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as ProgressBar
from torch.utils.data import DataLoader

from pix2seg.classes import load_scheme
from pix2seg.errors import TrainingError
from pix2seg.generator import check_size
from pix2seg.preprocess.dataset import Dataset
from pix2seg.train.checkpoint import Progress, load_checkpoint, save_checkpoint
from pix2seg.train.pair import Pair
from pix2seg.train.provenance import source_version
from pix2seg.train.recipe import Recipe
from pix2seg.train.run_log import RunLog
from pix2seg.train.samples import AugmentedSamples, RunBatches, load_samples
from pix2seg.train.scores import Scores
from pix2seg.train.validate import picture_grid, validate
from pix2seg.weights import WeightsInfo, load_generator, save_generator

CHECKPOINT_SECONDS = 300
"""A checkpoint is written this often, and after every epoch."""

LOG_STEPS = 10
"""The losses of every tenth step go to metrics.jsonl."""


class InterruptedRunError(TrainingError):
    """The user stopped the run; its state is saved."""


class Trainer:
    """Trains a pair on a prepared data set into a run folder.

    The folder gets `last.pt` (the whole state, to resume), `best.safetensors` (the EMA generator
    with the best validation mIoU), `metrics.jsonl` and `tensorboard/`.

    Args:
        recipe: what to train.
        dataset: what to train on.
        run: the run's folder.
        device: where to train.
        console: where progress is shown.
        resume: go on from the folder's checkpoint.
        init: weights to start from.

    Raises:
        TrainingError: the folder holds a run already, or none to resume; or the data has other
            classes than the recipe.
        SizeError, DatasetError, WeightsError: recipe, data and weights do not fit each other.
    """

    def __init__(
        self,
        recipe: Recipe,
        dataset: Dataset,
        run: Path,
        device: torch.device,
        console: Console,
        *,
        resume: bool = False,
        init: Path | None = None,
    ) -> None:
        check_size(recipe.size, recipe.generator.depth)
        if dataset.scheme != load_scheme(recipe.scheme):
            raise TrainingError(
                f"recipe {recipe.name} trains scheme '{recipe.scheme}', but {dataset.root} has the "
                f"classes {', '.join(dataset.scheme.names)}; prepare it with --scheme "
                f"{recipe.scheme}, or give the data's scheme with --set scheme=FILE"
            )
        self.checkpoint = run / "last.pt"
        if self.checkpoint.exists() and not resume:
            raise TrainingError(f"{run} holds a run already; add --resume or name another folder")
        self.recipe, self.dataset, self.run = recipe, dataset, run
        self.device, self.console = device, console
        torch.manual_seed(recipe.seed)
        self.train_samples = load_samples(dataset, "train", recipe.size)
        self.val_samples = load_samples(dataset, "val", recipe.size)
        shares = self.train_samples.class_shares(len(dataset.scheme))
        self.pair = Pair(recipe, dataset.scheme, torch.from_numpy(shares), device)
        self.progress = Progress()
        if resume:
            networks, self.progress = load_checkpoint(self.checkpoint, device)
            self.pair.load_state_dict(networks)
        elif init:
            self._start_from(init)
        self.batches = RunBatches(
            len(self.train_samples),
            recipe.schedule.batch_size,
            recipe.schedule.epochs,
            recipe.seed,
            self.progress.step,
        )

    def describe(self) -> str:
        """One line on what is trained where."""
        parameters = sum(p.numel() for p in self.pair.generator.parameters())
        width, height = self.recipe.size
        return (
            f"{parameters / 1e6:.1f} M parameters at {width}x{height}, "
            f"{len(self.train_samples)} photos, {len(self.val_samples)} to validate, "
            f"on {self.device} with {torch.get_num_threads()} threads"
        )

    def _start_from(self, init: Path) -> None:
        generator, info = load_generator(init)
        mine = self.recipe.generator.model_dump()
        theirs = {"residual_blocks": 0, **info.recipe["generator"]}
        # Dropout has no weights, and a residual block that the weights lack starts as identity.
        alike = all(
            mine[key] == theirs[key] for key in mine.keys() - {"dropout", "residual_blocks"}
        )
        fewer_blocks = theirs["residual_blocks"] <= mine["residual_blocks"]
        if not (alike and fewer_blocks and info.scheme == self.dataset.scheme):
            raise TrainingError(
                f"{init} holds a generator of another kind than recipe {self.recipe.name} trains; "
                "give --init weights of the same [generator] and scheme"
            )
        self.pair.start_from(generator)

    def train(self) -> Path:
        """Train to the end and return the best weights' file.

        Raises:
            InterruptedRunError: Ctrl-C or SIGTERM; the state is saved first.
            TrainingError: a loss is not finite.
        """
        log = RunLog(self.run, self.progress.step)
        with self._bar() as advance, _stop_signals() as stopped:
            saved = began = time.monotonic() - self.progress.seconds
            for photo, mask in self._loader():
                losses = self._step(photo, mask)
                self.progress.seconds = time.monotonic() - began
                self._log_step(log, losses)
                advance()
                if self.progress.step % self.batches.steps_per_epoch == 0:
                    finished = self._end_epoch(log)
                    saved = self._save()
                    if finished:
                        break
                elif stopped() or time.monotonic() - saved > CHECKPOINT_SECONDS:
                    saved = self._save()
                if stopped():
                    raise InterruptedRunError(
                        f"stopped and saved after step {self.progress.step}; go on with: "
                        f"pix2seg train --run {self.run} --resume"
                    )
        log.close()
        return self.run / "best.safetensors"

    def _loader(self) -> Iterator[list[torch.Tensor]]:
        recipe = self.recipe
        samples = AugmentedSamples(
            self.train_samples, recipe.augmentation, recipe.background, recipe.seed
        )
        # On the CPU the networks keep every core busy; a GPU would wait for one core's photos.
        workers = 0 if self.device.type == "cpu" else torch.get_num_threads()
        # A loader draws a seed as it starts; from torch's own generator, a resumed run would draw
        # once more than an unbroken one, and its dropout would differ.
        aside = torch.Generator()
        return iter(
            DataLoader(samples, batch_sampler=self.batches, num_workers=workers, generator=aside)
        )

    def _step(self, photo: torch.Tensor, mask: torch.Tensor) -> dict[str, float]:
        step = self.progress.step
        losses = self.pair.step(photo, mask, step, step / self.batches.steps)
        broken = [name for name, loss in losses.items() if not math.isfinite(loss)]
        if broken:
            raise TrainingError(
                f"the {broken[0]} loss is not finite at step {step}; resume from the last "
                "checkpoint, or start anew with a lower --set optimizer.learning_rate"
            )
        self.progress.step += 1
        return losses

    def _log_step(self, log: RunLog, losses: dict[str, float]) -> None:
        sums = self.progress.loss_sums
        for name, loss in losses.items():
            sums[name] = sums.get(name, 0.0) + loss
        if self.progress.step % LOG_STEPS == 0:
            rate = self.pair.generator_optimizer.param_groups[0]["lr"]
            scalars = {f"loss/{name}": loss for name, loss in losses.items()}
            log.write(self.progress.step, {}, {**scalars, "learning_rate": rate})

    def _end_epoch(self, log: RunLog) -> bool:
        """Validate, keep the best weights; whether the run is over."""
        progress, schedule = self.progress, self.recipe.schedule
        epoch = progress.step // self.batches.steps_per_epoch
        means = {n: s / self.batches.steps_per_epoch for n, s in progress.loss_sums.items()}
        progress.loss_sums = {}
        scheme = self.dataset.scheme
        scores = validate(self.pair.ema, self.val_samples, scheme, self.device, schedule.batch_size)
        scalars = {f"epoch_loss/{name}": mean for name, mean in means.items()}
        scalars |= {"val/mean_iou": scores.mean_iou, "val/pixel_accuracy": scores.pixel_accuracy}
        scalars |= {f"val/iou_{n}": float(v) for n, v in zip(scheme.names, scores.iou, strict=True)}
        log.write(progress.step, {"epoch": epoch, "seconds": round(progress.seconds)}, scalars)
        grid = picture_grid(self.pair.ema, self.val_samples, scheme, self.device)
        log.write_image(progress.step, "photo, truth, map, mask", grid)
        if scores.mean_iou > progress.best_score:
            progress.best_score, progress.best_epoch = scores.mean_iou, epoch
            save_generator(self.run / "best.safetensors", self.pair.ema, self._info(epoch, scores))
        self._print_epoch(epoch, means, scores)
        return bool(schedule.patience) and epoch - progress.best_epoch >= schedule.patience

    def _print_epoch(self, epoch: int, means: dict[str, float], scores: Scores) -> None:
        losses = "  ".join(f"{name} {mean:.3f}" for name, mean in means.items())
        best = "  [green]best[/green]" if epoch == self.progress.best_epoch else ""
        self.console.print(
            f"epoch {epoch}/{self.recipe.schedule.epochs}  {losses}  pixel accuracy "
            f"{scores.pixel_accuracy:.3f}  mIoU {scores.mean_iou:.3f}{best}",
            highlight=False,
        )

    def _info(self, epoch: int, scores: Scores) -> WeightsInfo:
        facts = {
            "data": self.dataset.summary(),
            "seed": self.recipe.seed,
            "source": source_version(),
            "epoch": epoch,
            "seconds": round(self.progress.seconds),
            "validation": scores.to_dict(),
        }
        return WeightsInfo(self.recipe.model_dump(), self.dataset.scheme, self.recipe.size, facts)

    def _save(self) -> float:
        save_checkpoint(self.checkpoint, self.pair.state_dict(), self.progress)
        return time.monotonic()

    @contextmanager
    def _bar(self) -> Iterator[Callable[[], None]]:
        columns: list[Any] = [
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
        ]
        with ProgressBar(*columns, console=self.console) as bar:
            task = bar.add_task("steps", total=self.batches.steps, completed=self.progress.step)
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
