"""The pictures that pix2seg makes of a result: overlay and cut-outs."""

import cv2
import numpy as np
from numpy.typing import NDArray

from pix2seg.classes import BACKGROUND, Scheme

TINT = 0.22
"""How much of a class's map colour lies over the photo."""

FADE = 0.55
"""How much of the background's colour and contrast gives way to light grey."""

CONTOUR = 1 / 400
"""A contour's width as a share of the photo's longer side."""

INK = (32, 32, 36)


def overlay(
    pixels: NDArray[np.uint8], mask: NDArray[np.uint8], scheme: Scheme
) -> NDArray[np.uint8]:
    """The photo with its classes tinted and outlined, and its background faded.

    Args:
        pixels: RGB uint8 (H, W, 3).
        mask: class ids, uint8 (H, W).
        scheme: gives the tints, the classes' map colours.

    Returns:
        RGB uint8 (H, W, 3).
    """
    grey = cv2.cvtColor(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    faded = cv2.addWeighted(grey, 1 - FADE, np.full_like(grey, 235), FADE, 0)
    tints = np.broadcast_to(scheme.colors[mask], pixels.shape)
    tinted = cv2.addWeighted(pixels, 1 - TINT, np.ascontiguousarray(tints), TINT, 0)
    picture = np.where(mask[..., None] == BACKGROUND, faded, tinted)
    width = max(1, round(max(mask.shape) * CONTOUR))
    for class_id in range(1, len(scheme)):
        contours, _ = cv2.findContours(
            (mask == class_id).astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE
        )
        for color, thickness in ((INK, width + 2), (scheme.classes[class_id].color, width)):
            cv2.drawContours(picture, contours, -1, color, thickness, cv2.LINE_AA)
    return picture


def cutout(pixels: NDArray[np.uint8], class_mask: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """The photo's own pixels with the mask as alpha.

    Args:
        pixels: RGB uint8 (H, W, 3).
        class_mask: bool (H, W).

    Returns:
        RGBA uint8 (H, W, 4), alpha 0 or 255; what is transparent is black, so that a cut-out
        carries nothing of its background.
    """
    rgba = np.dstack([pixels, np.full(class_mask.shape, 255, np.uint8)])
    return rgba * class_mask[..., None]
