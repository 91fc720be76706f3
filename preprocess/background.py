"""Turns what is not the person grey."""

import cv2
import numpy as np
from numpy.typing import NDArray

GREY = (127, 127, 127)
"""The background that the generator was trained on."""

MARGIN = 0.03
"""How far a mask grows, in shares of the person's size."""


def widen(mask: NDArray[np.bool_], margin: float = MARGIN) -> NDArray[np.bool_]:
    """A mask with a margin around it, for extractors cut fingers, hair and shoes.

    Args:
        mask: bool (H, W).
        margin: the margin's width as a share of the person's size, which is the square root of
            the mask's area.

    Returns:
        bool (H, W), True wherever `mask` is.
    """
    radius = margin * float(np.sqrt(np.count_nonzero(mask)))
    if radius < 1:
        return mask
    outside = cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5)
    return np.asarray(outside <= radius)


def grey_background(
    pixels: NDArray[np.uint8],
    person: NDArray[np.bool_],
    color: tuple[int, int, int] = GREY,
) -> NDArray[np.uint8]:
    """The photo with every pixel off the person in one colour.

    Args:
        pixels: RGB uint8 (H, W, 3).
        person: bool (H, W); the margin is the caller's to add, with `widen`.
        color: RGB, 0..255.

    Returns:
        RGB uint8 (H, W, 3), a new array.
    """
    return np.where(person[..., None], pixels, np.array(color, np.uint8))
