"""How well outlines agree: the boundary F-score (Csurka et al. 2013; Perazzi et al. 2016)."""

import cv2
import numpy as np
from numpy.typing import NDArray

TOLERANCE = 0.008
"""How far a boundary pixel may lie from the other boundary, as a share of the photo's diagonal."""


def boundary_counts(
    truth: NDArray[np.uint8], predicted: NDArray[np.uint8], classes: int
) -> NDArray[np.int64]:
    """Count boundary pixels, (classes, 4) int64; counts of several photos add up.

    Args:
        truth: mask of class ids, (H, W).
        predicted: mask of the same shape.
        classes: how many classes there are.

    Returns:
        For each class: predicted boundary pixels, those of them near a true one, true boundary
        pixels, those of them near a predicted one.
    """
    radius = max(round(TOLERANCE * float(np.hypot(*truth.shape))), 1)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    counts = np.zeros((classes, 4), np.int64)
    for class_id in range(classes):
        true, found = (_boundary(mask == class_id) for mask in (truth, predicted))
        near_true, near_found = (
            cv2.dilate(boundary.view(np.uint8), disc) > 0 for boundary in (true, found)
        )
        counts[class_id] = (
            np.count_nonzero(found),
            np.count_nonzero(found & near_true),
            np.count_nonzero(true),
            np.count_nonzero(true & near_found),
        )
    return counts


def boundary_f(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """The F-score of each class, 0..1, from `boundary_counts`; NaN where neither has a boundary.

    It is the harmonic mean of precision (predicted pixels near a true one) and recall (true
    pixels near a predicted one).
    """
    found, found_near, true, true_near = counts.T.astype(float)
    precision, recall = found_near / np.maximum(found, 1), true_near / np.maximum(true, 1)
    total = precision + recall
    score = 2 * precision * recall / np.where(total > 0, total, 1)
    return np.where(found + true > 0, score, np.nan)


def _boundary(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The mask's pixels that touch another class; the photo's edge is no boundary."""
    inner = cv2.erode(mask.view(np.uint8), np.ones((3, 3), np.uint8), borderValue=1)
    return np.asarray(mask & (inner == 0))
