"""Hides what is not the person, so that a generator cannot take it for clothes."""

from typing import Literal, get_args

import cv2
import numpy as np
from numpy.typing import NDArray

Rgb = tuple[int, int, int]
"""RGB, 0..255."""

Background = Literal["grey", "black", "white", "blur"]
"""What stands in for the background; `train/recipes` say which one a generator is trained on."""

BACKGROUNDS: tuple[Background, ...] = get_args(Background)

COLORS: dict[str, Rgb] = {
    "grey": (127, 127, 127),
    "black": (0, 0, 0),
    "white": (255, 255, 255),
}

GREY = COLORS["grey"]

BLUR_SIDE, BLUR_SIGMA = 96, 3.0
"""The longer side at which a background is blurred, and how far, in pixels of that size."""

MARGIN = 0.06
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
    radius = widening(mask, margin)
    if radius < 1 or mask.all():
        return mask
    outside = cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5)
    return np.asarray(outside <= radius)


def widening(mask: NDArray[np.bool_], margin: float) -> float:
    """How far `widen` moves a mask's edge, in pixels."""
    return margin * float(np.sqrt(np.count_nonzero(mask)))


def soften(mask: NDArray[np.bool_], softness: float) -> NDArray[np.float32]:
    """A mask whose edge fades, for extractors do not know exactly where it is.

    Args:
        mask: bool (H, W).
        softness: how far to either side (a standard deviation), as a share of the person's size;
            see `widen`.

    Returns:
        float32 (H, W), 0..1.
    """
    levels = mask.astype(np.float32)
    sigma = softness * float(np.sqrt(np.count_nonzero(mask)))
    if sigma < 0.3 or mask.all():  # less than between two pixels
        return levels
    faded = cv2.GaussianBlur(levels, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)
    return np.asarray(faded, np.float32)


def hide_background(
    pixels: NDArray[np.uint8],
    person: NDArray[np.bool_] | NDArray[np.float32],
    background: Background | Rgb = "grey",
) -> NDArray[np.uint8]:
    """The photo with something else on every pixel off the person.

    Args:
        pixels: RGB uint8 (H, W, 3).
        person: bool (H, W), or float32 (H, W) with how much of each pixel is seen, 0..1; the
            margin is the caller's to add, with `widen` and `soften`.
        background: a flat colour by name or as RGB, 0..255; or `blur`, the background itself out
            of focus, with nothing of the person smeared into it.

    Returns:
        RGB uint8 (H, W, 3), a new array unless there is nothing to hide.
    """
    if (person >= 1).all():
        return pixels
    behind = backdrop(pixels, person >= 0.5, background)
    if person.dtype == np.bool_:
        return np.where(person[..., None], pixels, behind)
    share = person[..., None]
    return (share * pixels + (1 - share) * behind).round().astype(np.uint8)


def backdrop(
    pixels: NDArray[np.uint8], person: NDArray[np.bool_], background: Background | Rgb
) -> NDArray[np.uint8]:
    """What stands in for a photo's background, RGB uint8 (H, W, 3), also where the person is.

    Args:
        pixels: RGB uint8 (H, W, 3).
        person: bool (H, W), what is not background.
        background: as `hide_background` takes it.
    """
    if background == "blur":
        return _blurred(pixels, ~person)
    flat = np.empty_like(pixels)
    flat[:] = COLORS.get(background, background)  # type: ignore[arg-type]
    return flat


def _blurred(pixels: NDArray[np.uint8], kept: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Each pixel as a Gaussian mean of the kept ones around it; worked out at a small size."""
    height, width = kept.shape
    scale = BLUR_SIDE / max(width, height)
    small = max(round(width * scale), 1), max(round(height * scale), 1)
    weights = kept.astype(np.float32)
    layers = np.dstack([pixels * weights[..., None], weights])
    shrunk = cv2.resize(layers, small, interpolation=cv2.INTER_AREA)
    spread = cv2.GaussianBlur(shrunk, (0, 0), BLUR_SIGMA, borderType=cv2.BORDER_REPLICATE)
    colors = spread[..., :3] / np.maximum(spread[..., 3:], 1e-6)
    full = cv2.resize(colors, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(np.clip(full.round(), 0, 255), np.uint8)
