"""The batches of a run."""

from collections.abc import Iterator
from typing import Any, cast

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset, Sampler

from pix2seg.errors import TrainingError
from pix2seg.train.run.distributed import rank, world_size

Key = tuple[int, int]
"""Epoch and index of a sample."""


class RunBatches:
    """Which samples make up each step of a whole run; each epoch has an order of its own.

    Args:
        samples: how many samples there are.
        batch_size: samples in a batch; what an epoch leaves over is left out of it.
        epochs: how long the whole run is.
        seed: decides the order.

    Raises:
        TrainingError: the processes cannot share a batch evenly.
    """

    def __init__(self, samples: int, batch_size: int, epochs: int, seed: int) -> None:
        if batch_size % world_size():
            raise TrainingError(
                f"{world_size()} processes cannot share batches of {batch_size}; take a multiple "
                "with --set schedule.batch_size"
            )
        self.samples = samples
        self.batch_size = batch_size
        self.seed = seed
        self.steps_per_epoch = max(samples // batch_size, 1)
        self.steps = epochs * self.steps_per_epoch

    def after(self, start: int) -> Iterator[list[Key]]:
        """This process's share of each batch from a step on."""
        for step in range(start, self.steps):
            epoch, batch = divmod(step, self.steps_per_epoch)
            order = np.random.default_rng([self.seed, epoch]).permutation(self.samples)
            first = batch * self.batch_size
            keys = [(epoch, int(i)) for i in order[first : first + self.batch_size]]
            yield keys[rank() :: world_size()]


def load_batches(
    batches: Dataset[Any], keys: Iterator[list[Key]], device: torch.device
) -> Iterator[Any]:
    """Load batches, beside the training where that is faster.

    Args:
        batches: gives the batch for a list of keys.
        keys: one list for each step.
        device: where the training runs.
    """
    # On the CPU the networks keep every core busy; a GPU would wait for one core's photos.
    workers = 0 if device.type == "cpu" else torch.get_num_threads()
    # A loader draws a seed as it starts; from torch's own generator, a resumed run would draw
    # once more than an unbroken one, and its dropout would differ.
    aside = torch.Generator()
    # Ordinary samplers give one index at a time; these give what makes up a whole batch.
    sampler = cast(Sampler[Any], keys)
    loader = DataLoader(
        batches, batch_size=None, sampler=sampler, num_workers=workers, generator=aside
    )
    return iter(loader)
