"""Another look at a photo in which nobody is large and sure."""

import numpy as np
from numpy.typing import NDArray

from pix2seg.preprocess.person.base import enlarged, overlap
from pix2seg.preprocess.person.mask_rcnn.detector import Detections, Detector

FINER = 1.8
"""So many times the pixels has the second look."""

LARGE, SURE = 0.2, 0.8
"""Of this share of the photo and with this score somebody has been seen well enough."""

SAME = 0.5
"""Boxes of the two looks with at least this IoU show the same person."""


def detect_twice(detector: Detector, pixels: NDArray[np.uint8]) -> Detections:
    """The people in an RGB photo, uint8 (H, W, 3), as two looks at it find them.

    Where the first finds nobody who is large and sure, the second sees the photo mirrored, with
    more pixels. Who is found by both has the mean of their scores and masks; who is found by one
    has half of its score. A detector that resizes photos itself looks once.
    """
    first = detector.detect(pixels)
    if detector.info.area is None or _seen_well(first, pixels.shape):
        return first
    return _joined(first, detector.detect(pixels, finer=FINER, mirrored=True))


def _seen_well(found: Detections, shape: tuple[int, ...]) -> bool:
    if not len(found.scores) or found.scores[0] < SURE:
        return False
    x0, y0, x1, y1 = found.boxes[0]
    return bool((x1 - x0) * (y1 - y0) >= LARGE * shape[0] * shape[1])


def _joined(first: Detections, second: Detections) -> Detections:
    """Both looks' people, each once, the surest first, with masks of the second's size."""
    size = second.masks.shape[1:]
    boxes, scores, masks = list(second.boxes), list(second.scores / 2), list(second.masks)
    free = set(range(len(boxes)))
    for box, score, mask in zip(first.boxes, first.scores, first.masks, strict=True):
        finer = enlarged(mask, size)
        likeness = {i: overlap(tuple(boxes[i]), tuple(box)) for i in free}
        same = max(likeness, key=likeness.__getitem__, default=None)
        if same is None or likeness[same] < SAME:
            boxes.append(box)
            scores.append(score / 2)
            masks.append(finer)
        else:
            free.remove(same)
            scores[same] += score / 2
            masks[same] = (masks[same] + finer) / 2
    order = np.argsort(scores)[::-1]
    return Detections(
        np.array(boxes, np.float32).reshape(-1, 4)[order],
        np.array(scores, np.float32)[order],
        np.array(masks, np.float32).reshape(-1, *size)[order],
    )
