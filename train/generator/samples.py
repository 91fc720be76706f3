"""Photos and masks in memory, and augmented."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import NamedTuple, Self

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils import data as torch_data

from pix2seg.classes import SOMEBODY, Scheme
from pix2seg.garments import FIRST_GARMENT
from pix2seg.preprocess.background import Background, hide_background, widen
from pix2seg.preprocess.dataset.dataset import Dataset
from pix2seg.preprocess.dataset.split import Split
from pix2seg.preprocess.fit import Fit, Size
from pix2seg.train.generator.augment import Sample, augment
from pix2seg.train.generator.recolor import parts_of
from pix2seg.train.person.photos import PersonPhoto
from pix2seg.train.recipe import AugmentationSettings
from pix2seg.train.run.batches import BatchKeys, Key


class Batch(NamedTuple):
    """What a generator learns from in one step.

    Attributes:
        photos: RGB uint8 (N, H, W, 3).
        masks: uint8 (N, H, W), class ids, `SOMEBODY` or `UNKNOWN`.
        garments: uint8 (N, H, W), ids of the scheme `garments`; 0 where none is known.
    """

    photos: Tensor
    masks: Tensor
    garments: Tensor


@dataclass(frozen=True)
class Samples:
    """A split, decoded once.

    Attributes:
        photos: RGB uint8 (N, H, W, 3).
        masks: uint8 (N, H, W), class ids, `SOMEBODY` where the photo's masks tell people alone, or
            `UNKNOWN`.
        people: uint8 (N, H, W), not 0 where the person is: an extractor's finding, if the data
            set has it, else all classes but the background. Where the masks tell people alone,
            they are numbered.
        garments: uint8 (N, H, W), ids of the scheme `garments`, or None where none are known.
    """

    photos: NDArray[np.uint8]
    masks: NDArray[np.uint8]
    people: NDArray[np.uint8]
    garments: NDArray[np.uint8] | None = None

    def __getitem__(self, index: int) -> Sample:
        """One of them."""
        garments = np.zeros_like(self.masks[index])
        if self.garments is not None:
            garments = self.garments[index]
        return Sample(self.photos[index], self.masks[index], self.people[index], garments)

    def __len__(self) -> int:
        return len(self.photos)

    def class_shares(self, classes: int) -> NDArray[np.float64]:
        """Each class's share of the pixels, (classes,)."""
        counted = [np.bincount(mask.ravel(), minlength=256)[:classes] for mask in self.masks]
        counts = np.sum(counted, axis=0)
        return np.asarray(counts / counts.sum(), np.float64)

    def repeats(self, below: float) -> NDArray[np.float64]:
        """How often each photo should be drawn so that rare garments are seen, (N,), 1 or more.

        The repeat factors of Gupta et al. 2019 (arXiv 1908.03195, section 4.1): the square root
        of `below` over the share of photos that show the photo's rarest kind.

        Args:
            below: kinds that a smaller share of the photos shows are drawn more often; 0 for none.
        """
        if self.garments is None or not below:
            return np.ones(len(self))
        shown = np.array([np.bincount(g.ravel(), minlength=256) > 0 for g in self.garments])
        shown[:, :FIRST_GARMENT] = False
        rarity = np.sqrt(below / np.maximum(shown.mean(0), 1 / len(self)))
        return np.asarray(np.maximum((shown * rarity).max(1), 1.0))

    def hidden(self, background: Background) -> Self:
        """The same with the background hidden, but for a margin around the person."""
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
    garments = np.empty_like(masks) if dataset.has_garments else None

    def decode(index: int) -> None:
        photo, mask = dataset.read(names[index])
        photos[index] = cv2.resize(photo, size, interpolation=cv2.INTER_AREA)
        masks[index] = cv2.resize(mask, size, interpolation=cv2.INTER_NEAREST_EXACT)
        if dataset.has_people:
            person = dataset.read_person(names[index])
            people[index] = cv2.resize(person, size, interpolation=cv2.INTER_NEAREST_EXACT)
        if garments is not None:
            worn = dataset.read_garments(names[index])
            garments[index] = cv2.resize(worn, size, interpolation=cv2.INTER_NEAREST_EXACT)

    with ThreadPoolExecutor() as threads:
        list(threads.map(decode, range(len(names))))
    return Samples(photos, masks, people, garments)


def people_samples(photos: Sequence[PersonPhoto], size: Size) -> Samples:
    """Photos of which the people's masks, and some of their classes at most, are known.

    Args:
        photos: with classes or without.
        size: (width, height) to bring them to.
    """
    fits = [Fit((photo.labels.shape[1], photo.labels.shape[0]), size) for photo in photos]
    pairs = list(zip(fits, photos, strict=True))
    people = np.stack([fit.mask(photo.labels) for fit, photo in pairs])
    masks = np.where(people > 0, np.uint8(SOMEBODY), np.uint8(0))
    for (fit, photo), mask in zip(pairs, masks, strict=True):
        if photo.classes is not None:
            np.copyto(mask, fit.mask(photo.classes), where=mask > 0)
    return Samples(np.stack([fit.photo(photo.pixels) for fit, photo in pairs]), masks, people)


class AugmentedBatches(torch_data.Dataset[Batch]):
    """Augmented photos, masks and garments.

    What is drawn depends on the seed and the key alone, so a run that goes on after a break sees
    what an unbroken one would.

    Args:
        samples: what every batch has.
        people: samples of which people alone are known, numbered after those, or None.
        crop: the share of `people` that is cut to the part around one of them.
        settings: how far photos are changed.
        background: what the background becomes where it is hidden.
        scheme: the masks' classes.
        seed: decides everything.
    """

    def __init__(
        self,
        samples: Samples,
        people: Samples | None,
        crop: float,
        settings: AugmentationSettings,
        background: Background,
        scheme: Scheme,
        seed: int,
    ) -> None:
        self.samples, self.people, self.crop = samples, people, crop
        self.settings = settings
        self.parts = parts_of(scheme)
        self.background: Background = background
        self.seed = seed

    def __getitem__(self, keys: BatchKeys) -> Batch:
        """The batch for its keys; some batches have half the size."""
        drawn = [self._augmented(key) for key in keys.own]
        chance = np.random.default_rng([self.seed, *keys.first, 1]).random()
        if chance < self.settings.half_size:
            drawn = [sample.halved() for sample in drawn]
        return Batch(
            torch.from_numpy(np.stack([sample.photo for sample in drawn])),
            torch.from_numpy(np.stack([sample.mask for sample in drawn])),
            torch.from_numpy(np.stack([sample.garments for sample in drawn])),
        )

    def _augmented(self, key: Key) -> Sample:
        rng = np.random.default_rng([self.seed, *key])
        backdrops = self._either(rng)
        backdrop = backdrops[int(rng.integers(len(backdrops)))]
        if self.people is not None and key.sample >= len(self.samples):
            sample, crop = self.people[key.sample - len(self.samples)], self.crop
        else:
            sample, crop = self.samples[key.sample], 0.0
        return augment(sample, backdrop, self.settings, self.background, self.parts, rng, crop=crop)

    def _either(self, rng: np.random.Generator) -> Samples:
        if self.people is not None and rng.random() < 0.5:
            return self.people
        return self.samples
