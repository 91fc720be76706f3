"""Scores of person masks."""

from collections.abc import Sequence
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

LEAST_IOU = 0.5
"""A person whose mask overlaps less than this counts as missed."""


class PersonScore(NamedTuple):
    """One photo.

    Attributes:
        iou: intersection over union with the true person, 0..1.
        kept: share of the true person's pixels in the mask, 0..1.
    """

    iou: float
    kept: float

    @classmethod
    def of(cls, mask: NDArray[np.bool_], truth: NDArray[np.bool_]) -> Self:
        """Compare two masks, bool (H, W); both are 1 where there is nobody and none is found."""
        both = np.count_nonzero(mask & truth)
        union, person = np.count_nonzero(mask | truth), np.count_nonzero(truth)
        return cls(both / union if union else 1.0, both / person if person else 1.0)


def summarise(scores: Sequence[PersonScore]) -> dict[str, float]:
    """Mean IoU and mean share kept over the photos, and how many are missed."""
    return {
        "iou": round(float(np.mean([s.iou for s in scores])), 4),
        "kept": round(float(np.mean([s.kept for s in scores])), 4),
        "missed": int(sum(s.iou < LEAST_IOU for s in scores)),
    }
