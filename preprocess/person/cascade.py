"""The generator's own first pass as the person: no further weights."""

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from pix2seg.classes import BACKGROUND
from pix2seg.errors import PersonError
from pix2seg.preprocess.background import widen
from pix2seg.preprocess.fit import Box
from pix2seg.preprocess.person.base import Person, choose

Segment = Callable[[NDArray[np.uint8]], NDArray[np.uint8]]
"""Class ids, uint8 (H, W), of RGB pixels, uint8 (H, W, 3)."""

JOIN = 0.05
"""Parts that are nearer than this to each other, in shares of their size, are one person."""

LEAST_SHARE = 0.05
"""Smaller parts, in shares of the largest, are no persons."""


class Cascade:
    """Segments the photo once and takes what is not background for the people.

    Args:
        segment: the first pass: the generator's own, or that of another.
        generator: version of that other generator.
        everyone: take all people instead of the main one.
        box: take the person whose box overlaps this one the most.

    Raises:
        PersonError: there is no pass.
    """

    def __init__(
        self,
        segment: Segment | None = None,
        generator: str | None = None,
        everyone: bool = False,
        box: Box | None = None,
    ) -> None:
        if segment is None:
            raise PersonError(
                "person extractor 'cascade' needs a generator; give its weights with "
                "--person-weights FILE"
            )
        self.version = f"cascade {generator}" if generator else "cascade"
        self.segment = segment
        self.everyone, self.box = everyone, box

    def find(self, pixels: NDArray[np.uint8]) -> Person:
        """The person. The score is 1: a mask does not say how sure it is."""
        people = _parts(self.segment(pixels) != BACKGROUND)
        return choose(people, pixels.shape, everyone=self.everyone, box=self.box)


def _parts(mask: NDArray[np.bool_]) -> list[Person]:
    joined = widen(mask, JOIN / 2).astype(np.uint8)
    count, labels = cv2.connectedComponents(joined, connectivity=8)
    areas = np.bincount(labels[mask], minlength=count)
    large = [i for i in range(1, count) if areas[i] >= max(LEAST_SHARE * areas.max(), 1)]
    return [Person.from_mask(mask & (labels == i), 1.0) for i in large]
