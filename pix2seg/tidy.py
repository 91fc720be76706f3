"""Tidies a mask: nothing that does not touch the person, no islands, no specks."""

from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from pix2seg.classes import BACKGROUND
from pix2seg.distinct import distinct

Ids = TypeVar("Ids", bound=np.generic)

LEAST_SHARE = 1 / 2000
"""A connected part with a smaller share of the photo is a speck: 228 pixels of 550x830."""

LEAST_SHARE_OF_PERSON = 1 / 400
"""Of somebody far away, a part is a speck if it has a smaller share of their mask: a head would be
one of the photo."""

WORKING_PIXELS = 4_000_000
"""Larger masks are tidied by what a mask of this size would lose."""

STRIP = 256
"""Rows of a large mask that are changed at a time."""

LEAST_ON_PERSON = 0.25
"""Connected foreground of which a smaller share lies on the person is something that the person's
mask strays onto, such as a corner of the floor, unless most of the person is on it."""

LEAST_ISLAND = 0.05
"""Connected foreground with a smaller share of the largest is clutter in the background."""


def tidy(mask: NDArray[np.uint8], person: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """A mask of one person, without islands and specks; class ids, uint8 (H, W), in and out.

    What is to go from a large mask is found in a small one, for all parts of a large one, numbered,
    fill the memory.

    Args:
        mask: class ids, uint8 (H, W).
        person: where the person was found, bool (H, W).
    """
    if mask.size <= WORKING_PIXELS:
        share_of_photo = np.count_nonzero(person) / person.size
        least = min(LEAST_SHARE, LEAST_SHARE_OF_PERSON * share_of_photo)
        return remove_islands(keep_touching(remove_specks(mask, least), person))
    scale = (WORKING_PIXELS / mask.size) ** 0.5
    size = max(int(mask.shape[1] * scale), 1), max(int(mask.shape[0] * scale), 1)
    small = _resized(mask, size)
    tidied = tidy(small, _resized(person.view(np.uint8), size) > 0)
    around = np.ones((3, 3), np.uint8)
    changed = np.asarray(cv2.dilate((tidied != small).astype(np.uint8), around), np.bool_)
    result = mask.copy()
    rows, columns = (_nearest(*lengths) for lengths in zip(small.shape, mask.shape, strict=True))
    for top in range(0, len(mask), STRIP):
        near = np.ix_(rows[top : top + STRIP], columns)
        np.copyto(result[top : top + STRIP], tidied[near], where=changed[near])
    return result


def _nearest(length: int, whole: int) -> NDArray[np.int32]:
    """Of as many places along a side, the one nearest to each pixel of the whole side."""
    places = np.arange(length, dtype=np.int32)[None]
    enlarged = cv2.resize(places, (whole, 1), interpolation=cv2.INTER_NEAREST_EXACT)
    return np.asarray(enlarged[0], np.int32)


def _resized(ids: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    return np.asarray(cv2.resize(ids, size, interpolation=cv2.INTER_NEAREST_EXACT), np.uint8)


def keep_touching(mask: NDArray[np.uint8], person: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """A mask in which connected foreground that hardly lies on the person is background.

    So passers-by go, and a hand or a hem that the extractor cut off stays.

    Args:
        mask: class ids, uint8 (H, W).
        person: where the person was found, bool (H, W).

    Returns:
        uint8 (H, W).
    """
    parts, areas = connected(mask != BACKGROUND)
    on_person = np.bincount(parts[person], minlength=len(areas))
    on_person[0] = 0  # part 0 is the background
    kept = (on_person > 0) & (on_person >= LEAST_ON_PERSON * areas)
    if on_person.any():
        kept[on_person.argmax()] = True
    return np.where(kept[parts], mask, np.uint8(BACKGROUND))


def remove_islands(
    mask: NDArray[np.uint8], least_island: float = LEAST_ISLAND
) -> NDArray[np.uint8]:
    """A mask in which connected foreground far smaller than the largest is background.

    Args:
        mask: class ids, uint8 (H, W).
        least_island: islands with a smaller share of the largest one's pixels go, 0..1.

    Returns:
        uint8 (H, W).
    """
    parts, areas = connected(mask != BACKGROUND)
    if len(areas) < 3:
        return mask
    small = areas < least_island * areas[1:].max()
    small[0] = False  # part 0 is the background
    return np.where(small[parts], np.uint8(BACKGROUND), mask)


def remove_specks(mask: NDArray[np.uint8], least_share: float = LEAST_SHARE) -> NDArray[np.uint8]:
    """A mask without specks; each of their pixels takes the class of the nearest other part.

    Args:
        mask: class ids, uint8 (H, W).
        least_share: parts with a smaller share of the mask are specks, 0..1.

    Returns:
        uint8 (H, W); the mask as it is where nothing but specks is in it.
    """
    specks = np.zeros(mask.shape, bool)
    for class_id in distinct(mask):
        parts, areas = connected(mask == class_id)
        small = areas < least_share * mask.size
        small[0] = False  # part 0 is all that is not of the class
        if small.any():
            specks |= small[parts]
    return nearest_of(mask, specks, ~specks)


def connected(where: NDArray[np.bool_]) -> tuple[NDArray[np.int32], NDArray[np.intp]]:
    """The connected part of each pixel, (H, W), 0 elsewhere, and the pixels of each part, (N,).

    OpenCV's own statistics take three times as long.
    """
    count, parts = cv2.connectedComponents(where.view(np.uint8), connectivity=8)
    return np.asarray(parts, np.int32), np.bincount(parts.ravel(), minlength=count)


def nearest_of(
    values: NDArray[Ids], wanted: NDArray[np.bool_], given: NDArray[np.bool_]
) -> NDArray[Ids]:
    """Values of which some are taken from the nearest given pixel.

    Args:
        values: integers (H, W).
        wanted: bool (H, W), the pixels that take another's value.
        given: bool (H, W), the pixels whose values may be taken.

    Returns:
        Integers (H, W); the values as they are where none are wanted or none given.
    """
    if not (wanted.any() and given.any()):
        return values
    _, nearest = cv2.distanceTransformWithLabels(
        (~given).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_PIXEL
    )
    value_of = np.zeros(int(nearest.max()) + 1, values.dtype)
    value_of[nearest[given]] = values[given]
    result = values.copy()
    result[wanted] = value_of[nearest[wanted]]
    return result
