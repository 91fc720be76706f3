"""Garments of other photos, worn in this one (after Ghiasi et al. 2021, arXiv 2012.07177).

Few photos show a hat, a scarf or a skirt. Labels say where they are, so that anybody can be given
one.
"""

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from pix2seg.garments import FIRST_GARMENT, kinds
from pix2seg.train.generator.augment import Sample
from pix2seg.train.generator.recolor import SKIN
from pix2seg.train.transforms import around

FACE = 0.25
"""The share of a person, from the top, in which all skin is held for the face."""

LEAST_PIXELS = 100
"""Smaller garments are not worth wearing, smaller faces not to be trusted."""

NOT_WORN_OVER = ("top", "trousers", "hosiery")
"""Kinds that are not pasted: whatever they covered would look like what it is not."""

ON_PERSON = 0.35
"""The share of a garment that must come to lie on the person."""

SCALES = (0.9, 1.1)
"""How much larger or smaller than it fits a garment becomes."""

SHIFT = 0.01
"""How far off it is put, as a share of the person's height (standard deviation)."""


class Stance(NamedTuple):
    """Where somebody stands: the middle of the face, (x, y), and how far below it they end."""

    face: tuple[float, float]
    height: float


class Wardrobe:
    """The garments that photos show, by kind, so that rare kinds can be drawn as often as others.

    Args:
        garments: uint8 (N, H, W), ids of the scheme `garments`.
    """

    def __init__(self, garments: NDArray[np.uint8]) -> None:
        pixels = np.array([np.bincount(shown.ravel(), minlength=256) for shown in garments])
        pasted = [k for k in range(FIRST_GARMENT, len(kinds())) if _name(k) not in NOT_WORN_OVER]
        wearers = {kind: np.flatnonzero(pixels[:, kind] >= LEAST_PIXELS) for kind in pasted}
        self._wearers = {kind: found for kind, found in wearers.items() if len(found)}

    def draw(self, rng: np.random.Generator) -> tuple[int, int] | None:
        """A kind, and the index of a photo that shows it; None if no photo shows any."""
        if not self._wearers:
            return None
        kind = int(rng.choice(list(self._wearers)))
        return kind, int(rng.choice(self._wearers[kind]))


def worn(sample: Sample, donor: Sample, kind: int, rng: np.random.Generator) -> Sample:
    """A photo whose person wears a garment of another's, moved from face to face.

    Args:
        sample: who is to wear it. Unchanged if no face or no garments are known, if they stand so
            differently that it would hang beside them, or if it is a skirt and they wear a dress,
            whose upper half would pass for a top.
        donor: who wears it.
        kind: which garment, by its id in the scheme `garments`.
        rng: decides how it is moved, and whether it is mirrored.
    """
    here, there = _stance(sample.garments), _stance(donor.garments)
    over_dress = _name(kind) == "skirt" and np.any(sample.garments == kinds().id_of("dress"))
    if here is None or there is None or over_dress:
        return sample
    scale = here.height / there.height * rng.uniform(*SCALES)
    x, y = here.face + rng.normal(0, SHIFT * here.height, 2)
    flip = bool(rng.random() < 0.5)
    moved = donor.warped(around(there.face, (x, y), scale, flip=flip))
    put = moved.garments == kind
    if np.count_nonzero(put & (sample.garments > 0)) < max(ON_PERSON * put.sum(), 1):
        return sample
    opacity = cv2.GaussianBlur(put.astype(np.float32), (3, 3), 0)[..., None]
    photo = sample.photo + opacity * (moved.photo.astype(np.float32) - sample.photo)
    labels = (np.where(put, theirs, own) for own, theirs in zip(sample[1:], moved[1:], strict=True))
    return Sample(photo.round().astype(np.uint8), *labels)


def _stance(garments: NDArray[np.uint8]) -> Stance | None:
    """How somebody stands, by face and feet; None if no face is seen."""
    rows = np.flatnonzero(garments.any(axis=1))
    if not len(rows):
        return None
    top, feet = int(rows[0]), int(rows[-1])
    below, columns = np.nonzero(garments[top : top + round(FACE * (feet - top))] == SKIN)
    if len(below) < LEAST_PIXELS:
        return None
    face = float(columns.mean()), top + float(below.mean())
    return Stance(face, feet - face[1])


def _name(kind: int) -> str:
    return kinds().names[kind]
