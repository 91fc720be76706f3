"""A second look at people who are small in the photo."""

import numpy as np
from numpy.typing import NDArray

from pix2seg.preprocess.fit import Box, Size
from pix2seg.preprocess.person.base import Edges, Person, enlarged, overlap, scaled, without_strays
from pix2seg.preprocess.person.mask_rcnn.detector import Detector

ROOM = 0.35
"""Room on each side of a person in the second look, as a share of their longer side."""

LARGEST_PART = 0.6
"""Whoever takes up a larger share of the photo, with that room, has been seen well enough."""

SAME = 0.2
"""Boxes of the two looks with a smaller IoU show different people."""

WORD = 0.7
"""How much the second look counts; the first counts the rest."""

SUREST = 0.999
"""What either look is sure of at most."""

FINER = 2
"""Masks become so many times finer than the detector's own, but no finer than the photo."""


def look_closer(detector: Detector, pixels: NDArray[np.uint8], person: Person) -> Person:
    """The person with a finer mask, joined with a second look's if they are small in the photo.

    A detector shrinks the photo, and somebody far away is left with a few hundred pixels. So it
    looks again, at the part around them alone; mirrored, for then it makes other mistakes.

    Args:
        detector: the one that found the person.
        pixels: the photo, RGB uint8 (H, W, 3).
        person: somebody found in it, at the detector's own size; see `Detections.masks`.

    Returns:
        Mask and belief have up to `FINER` times as many rows and columns; the score stays.
    """
    height, width = pixels.shape[:2]
    rows, columns = person.mask.shape
    size = max(columns, min(FINER * columns, width)), max(rows, min(FINER * rows, height))
    first = _person(enlarged(person.probability, size[::-1]), person.score)
    box = scaled(person.box, (columns, rows), (width, height))
    x0, y0, x1, y1 = part = _pixels(_with_room(box, (width, height)))
    if (x1 - x0) * (y1 - y0) >= LARGEST_PART * width * height:
        return first
    near = box[0] - x0, box[1] - y0, box[2] - x0, box[3] - y0
    seen = _look_again(detector, pixels[y0:y1, x0:x1], near)
    if seen is None:
        return first
    there = _pixels(scaled(part, (width, height), size))
    both = _person(_joined(first.probability, seen, there), person.score)
    return both if both.found else first  # looks that contradict each other may leave nobody


def _person(belief: NDArray[np.float32], score: float) -> Person:
    return Person.from_probability(without_strays(belief), score)


def _look_again(
    detector: Detector, pixels: NDArray[np.uint8], box: Edges
) -> NDArray[np.float32] | None:
    """How sure it is of each pixel of a part of the photo, float32 (h, w), 0..1.

    It is of the person whose box is most like this one; None if nobody's is.
    """
    found = detector.detect(pixels, mirrored=True)
    likeness = np.array([overlap(tuple(other), box) for other in found.boxes])
    if not (likeness >= SAME).any():
        return None
    return np.asarray(found.masks[np.argmax(likeness * np.sqrt(found.scores))])


def _joined(
    first: NDArray[np.float32], second: NDArray[np.float32], part: Box
) -> NDArray[np.float32]:
    """The mean of both looks' logits as a belief; outside the part of the second is nobody.

    Args:
        first: float32 (h, w), 0..1.
        second: of the part alone, in float32 of any size, 0..1.
        part: where the part is, in pixels of the first.
    """
    x0, y0, x1, y1 = part
    seen = enlarged(second, (y1 - y0, x1 - x0))
    logits = (1 - WORD) * _logits(first[y0:y1, x0:x1]) + WORD * _logits(seen)
    joined = np.zeros_like(first)
    joined[y0:y1, x0:x1] = 1 / (1 + np.exp(-logits))
    return joined


def _logits(belief: NDArray[np.float32]) -> NDArray[np.float32]:
    sure = np.clip(belief, 1 - SUREST, SUREST)
    return np.asarray(np.log(sure / (1 - sure)))


def _with_room(box: Edges, photo_size: Size) -> Edges:
    """A box of the photo with `ROOM` around it, as far as the photo reaches."""
    x0, y0, x1, y1 = box
    room = ROOM * max(x1 - x0, y1 - y0)
    width, height = photo_size
    return max(x0 - room, 0), max(y0 - room, 0), min(x1 + room, width), min(y1 + room, height)


def _pixels(box: Edges) -> Box:
    """A box to the pixel, at least one wide and high."""
    x0, y0 = int(box[0]), int(box[1])
    return x0, y0, max(round(box[2]), x0 + 1), max(round(box[3]), y0 + 1)
