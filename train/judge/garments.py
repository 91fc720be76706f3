"""How well garments are named."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pix2seg.garments import FIRST_GARMENT, kinds
from pix2seg.train.judge.scores import Scores, confusion_matrix, rounded

BIG = ("top", "outerwear", "dress", "skirt", "trousers", "shoes", "bag")
"""The kinds that most photos show and most people ask for."""

LARGE = 0.01
"""A garment with a larger share of its photo should be of the right kind."""


@dataclass
class GarmentScores:
    """Adds up how well the kinds of photos were named, all pixels counted together.

    Attributes:
        right: how many large garments were of the right kind by the majority of their true
            pixels, by kind, int64 (kinds,).
        large: how many there were.
    """

    right: NDArray[np.int64] = field(default_factory=lambda: np.zeros(len(kinds()), np.int64))
    large: NDArray[np.int64] = field(default_factory=lambda: np.zeros(len(kinds()), np.int64))

    def __post_init__(self) -> None:
        self._confusion = np.zeros((len(kinds()),) * 2, np.int64)

    def add(self, truth: NDArray[np.uint8], found: NDArray[np.uint8]) -> None:
        """Count a photo: ids of the scheme `garments`, uint8 (H, W) each."""
        confusion = confusion_matrix(truth, found, len(kinds()))
        self._confusion += confusion
        large = confusion.sum(axis=1) > LARGE * truth.size
        large[:FIRST_GARMENT] = False
        self.large += large
        self.right += large & (confusion.argmax(axis=1) == np.arange(len(kinds())))

    @property
    def scores(self) -> Scores:
        """Over all pixels."""
        return Scores(self._confusion, kinds().names)

    @property
    def mean_iou_of_big(self) -> float:
        """Mean IoU over the kinds in `BIG`."""
        return float(np.nanmean([self.scores.iou[kinds().id_of(name)] for name in BIG]))

    @property
    def share_right(self) -> float:
        """The share of large garments that are of the right kind, 0..1."""
        return float(self.right.sum() / max(self.large.sum(), 1))

    def to_dict(self) -> dict[str, Any]:
        """All scores as plain data."""
        return {
            "mean_iou": rounded(self.scores.mean_iou),
            "mean_iou_of_big": rounded(self.mean_iou_of_big),
            "large_garments": int(self.large.sum()),
            "share_right": round(self.share_right, 4),
            "kinds": {
                name: {
                    "iou": rounded(iou),
                    "large": int(self.large[i]),
                    "right": int(self.right[i]),
                }
                for i, (name, iou) in enumerate(zip(kinds().names, self.scores.iou, strict=True))
            },
        }
