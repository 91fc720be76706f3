"""Photos and masks in memory, and augmented."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Self

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils import data as torch_data

from pix2seg.preprocess.background import Background, hide_background, widen
from pix2seg.preprocess.dataset.dataset import Dataset
from pix2seg.preprocess.dataset.split import Split
from pix2seg.preprocess.fit import Size
from pix2seg.train.generator.augment import augment
from pix2seg.train.recipe import AugmentationSettings
from pix2seg.train.run.batches import Key


@dataclass(frozen=True)
class Samples:
    """A split, decoded once.

    Attributes:
        photos: RGB uint8 (N, H, W, 3).
        masks: uint8 (N, H, W), class ids.
        people: uint8 (N, H, W), not 0 where the person is: an extractor's finding, if the data
            set has it, else all classes but the background.
    """

    photos: NDArray[np.uint8]
    masks: NDArray[np.uint8]
    people: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.photos)

    def class_shares(self, classes: int) -> NDArray[np.float64]:
        """Each class's share of the pixels, (classes,)."""
        counts = sum(np.bincount(mask.ravel(), minlength=classes) for mask in self.masks)
        return np.asarray(counts / self.masks.size, float)

    def hidden(self, background: Background) -> Self:
        """The same with the background hidden, as a photo's is before the generator sees it."""
        pairs = zip(self.photos, self.people > 0, strict=True)
        photos = [hide_background(photo, widen(person), background) for photo, person in pairs]
        return replace(self, photos=np.stack(photos))

    def mean_color(self) -> Tensor:
        """Each channel's mean over the photos, float32 (3,) in [-1, 1]."""
        means = np.mean([photo.mean(axis=(0, 1)) for photo in self.photos], axis=0)
        return torch.from_numpy(means / 127.5 - 1).float()


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
    people = np.empty_like(masks) if dataset.has_people else masks

    def decode(index: int) -> None:
        photo, mask = dataset.read(names[index])
        photos[index] = cv2.resize(photo, size, interpolation=cv2.INTER_AREA)
        masks[index] = cv2.resize(mask, size, interpolation=cv2.INTER_NEAREST_EXACT)
        if dataset.has_people:
            person = dataset.read_person(names[index])
            people[index] = cv2.resize(person, size, interpolation=cv2.INTER_NEAREST_EXACT)

    with ThreadPoolExecutor() as threads:
        list(threads.map(decode, range(len(names))))
    return Samples(photos, masks, people)


class AugmentedBatches(torch_data.Dataset[tuple[Tensor, Tensor]]):
    """Augmented photos and masks.

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

    def __getitem__(self, keys: list[Key]) -> tuple[Tensor, Tensor]:
        """Photos uint8 (N, H, W, 3) and masks uint8 (N, H, W)."""
        photos, masks = zip(*[self._augmented(key) for key in keys], strict=True)
        return torch.from_numpy(np.stack(photos)), torch.from_numpy(np.stack(masks))

    def _augmented(self, key: Key) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        epoch, index = key
        rng = np.random.default_rng([self.seed, epoch, index])
        other = int(rng.integers(len(self.samples)))
        photos, masks = self.samples.photos, self.samples.masks
        return augment(
            photos[index],
            masks[index],
            self.samples.people[index],
            (photos[other], masks[other]),
            self.settings,
            self.background,
            rng,
        )
