"""Scores of a segmentation, from its confusion matrix."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray


def confusion_matrix(
    truth: NDArray[np.uint8], predicted: NDArray[np.uint8], classes: int
) -> NDArray[np.int64]:
    """Count pixels, (classes, classes) int64: rows are true classes, columns predicted ones.

    Args:
        truth: mask of class ids.
        predicted: mask of the same shape.
        classes: how many classes there are.
    """
    pairs = truth.astype(np.int64).ravel() * classes + predicted.ravel()
    return np.bincount(pairs, minlength=classes**2).reshape(classes, classes)


READABLE_CLASSES = 10
"""Tables of more classes are too wide to read; the JSON holds them in any case."""


@dataclass(frozen=True)
class Scores:
    """Pixel accuracy, IoU and Dice of a set of photos, all pixels counted together.

    Args:
        confusion: (classes, classes), as `confusion_matrix` counts them.
        names: the classes' names in id order.
    """

    confusion: NDArray[np.int64]
    names: tuple[str, ...]

    @property
    def pixel_accuracy(self) -> float:
        """Share of the pixels whose class is right, 0..1."""
        return float(np.trace(self.confusion) / max(self.confusion.sum(), 1))

    @property
    def iou(self) -> NDArray[np.float64]:
        """Intersection over union per class, 0..1; NaN where neither mask has the class."""
        hits = np.diag(self.confusion).astype(float)
        union = self.confusion.sum(0) + self.confusion.sum(1) - hits
        iou = np.full(len(hits), np.nan)
        np.divide(hits, union, out=iou, where=union > 0)
        return iou

    @property
    def dice(self) -> NDArray[np.float64]:
        """Dice coefficient (F1) per class, 0..1; NaN where neither mask has the class."""
        iou = self.iou
        return np.asarray(2 * iou / (1 + iou), float)

    @property
    def foreground_iou(self) -> float:
        """IoU of all classes but the first, the background, as one, 0..1; 1 if there are none."""
        union = self.confusion.sum() - self.confusion[0, 0]
        return float(self.confusion[1:, 1:].sum() / union) if union else 1.0

    @property
    def mean_iou(self) -> float:
        """Mean IoU over the classes that occur, 0..1."""
        return float(np.nanmean(self.iou)) if self.confusion.any() else 0.0

    @property
    def frequency_weighted_iou(self) -> float:
        """Mean IoU weighted by the classes' true pixels (Long et al. 2015, section 5), 0..1."""
        shares = self.confusion.sum(1) / max(self.confusion.sum(), 1)
        return float(np.nansum(shares * self.iou))

    def merged(self, into: NDArray[np.uint8], names: tuple[str, ...]) -> Self:
        """The scores of a scheme whose classes hold these whole.

        Args:
            into: which class of that scheme each class falls into.
            names: that scheme's classes.
        """
        confusion = np.zeros((len(names), len(names)), np.int64)
        np.add.at(confusion, (into[:, None], into[None]), self.confusion)
        return type(self)(confusion, names)

    def to_dict(self) -> dict[str, Any]:
        """All scores as plain data, rounded to 4 digits; a class that never occurs has null."""
        per_class = {
            name: {"iou": rounded(iou), "dice": rounded(dice)}
            for name, iou, dice in zip(self.names, self.iou, self.dice, strict=True)
        }
        return {
            "mean_iou": round(self.mean_iou, 4),
            "pixel_accuracy": round(self.pixel_accuracy, 4),
            "frequency_weighted_iou": round(self.frequency_weighted_iou, 4),
            "classes": per_class,
            "confusion": self.confusion.tolist(),
        }


def rounded(value: float) -> float | None:
    """A score as JSON holds it: 4 digits, and null for NaN."""
    return None if np.isnan(value) else round(float(value), 4)
