"""The batches of a run."""

from collections.abc import Iterator
from typing import Any, NamedTuple, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import DataLoader, Dataset, Sampler

from pix2seg.errors import TrainingError
from pix2seg.train.run.distributed import rank, world_size


class Key(NamedTuple):
    """What tells what is drawn in a run: a sample changed by chance, each time in another way.

    Attributes:
        epoch: counted from 0.
        sample: its index.
        copy: which of its copies in the epoch, counted from 0.
    """

    epoch: int
    sample: int
    copy: int = 0


class BatchKeys(NamedTuple):
    """One process's share of a batch.

    Attributes:
        first: the first key of the whole batch, which all processes draw by what concerns it all.
        own: the keys of this process's samples.
    """

    first: Key
    own: list[Key]


class RunBatches:
    """Which samples make up each step of a whole run; each epoch has an order of its own.

    Args:
        samples: how many samples there are.
        batch_size: samples in a batch; what an epoch leaves over is left out of it.
        epochs: how long the whole run is.
        seed: decides the order.
        repeats: (samples,), how often each is drawn in an epoch on average; once by default. An
            epoch has as many batches in any case.
        others: how many samples of another kind there are, numbered from `samples` on.
        others_per_batch: how many of those each batch has besides.

    Raises:
        TrainingError: the processes cannot share a batch evenly.
    """

    def __init__(
        self,
        samples: int,
        batch_size: int,
        epochs: int,
        seed: int,
        *,
        repeats: NDArray[np.float64] | None = None,
        others: int = 0,
        others_per_batch: int = 0,
    ) -> None:
        if (batch_size + others_per_batch) % world_size():
            photos, change = f"batches of {batch_size}", "schedule.batch_size"
            if others_per_batch:
                photos += f" and {others_per_batch} photos of people alone"
                change += " or people.per_batch"
            raise TrainingError(
                f"{world_size()} processes cannot share {photos} evenly; change --set {change}"
            )
        self.samples = samples
        self.batch_size = batch_size
        self.seed = seed
        self.repeats = np.ones(samples) if repeats is None else repeats
        self.others, self.others_per_batch = others, others_per_batch
        self.steps_per_epoch = max(samples // batch_size, 1)
        self.steps = epochs * self.steps_per_epoch

    def after(self, start: int) -> Iterator[BatchKeys]:
        """This process's share of each batch from a step on."""
        order: list[Key] | None = None
        for step in range(start, self.steps):
            epoch, batch = divmod(step, self.steps_per_epoch)
            if order is None or batch == 0:
                order = self._order(epoch)
            first = batch * self.batch_size
            keys = order[first : first + self.batch_size]
            keys += [
                self._other(step * self.others_per_batch + i) for i in range(self.others_per_batch)
            ]
            yield BatchKeys(keys[0], keys[rank() :: world_size()])

    def _order(self, epoch: int) -> list[Key]:
        """An epoch's samples, each as often as it is repeated, rounded up or down by chance."""
        rng = np.random.default_rng([self.seed, epoch])
        counts = np.floor(self.repeats + rng.random(self.samples)).astype(int)
        keys = [Key(epoch, i, copy) for i in range(self.samples) for copy in range(counts[i])]
        return [keys[i] for i in rng.permutation(len(keys))]

    def _other(self, number: int) -> Key:
        """The key of the n-th sample of the other kind: all are drawn before one comes again."""
        turn, place = divmod(number, self.others)
        order = np.random.default_rng([self.seed, turn, 1]).permutation(self.others)
        return Key(turn, self.samples + int(order[place]))


def load_batches(
    batches: Dataset[Any], keys: Iterator[BatchKeys], device: torch.device
) -> Iterator[Any]:
    """Load batches, beside the training where that is faster.

    Args:
        batches: gives the batch for its keys.
        keys: for each step.
        device: where the training runs.
    """
    # On the CPU the networks keep every core busy; a GPU would wait for one core's photos.
    workers = 0 if device.type == "cpu" else torch.get_num_threads()
    # Ordinary samplers give one index at a time; these give what makes up a whole batch.
    sampler = cast(Sampler[Any], keys)
    return iter(DataLoader(batches, batch_size=None, sampler=sampler, num_workers=workers))
