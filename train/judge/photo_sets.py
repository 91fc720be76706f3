"""The validation photos as they are, and made hard in several ways."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from pix2seg.classes import Scheme
from pix2seg.photo import read_photo
from pix2seg.preprocess.dataset.dataset import Dataset, read_image
from pix2seg.preprocess.person.mask_rcnn.detector import load_detector
from pix2seg.train.judge.hard_photos import (
    before_background,
    before_clothes,
    busiest_backgrounds,
    far_away,
    upper_half,
)
from pix2seg.train.person.compose import empty_part
from pix2seg.train.person.photos import PersonPhoto

PhotoSet = Literal["plain", "busy", "clothes-coloured", "far", "half", "scenes"]

SETS: tuple[PhotoSet, ...] = get_args(PhotoSet)
"""`scenes` wants scenes to stand behind the persons; see `empty_scenes`."""

BUSY_BACKGROUNDS = 40
"""So many of the busiest backgrounds of the training photos stand behind the persons."""

SURELY_SOMEBODY = 0.9
"""Backgrounds of which the Mask R-CNN in the box is surer that they show somebody are not taken."""

LEAST_SCENE = 0.35
"""A scene shows at least this share of its photo."""


class SetPhoto(NamedTuple):
    """A photo of a set: RGB uint8 (H, W, 3), and its true mask, uint8 (H, W)."""

    set: PhotoSet
    name: str
    pixels: NDArray[np.uint8]
    truth: NDArray[np.uint8]


def photo_sets(
    dataset: Dataset,
    sets: Sequence[PhotoSet],
    scenes: Sequence[NDArray[np.uint8]] = (),
    most: int | None = None,
) -> Iterator[SetPhoto]:
    """The validation photos at their own size, as they are or made hard.

    A set lacks the photos that cannot be made hard in its way: `clothes-coloured` those without
    garments, `half` those without anybody.

    Args:
        dataset: a prepared data set.
        sets: which; see `pix2seg.train.judge.hard_photos`.
        scenes: backgrounds for the set `scenes`, RGB uint8; at least one if it is asked for.
        most: take so many of the photos, evenly spread; all by default.
    """
    backgrounds = []
    if {"busy", "far"} & set(sets):
        train = (dataset.read(name) for name in dataset.names("train"))
        backgrounds = without_people(busiest_backgrounds(list(train), 2 * BUSY_BACKGROUNDS))
    full_photos = list(dataset.full())
    count = min(most or len(full_photos), len(full_photos))
    for index in (i * len(full_photos) // count for i in range(count)):
        full = full_photos[index]
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
            elif name == "scenes":
                hard = before_background(pixels, mask, scenes[index % len(scenes)]), mask
            elif name == "half":
                hard = upper_half(pixels, mask)
                if not hard[1].size:
                    continue
            elif name == "clothes-coloured":
                if not garments.any():
                    continue
                hard = before_clothes(pixels, mask, garments, rng), mask
            yield SetPhoto(name, full.name, *hard)


def without_people(backgrounds: Sequence[NDArray[np.uint8]]) -> list[NDArray[np.uint8]]:
    """The first `BUSY_BACKGROUNDS` in which no passer-by stands, if there are any.

    Who finds a passer-by and not the person in front is not wrong, and mirrored they are two.
    """
    detector = load_detector()

    def shows_nobody(background: NDArray[np.uint8]) -> bool:
        scores = detector.detect(background).scores
        return not len(scores) or scores[0] < SURELY_SOMEBODY

    empty = filter(shows_nobody, backgrounds)
    return list(islice(empty, BUSY_BACKGROUNDS)) or list(backgrounds[:BUSY_BACKGROUNDS])


def empty_scenes(photos: Iterable[PersonPhoto]) -> list[NDArray[np.uint8]]:
    """The parts of photos beside, above or below everybody, where they are large enough to see.

    RGB uint8, each at its photo's own size.
    """
    scenes = []
    for photo in photos:
        x0, y0, x1, y1 = empty_part(photo.labels)
        if (x1 - x0) * (y1 - y0) >= LEAST_SCENE * photo.labels.size:
            scenes.append(photo.pixels[y0:y1, x0:x1])
    return scenes


def _garments(mask: NDArray[np.uint8], scheme: Scheme) -> NDArray[np.bool_]:
    if "clothes" in scheme.names:
        return np.asarray(mask == scheme.id_of("clothes"))
    return np.asarray(mask > 0)
