"""The Mask R-CNN in the box, and torchvision's with its COCO weights."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pix2seg.engines.base import Engine
from pix2seg.preprocess.fit import Box
from pix2seg.preprocess.person.base import Person, choose, scaled, without_strays
from pix2seg.preprocess.person.mask_rcnn.closer import look_closer
from pix2seg.preprocess.person.mask_rcnn.detector import Detector, load_detector
from pix2seg.preprocess.person.mask_rcnn.two_looks import detect_twice

LEAST_SCORE = 0.4
"""Detections that are less sure are dropped. In training one box of eight is a person's, so scores
are low."""

LEAST_SCORE_OF_FIRST = 0.2
"""So sure the surest must be. Photos are taken of somebody: of COCO's photos in which nothing right
is found above the other score, two in five show somebody above this one."""

LEAST_SCORE_IN_BOX = 0.1
"""Where somebody drew a box there mostly is somebody: in it, whom one of two looks is as sure of as
`LEAST_SCORE_OF_FIRST` counts."""


class MaskRCNN:
    """Finds people with a Mask R-CNN (He et al. 2017, arXiv 1703.06870).

    Args:
        weights: see `load_detector`.
        everyone: take all people instead of the main one.
        box: take the person whose box overlaps this one the most.
        engine: which engine is to run it.
        device: where to run it; by default the CPU.

    Raises:
        WeightsError: the weights cannot be used or downloaded.
    """

    def __init__(
        self,
        weights: str | Path | None = None,
        everyone: bool = False,
        box: Box | None = None,
        engine: Engine = "auto",
        device: str = "cpu",
    ) -> None:
        self.detector = load_detector(weights, engine=engine, device=device)
        self.version = self.detector.info.version
        self.everyone, self.box = everyone, box

    def find(self, pixels: NDArray[np.uint8]) -> Person:
        """The person, with the detection's score."""
        return find_person(self.detector, pixels, everyone=self.everyone, box=self.box)


def find_person(
    detector: Detector, pixels: NDArray[np.uint8], *, everyone: bool = False, box: Box | None = None
) -> Person:
    """The person in an RGB photo, uint8 (H, W, 3); see `choose`.

    Chosen at the detector's own working size: a dozen people at the size of a large photo would
    fill the memory.
    """
    height, width = pixels.shape[:2]
    found = detect_twice(detector, pixels)
    sure = found.scores >= (LEAST_SCORE_IN_BOX if box else LEAST_SCORE)
    sure[:1] |= found.scores[:1] >= LEAST_SCORE_OF_FIRST
    people = [
        Person.from_probability(without_strays(mask), float(score))
        for mask, score in zip(found.masks[sure], found.scores[sure], strict=True)
    ]
    rows, columns = found.masks.shape[1:]
    near = scaled(box, (width, height), (columns, rows)) if box else None
    chosen = choose(people, (rows, columns), everyone=everyone, box=near)
    if not chosen.found:
        return chosen.resized(width, height)
    closer = [look_closer(detector, pixels, one) for one in chosen.members or (chosen,)]
    return choose(closer, closer[0].mask.shape, everyone=everyone).resized(width, height)
