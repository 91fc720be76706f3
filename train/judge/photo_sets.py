"""The validation photos as they are, and made hard in several ways."""

from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from pix2seg.classes import Scheme
from pix2seg.photo import read_photo
from pix2seg.preprocess.dataset.dataset import Dataset, read_image
from pix2seg.train.judge.hard_photos import (
    before_background,
    before_clothes,
    busiest_backgrounds,
    far_away,
    upper_half,
)

PhotoSet = Literal["plain", "busy", "clothes-coloured", "far", "half"]

SETS: tuple[PhotoSet, ...] = get_args(PhotoSet)

BUSY_BACKGROUNDS = 40
"""So many of the busiest backgrounds of the training photos stand behind the persons."""


class SetPhoto(NamedTuple):
    """A photo of a set: RGB uint8 (H, W, 3), and its true mask, uint8 (H, W)."""

    set: PhotoSet
    name: str
    pixels: NDArray[np.uint8]
    truth: NDArray[np.uint8]


def photo_sets(dataset: Dataset, sets: Sequence[PhotoSet]) -> Iterator[SetPhoto]:
    """The validation photos at their own size, as they are or made hard.

    Args:
        dataset: a prepared data set.
        sets: which; see `pix2seg.train.judge.hard_photos`.
    """
    backgrounds = []
    if {"busy", "far"} & set(sets):
        train = (dataset.read(name) for name in dataset.names("train"))
        backgrounds = busiest_backgrounds(list(train), BUSY_BACKGROUNDS)
    for index, full in enumerate(dataset.full()):
        pixels, mask = read_photo(full.photo).pixels, read_image(full.mask)
        rng = np.random.default_rng(index)
        behind = backgrounds[index % len(backgrounds)] if backgrounds else pixels
        garments = _garments(mask, dataset.scheme)
        for name in sets:
            hard = pixels, mask
            if name == "busy":
                hard = before_background(pixels, mask, behind), mask
            elif name == "far":
                hard = far_away(pixels, mask, behind, rng)
            elif name == "half":
                hard = upper_half(pixels, mask)
            elif name == "clothes-coloured":
                if not garments.any():
                    continue
                hard = before_clothes(pixels, mask, garments, rng), mask
            yield SetPhoto(name, full.name, *hard)


def _garments(mask: NDArray[np.uint8], scheme: Scheme) -> NDArray[np.bool_]:
    if "clothes" in scheme.names:
        return np.asarray(mask == scheme.id_of("clothes"))
    return np.asarray(mask > 0)
