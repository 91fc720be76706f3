"""The learning-rate range test (Smith 2017, arXiv 1506.01186, section 3.3)."""

import math
from dataclasses import dataclass
from pathlib import Path

import torch

from pix2seg.errors import TrainingError
from pix2seg.preprocess.dataset.dataset import Dataset
from pix2seg.train.generator.losses import weighted
from pix2seg.train.generator.task import SegmentationTask
from pix2seg.train.recipe import SegmentationRecipe, SegmentationSchedule

LOWEST, HIGHEST = 1e-6, 1e-1

SMOOTHING = 0.9
"""How much of the running mean of the loss each step keeps."""

DIVERGED = 3.0
"""The test ends where the loss is so many times its least."""


class RisingSchedule(SegmentationSchedule):
    """The learning rate rises exponentially from `LOWEST` to `HIGHEST`; `Adam` has a rate of 1."""

    def learning_rate_factor(self, progress: float, step: int) -> float:
        """The learning rate itself."""
        return LOWEST * math.exp(progress * math.log(HIGHEST / LOWEST))


@dataclass(frozen=True)
class RangePoint:
    """A learning rate, and the smoothed loss that training with it had reached."""

    learning_rate: float
    loss: float


def range_test(
    recipe: SegmentationRecipe,
    dataset: Dataset,
    device: torch.device,
    steps: int,
    init: str | Path | None = None,
) -> list[RangePoint]:
    """Train for some steps with a rising learning rate; nothing is kept.

    Args:
        recipe: what to train. Its discriminator's learning rate rises in proportion.
        dataset: what to train on.
        device: where to train.
        steps: how many, from `LOWEST` to `HIGHEST`; fewer if the loss diverges.
        init: weights to start from.
    """
    discriminator = recipe.discriminator
    if discriminator:
        ratio = discriminator.learning_rate / recipe.optimizer.learning_rate
        discriminator = discriminator.model_copy(update={"learning_rate": ratio})
    batches = max(len(dataset.names("train")) // recipe.schedule.batch_size, 1)
    schedule = {**recipe.schedule.model_dump(), "epochs": math.ceil(steps / batches)}
    rising = recipe.model_copy(
        update={
            "schedule": RisingSchedule.model_validate(schedule),
            "optimizer": recipe.optimizer.model_copy(update={"learning_rate": 1.0}),
            "discriminator": discriminator,
        }
    )
    task = SegmentationTask(rising, dataset, device, init)
    points: list[RangePoint] = []
    mean = 0.0
    for step, batch in zip(range(steps), task.batches(0), strict=False):
        losses = task.pair.step(batch, step, step / max(steps - 1, 1))
        mean = SMOOTHING * mean + (1 - SMOOTHING) * sum(weighted(losses, recipe.loss))
        # A young mean is mostly its start at 0, which is divided out.
        points.append(RangePoint(task.learning_rate, mean / (1 - SMOOTHING ** (step + 1))))
        if not math.isfinite(mean) or mean > DIVERGED * min(point.loss for point in points):
            break
    return points


def suggested(points: list[RangePoint]) -> float:
    """A third of the rate at which the loss was least: about the highest that is still safe.

    Raises:
        TrainingError: no loss is a number.
    """
    finite = [point for point in points if math.isfinite(point.loss)]
    if not finite:
        raise TrainingError("the loss is no number even at the least rate; look at the data set")
    return min(finite, key=lambda point: point.loss).learning_rate / 3
