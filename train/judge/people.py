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
        kept_with_margin: the same after the mask grew by the margin.
    """

    iou: float
    kept: float
    kept_with_margin: float

    @classmethod
    def of(
        cls, mask: NDArray[np.bool_], visible: NDArray[np.bool_], truth: NDArray[np.bool_]
    ) -> Self:
        """Compare a mask, and what it leaves visible, with the truth; all are bool (H, W).

        Where there is nobody, all is right if none is found.
        """
        both, union = np.count_nonzero(mask & truth), np.count_nonzero(mask | truth)
        person = np.count_nonzero(truth)
        if not person:
            return cls(float(union == 0), 1.0, 1.0)
        return cls(both / union, both / person, np.count_nonzero(visible & truth) / person)


def summarise(scores: Sequence[PersonScore]) -> dict[str, float]:
    """The means over photos, each 0..1, and in how many the person is missed or nothing found."""
    means = np.mean(scores, axis=0)
    facts = {name: round(float(m), 4) for name, m in zip(PersonScore._fields, means, strict=True)}
    return facts | {
        "missed": int(sum(score.iou < LEAST_IOU for score in scores)),
        "not_found": int(sum(score.iou == 0 for score in scores)),
    }
