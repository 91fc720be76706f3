"""Photos made hard: the person of a photo before another background, or only half of them.

Busy: the background of another photo, sharp and full of edges. Clothes-coloured: the person's own
garments, tiled, so that nothing but its shape sets the person apart. Far: the busy photo again, but
the person is small and off the centre. Half: the photo ends in the middle of the person.
"""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from pix2seg.classes import BACKGROUND
from pix2seg.errors import DatasetError
from pix2seg.preprocess.person.base import box_around
from pix2seg.train.transforms import mirrored, patchwork

LEAST_WIDTH = 0.18
"""A strip of background that is narrower, as a share of the photo, shows too little."""

TRIM = 0.015
"""A prepared photo may have some padding at its sides; this share of its width is left out."""

TILES = (64, 48, 32, 24, 16, 8)
"""Sides of the squares that are cut from garments, in pixels; the largest that fits is taken."""

DIFFERENT_TILES = 40

FAR = 0.4
"""How large a person is who stands far away, where 1 is as large as in the photo."""


def busiest_backgrounds(
    photos: Sequence[tuple[NDArray[np.uint8], NDArray[np.uint8]]], count: int
) -> list[NDArray[np.uint8]]:
    """The parts beside people that have the most edges, RGB uint8, the busiest first.

    Args:
        photos: RGB uint8 (H, W, 3) with masks, uint8 (H, W), 0 where nobody is.
        count: how many; fewer if the photos have fewer.

    Raises:
        DatasetError: no photo has room beside the person.
    """
    strips = [strip for photo, mask in photos if (strip := _beside(photo, mask)) is not None]
    if not strips:
        raise DatasetError("no training photo has room beside the person for a background")
    return sorted(strips, key=_edges, reverse=True)[:count]


def before_background(
    photo: NDArray[np.uint8], mask: NDArray[np.uint8], background: NDArray[np.uint8]
) -> NDArray[np.uint8]:
    """The person of a photo before another background, which is repeated by mirroring.

    Args:
        photo: RGB uint8 (H, W, 3).
        mask: uint8 (H, W), 0 where the background is to be replaced.
        background: RGB uint8, of any size.
    """
    height, width = mask.shape
    scale = height / background.shape[0]
    size = max(round(background.shape[1] * scale), 1), height
    tile = np.asarray(cv2.resize(background, size, interpolation=cv2.INTER_AREA), np.uint8)
    behind = mirrored(tile, 0, max(width - tile.shape[1], 0))[:, :width]
    return np.where(mask[..., None] == BACKGROUND, behind, photo)


def far_away(
    photo: NDArray[np.uint8],
    mask: NDArray[np.uint8],
    background: NDArray[np.uint8],
    rng: np.random.Generator,
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """The person at `FAR` of their size before another background, with the mask to match.

    Args:
        photo: RGB uint8 (H, W, 3).
        mask: uint8 (H, W), 0 where the background is to be replaced.
        background: RGB uint8, of any size.
        rng: decides where the person stands.

    Returns:
        RGB uint8 (H, W, 3) and uint8 (H, W).
    """
    height, width = mask.shape
    size = max(round(width * FAR), 1), max(round(height * FAR), 1)
    x, y = int(rng.integers(width - size[0] + 1)), int(rng.integers(height - size[1] + 1))
    spot = slice(y, y + size[1]), slice(x, x + size[0])
    far, far_mask = np.zeros_like(photo), np.zeros_like(mask)
    far[spot] = cv2.resize(photo, size, interpolation=cv2.INTER_AREA)
    far_mask[spot] = cv2.resize(mask, size, interpolation=cv2.INTER_NEAREST_EXACT)
    return before_background(far, far_mask, background), far_mask


def upper_half(
    photo: NDArray[np.uint8], mask: NDArray[np.uint8]
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Photo and mask down to the middle of the person.

    No rows are left where nobody is, or where the first row alone shows them.

    Args:
        photo: RGB uint8 (H, W, 3).
        mask: uint8 (H, W), 0 where nobody is.
    """
    _, y0, _, y1 = box_around(mask != BACKGROUND)
    end = (y0 + y1) // 2
    return np.ascontiguousarray(photo[:end]), mask[:end]


def before_clothes(
    photo: NDArray[np.uint8],
    mask: NDArray[np.uint8],
    clothes: NDArray[np.bool_],
    rng: np.random.Generator,
) -> NDArray[np.uint8]:
    """The person of a photo before squares of their own garments.

    Args:
        photo: RGB uint8 (H, W, 3).
        mask: uint8 (H, W), 0 where the background is to be replaced.
        clothes: bool (H, W), where the garments are; at least one pixel.
        rng: decides which square goes where.
    """
    side, corners = _squares(clothes)
    height, width = mask.shape
    chosen = corners[rng.integers(len(corners), size=min(len(corners), DIFFERENT_TILES))]
    tiles = np.array([photo[y : y + side, x : x + side] for y, x in chosen])
    cloth = patchwork(tiles, -(-height // side), -(-width // side), rng)
    return np.where(mask[..., None] == BACKGROUND, cloth[:height, :width], photo)


def _squares(clothes: NDArray[np.bool_]) -> tuple[int, NDArray[np.int64]]:
    """The side of the largest squares that garments fill, and their corners as (y, x)."""
    filled = clothes.astype(np.uint8)
    for side in TILES:
        # An erosion anchored at a corner leaves the corners of the squares that fit.
        fits = cv2.erode(filled, np.ones((side, side), np.uint8), anchor=(0, 0), borderValue=0)
        corners = np.argwhere(fits)
        if len(corners):
            return side, corners
    return 1, np.argwhere(clothes)


def _beside(photo: NDArray[np.uint8], mask: NDArray[np.uint8]) -> NDArray[np.uint8] | None:
    x0, _, x1, _ = box_around(mask != BACKGROUND)
    width = photo.shape[1]
    first, last = round(TRIM * width), width - round(TRIM * width)
    strips = [photo[:, first:x0], photo[:, x1:last]] if x1 else [photo[:, first:last]]
    widest = max(strips, key=lambda strip: strip.shape[1])
    return widest if widest.shape[1] >= LEAST_WIDTH * width else None


def _edges(strip: NDArray[np.uint8]) -> float:
    grey = cv2.cvtColor(strip, cv2.COLOR_RGB2GRAY)
    return float(np.abs(cv2.Laplacian(grey, cv2.CV_32F)).mean())
