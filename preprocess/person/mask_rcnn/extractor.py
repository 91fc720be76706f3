"""The Mask R-CNN in the box, and torchvision's with its COCO weights."""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from pix2seg.engines.base import Engine
from pix2seg.preprocess.fit import Box
from pix2seg.preprocess.person.base import Person, choose
from pix2seg.preprocess.person.mask_rcnn.detector import Detector, load_detector

LEAST_SCORE = 0.5
"""Detections that are less sure are dropped."""


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
        people = find_people(self.detector, pixels)
        return choose(people, pixels.shape, everyone=self.everyone, box=self.box)


def find_people(detector: Detector, pixels: NDArray[np.uint8]) -> list[Person]:
    """Everybody of whom the detector is sure in an RGB photo, uint8 (H, W, 3), surest first."""
    height, width = pixels.shape[:2]
    found = detector.detect(pixels)
    return [
        Person.from_mask(_enlarged(mask, width, height), float(score))
        for mask, score in zip(found.masks, found.scores, strict=True)
        if score >= LEAST_SCORE
    ]


def _enlarged(mask: NDArray[np.float32], width: int, height: int) -> NDArray[np.bool_]:
    full = cv2.resize(mask, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(np.asarray(full) >= 0.5)
