"""Photos and masks in memory, and the batches of a run."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils import data as torch_data

from pix2seg.preprocess.background import Background
from pix2seg.preprocess.dataset import Dataset
from pix2seg.preprocess.fit import Size
from pix2seg.preprocess.split import Split
from pix2seg.train.augment import augment
from pix2seg.train.recipe import AugmentationSettings


@dataclass(frozen=True)
class Samples:
    """A split, decoded once.

    Attributes:
        photos: RGB uint8 (N, H, W, 3).
        masks: uint8 (N, H, W), class ids.
    """

    photos: NDArray[np.uint8]
    masks: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.photos)

    def class_shares(self, classes: int) -> NDArray[np.float64]:
        """Each class's share of the pixels, (classes,)."""
        counts = sum(np.bincount(mask.ravel(), minlength=classes) for mask in self.masks)
        return np.asarray(counts / self.masks.size, float)


def load_samples(dataset: Dataset, split: Split, size: Size) -> Samples:
    """Decode a split at a network size, on all cores.

    Args:
        dataset: a prepared data set, at any size of the same shape.
        split: which photos.
        size: (width, height) to bring them to.
    """
    names = dataset.names(split)
    width, height = size
    photos = np.empty((len(names), height, width, 3), np.uint8)
    masks = np.empty((len(names), height, width), np.uint8)

    def decode(index: int) -> None:
        photo, mask = dataset.read(names[index])
        photos[index] = cv2.resize(photo, size, interpolation=cv2.INTER_AREA)
        masks[index] = cv2.resize(mask, size, interpolation=cv2.INTER_NEAREST_EXACT)

    with ThreadPoolExecutor() as threads:
        list(threads.map(decode, range(len(names))))
    return Samples(photos, masks)


class AugmentedSamples(torch_data.Dataset[tuple[torch.Tensor, torch.Tensor]]):
    """Augmented photos and masks by (epoch, index).

    What is drawn depends on the seed, the epoch and the index alone, so a run that goes on after
    a break sees what an unbroken one would.
    """

    def __init__(
        self, samples: Samples, settings: AugmentationSettings, background: Background, seed: int
    ) -> None:
        self.samples = samples
        self.settings = settings
        self.background: Background = background
        self.seed = seed

    def __getitem__(self, key: tuple[int, int]) -> tuple[torch.Tensor, torch.Tensor]:
        """Photo uint8 (H, W, 3) and mask uint8 (H, W)."""
        epoch, index = key
        rng = np.random.default_rng([self.seed, epoch, index])
        other = int(rng.integers(len(self.samples)))
        photos, masks = self.samples.photos, self.samples.masks
        photo, mask = augment(
            photos[index],
            masks[index],
            (photos[other], masks[other]),
            self.settings,
            self.background,
            rng,
        )
        return torch.from_numpy(photo), torch.from_numpy(mask)


class RunBatches(torch_data.Sampler[list[tuple[int, int]]]):
    """The batches of a whole run from a step on, each epoch in an order of its own.

    Args:
        samples: how many samples there are.
        batch_size: samples in a batch; what an epoch leaves over is left out of it.
        epochs: how long the whole run is.
        seed: decides the order.
        start: the first step to give.
    """

    def __init__(
        self, samples: int, batch_size: int, epochs: int, seed: int, start: int = 0
    ) -> None:
        self.samples = samples
        self.batch_size = batch_size
        self.seed = seed
        self.steps_per_epoch = max(samples // batch_size, 1)
        self.steps = epochs * self.steps_per_epoch
        self.start = start

    def __iter__(self) -> Iterator[list[tuple[int, int]]]:
        for step in range(self.start, self.steps):
            epoch, batch = divmod(step, self.steps_per_epoch)
            order = np.random.default_rng([self.seed, epoch]).permutation(self.samples)
            first = batch * self.batch_size
            yield [(epoch, int(i)) for i in order[first : first + self.batch_size]]

    def __len__(self) -> int:
        return self.steps - self.start
