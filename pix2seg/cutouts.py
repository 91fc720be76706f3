"""Cut-outs with soft edges: how much of each pixel is foreground, and the foreground's own colour.

At an edge a pixel mixes the foreground's colour with the background's. A mask that takes such
pixels whole carries a fringe of the old background, and so does alpha alone. So `soft_alpha` says
how much of a pixel is foreground, `foreground_colors` which colour that part has, and `cutout` and
`put_before` use both.
"""

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from pix2seg.guided_filter import Floats, GuidedFilter, Mean, enlarged, mean_within, shrunk
from pix2seg.preprocess.background import Background, Rgb, backdrop
from pix2seg.preprocess.person.base import box_around
from pix2seg.tidy import connected

Probability = Callable[[NDArray[np.bool_]], Floats]

WORKING_SIDE = 512
"""Filters work at this longer side: what they give is smooth, and is applied at full size."""

REACH = 0.008
"""How far an edge may move to where the photo has one, as a share of the longer side."""

CERTAIN = 0.25
"""Alpha nearer than this to 0 or 1 is that: a filter leaves a haze, and grit on rough ground. With
0.15 much of it stays, with 0.35 hair looks cut with scissors."""

SPREADS = (0.09, 0.008)
"""How far colours are carried over an edge, coarsely and then finely, as `REACH`."""


def edge_filter(pixels: NDArray[np.uint8]) -> GuidedFilter:
    """What `soft_alpha` takes of a photo, RGB uint8 (H, W, 3)."""
    return GuidedFilter(pixels, REACH, WORKING_SIDE)


def soft_alpha(
    follow_edges: GuidedFilter, probability: Probability, mask: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """How much of each pixel is foreground, with edges moved to where the photo has them.

    Args:
        follow_edges: of the photo; see `edge_filter`.
        probability: gives that of foreground, float32 (N,), 0..1, on N pixels that are True in a
            bool (H, W).
        mask: bool (H, W), the foreground after tidying; where it decides otherwise than the
            probability, and away from its edge, it is believed.

    Returns:
        float32 (H, W), 0..1; 0 farther than `REACH` from the mask, and in parts without any of it;
        1 farther than that inside.
    """
    inner, outer = _within_reach(mask)
    near = inner != outer
    believed, shares = mask.astype(np.float32), probability(near)
    believed[near] = np.where((shares >= 0.5) == mask[near], shares, mask[near])
    alpha = np.zeros(mask.shape, np.float32)
    x0, y0, x1, y1 = box_around(outer)
    if not x1:
        return alpha
    part = slice(y0, y1), slice(x0, x1)
    led = follow_edges(believed[None], part)[0]
    led = np.clip((led - CERTAIN) / (1 - 2 * CERTAIN), inner[part], outer[part])
    parts, areas = connected(led > 0)
    loose = np.bincount(parts[mask[part]], minlength=len(areas)) == 0
    loose[0] = False  # part 0 is all that is transparent
    np.copyto(alpha[part], led, where=~loose[parts])
    return alpha


def foreground_colors(pixels: NDArray[np.uint8], alpha: Floats) -> NDArray[np.uint8]:
    """The colours that the foreground alone has, RGB uint8 (H, W, 3).

    Blur fusion (Forte 2021, arXiv 2006.14970): foreground and background are each carried over the
    edge by a blur, and what then remains of the photo is shared out by alpha. Where alpha is 1, and
    where it is 0, the photo is unchanged.

    Args:
        pixels: RGB uint8 (H, W, 3).
        alpha: float32 (H, W), 0..1.
    """
    photo = shrunk(pixels, WORKING_SIDE).astype(np.float32)
    share = shrunk(alpha, WORKING_SIDE)[..., None]
    front = behind = photo
    for spread in SPREADS:
        mean = mean_within(spread, share.shape)
        front, behind = _carried(front, share, mean), _carried(behind, 1 - share, mean)
        front = np.clip(front + share * (photo - share * front - (1 - share) * behind), 0, 255)
    size = alpha.shape[1], alpha.shape[0]
    mixed = (alpha > 0) & (alpha < 1)
    front, behind = (enlarged(c.astype(np.uint8), size)[mixed] for c in (front, behind))
    share = alpha[mixed][:, None]
    rest = pixels[mixed] - share * front - (1 - share) * behind
    colors = pixels.copy()
    colors[mixed] = np.clip(front + share * rest, 0, 255).round()
    return colors


def cutout(pixels: NDArray[np.uint8], alpha: Floats) -> NDArray[np.uint8]:
    """The foreground with nothing behind it.

    Args:
        pixels: RGB uint8 (H, W, 3).
        alpha: float32 (H, W), 0..1.

    Returns:
        RGBA uint8 (H, W, 4), not premultiplied; what is transparent is black, so that a cut-out
        carries nothing of its background.
    """
    levels = (alpha * 255).round().astype(np.uint8)
    colors = cv2.copyTo(foreground_colors(pixels, alpha), levels)  # black where those are 0
    rgba = np.asarray(cv2.cvtColor(colors, cv2.COLOR_RGB2RGBA), np.uint8)
    rgba[..., 3] = levels
    return rgba


def hard_cutout(pixels: NDArray[np.uint8], mask: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """The photo's own pixels with the mask as alpha.

    Args:
        pixels: RGB uint8 (H, W, 3).
        mask: bool (H, W).

    Returns:
        RGBA uint8 (H, W, 4), alpha 0 or 255; what is transparent is black, so that a cut-out
        carries nothing of its background.
    """
    rgba = np.dstack([pixels, np.full(mask.shape, 255, np.uint8)])
    return rgba * mask[..., None]


def put_before(
    pixels: NDArray[np.uint8], alpha: Floats, behind: NDArray[np.uint8]
) -> NDArray[np.uint8]:
    """The foreground before another background.

    Args:
        pixels: RGB uint8 (H, W, 3).
        alpha: float32 (H, W), 0..1.
        behind: RGB uint8 (H, W, 3).

    Returns:
        RGB uint8 (H, W, 3); the photo's own colours where alpha is 1.
    """
    colors = foreground_colors(pixels, alpha)
    for row in range(0, len(colors), WORKING_SIDE):
        part = slice(row, row + WORKING_SIDE)
        share = alpha[part, :, None]
        colors[part] = (share * colors[part] + (1 - share) * behind[part]).round()
    return colors


def before(
    pixels: NDArray[np.uint8], alpha: Floats, background: Background | Rgb
) -> NDArray[np.uint8]:
    """The same before a background that `backdrop` takes, RGB uint8 (H, W, 3)."""
    return put_before(pixels, alpha, backdrop(pixels, alpha > 0, background))


def _within_reach(mask: NDArray[np.bool_]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """A mask without what is within `REACH` of its edge, and with it, each bool (H, W)."""
    width = 2 * max(round(REACH * max(mask.shape)), 1) + 1
    levels, kernel = mask.astype(np.uint8), np.ones((width, width), np.uint8)
    return cv2.erode(levels, kernel).astype(bool), cv2.dilate(levels, kernel).astype(bool)


def _carried(colors: Floats, share: Floats, mean: Mean) -> Floats:
    """The colours where `share`, (H, W, 1), is large, carried to where it is small."""
    weight = np.maximum(share, 1e-4)
    return mean(colors * weight) / mean(weight)[..., None]
