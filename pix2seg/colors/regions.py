"""Garments where they part: connected regions of similar colour within a mask."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from pix2seg.colors.palette import Palette, extract_palette
from pix2seg.colors.space import Floats, distances, to_lab

WORKING_SIDE = 400
"""The photo's longer side while regions are sought: garments are large, seams do not matter."""

SMOOTHING = 9
"""Width in working pixels of the median that quiets prints and folds."""

SAME_GARMENT = 10.0
"""Swatches closer than this CIEDE2000 (kL = 3) may be light and shade of one garment."""

LEAST_SHARE = 0.03
"""A region with a smaller share of the mask is no garment of its own."""


@dataclass(frozen=True)
class Region:
    """A connected part of a mask.

    Attributes:
        box: x0, y0, x1, y1 in pixels of the photo, x1 and y1 one past the last.
        share: the region's share of the mask, 0..1.
        palette: the region's own colours.
    """

    box: tuple[int, int, int, int]
    share: float
    palette: Palette


def find_regions(
    pixels: NDArray[np.uint8], mask: NDArray[np.bool_], palette: Palette
) -> list[Region]:
    """The connected regions of a mask that look alike, the largest first.

    Args:
        pixels: RGB uint8 (H, W, 3).
        mask: bool (H, W).
        palette: the mask's palette; each of its colours may make regions.

    Returns:
        Regions of at least `LEAST_SHARE`; none for an empty mask.
    """
    if not len(palette):
        return []
    scale = min(1.0, WORKING_SIDE / max(mask.shape))
    size = (max(round(mask.shape[1] * scale), 1), max(round(mask.shape[0] * scale), 1))
    labels = _nearest_swatch(pixels, mask, palette, size)
    regions = []
    for label in np.unique(labels[labels > 0]):
        count, parts = cv2.connectedComponents((labels == label).astype(np.uint8), connectivity=8)
        for part in range(1, count):
            region = _region(pixels, mask, np.asarray(parts == part), len(palette))
            if region is not None:
                regions.append(region)
    return sorted(regions, key=lambda region: (-region.share, region.box))


def _nearest_swatch(
    pixels: NDArray[np.uint8], mask: NDArray[np.bool_], palette: Palette, size: tuple[int, int]
) -> NDArray[np.uint8]:
    """1 + the nearest swatch's garment of each pixel at working size, 0 off the mask."""
    small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    quiet = np.asarray(cv2.medianBlur(small, SMOOTHING), np.uint8)
    inside = cv2.resize(mask.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST_EXACT) > 0
    labels = np.zeros(inside.shape, np.uint8)
    labs = np.array([swatch.color.lab for swatch in palette])
    nearest = distances(to_lab(quiet[inside] / 255), labs).argmin(axis=1)
    labels[inside] = 1 + _garments(labs)[nearest]
    smooth = np.asarray(cv2.medianBlur(labels, SMOOTHING), np.uint8)
    return np.where(inside, smooth, 0).astype(np.uint8)


def _garments(labs: Floats) -> NDArray[np.uint8]:
    """The first swatch that each swatch, float (N, 3) in L*a*b*, may be one garment with."""
    garments = np.arange(len(labs), dtype=np.uint8)
    close = distances(labs, labs, lightness_scale=3) < SAME_GARMENT
    for i, j in zip(*np.nonzero(np.triu(close, 1)), strict=True):
        garments[garments == garments[j]] = garments[i]
    return garments


def _region(
    pixels: NDArray[np.uint8],
    mask: NDArray[np.bool_],
    part: NDArray[np.bool_],
    max_colors: int,
) -> Region | None:
    height, width = mask.shape
    grown = cv2.resize(
        part.astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST_EXACT
    )
    region = (grown > 0) & mask
    share = float(np.count_nonzero(region) / np.count_nonzero(mask))
    if share < LEAST_SHARE:
        return None
    left, top, box_width, box_height = cv2.boundingRect(region.astype(np.uint8))
    box = (left, top, left + box_width, top + box_height)
    return Region(box, share, extract_palette(pixels, region, max_colors))
