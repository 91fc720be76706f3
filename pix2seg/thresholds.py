"""HSV thresholds: from the generated map to a mask, and from a mask to its exact map.

The ranges come from the scheme's map colours alone. Every pair of colours is cut half-way in the
HSV channel in which the two lie farthest apart; a class's range is what its cuts leave, so ranges
never overlap. Hue tells only colours apart that both have one: black and greys have none.
"""

from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations

import cv2
import numpy as np
from numpy.typing import NDArray

from pix2seg.classes import Scheme

HUE_TURN = 180.0
"""OpenCV's 8-bit hue counts in steps of 2 degrees."""

LEAST = 32
"""A colour with less saturation or value (of 255) has no hue to speak of."""

UNDECIDED = 255

STRIP = 256
"""Rows of a map that are worked on at a time, for what a large one takes would fill the memory."""


@dataclass(frozen=True, eq=False)
class HsvRange:
    """The HSV box of a class, in OpenCV's 8-bit units: 180 hues, 256 saturations and values.

    The arrays of `hsv_ranges` are read-only, for all who ask for a scheme's ranges share them.

    Attributes:
        low: hue, saturation and value from which on a pixel belongs to the class.
        high: hue, saturation and value below which it does. A range of hues may begin below 0 or
            end above 180, for hue is a circle.
    """

    low: NDArray[np.float64]
    high: NDArray[np.float64]


@lru_cache(maxsize=16)
def hsv_ranges(scheme: Scheme) -> tuple[HsvRange, ...]:
    """The range of each class, in id order; no two ranges share a colour."""
    colors = _hsv(scheme.colors[None])[0].astype(float)
    ranges = tuple(_whole_range(color) for color in colors)
    for i, j in combinations(range(len(colors)), 2):
        _cut(ranges[i], ranges[j], colors[i], colors[j])
    for box in ranges:
        box.low.setflags(write=False)
        box.high.setflags(write=False)
    return ranges


def map_to_mask(map: NDArray[np.uint8], scheme: Scheme) -> NDArray[np.uint8]:
    """The class of each pixel of a map; a pixel in no range takes the nearest colour's class.

    Args:
        map: RGB uint8 (H, W, 3).
        scheme: gives the map colours.

    Returns:
        uint8 (H, W), class ids.
    """
    mask = np.full(map.shape[:2], UNDECIDED, np.uint8)
    for top in range(0, len(map), STRIP):
        _fill_mask(mask[top : top + STRIP], map[top : top + STRIP], scheme)
    return mask


def _fill_mask(mask: NDArray[np.uint8], map: NDArray[np.uint8], scheme: Scheme) -> None:
    """Fill in a strip's classes where it is undecided."""
    hsv = _hsv(map)
    for class_id, box in enumerate(hsv_ranges(scheme)):
        mask[_in_range(hsv, box)] = class_id
    undecided = mask == UNDECIDED
    if undecided.any():
        mask[undecided] = _nearest(map[undecided], scheme.colors)


def share_of(
    map: NDArray[np.uint8], scheme: Scheme, class_ids: Collection[int]
) -> NDArray[np.float32]:
    """How much of each pixel of a map is of some classes, float32 of the map's shape, 0..1.

    A pixel that blends two classes' colours lies between them, and its distances to both tell how
    much of each it has.

    Args:
        map: RGB uint8 (..., 3), all of it or some pixels.
        scheme: gives the map colours.
        class_ids: the classes, not all of the scheme's.
    """
    pixels = map.reshape(-1, 3).astype(np.float32)
    lengths = np.einsum("pc,pc->p", pixels, pixels)
    to_them = np.full(len(pixels), np.inf, np.float32)
    to_others = to_them.copy()
    for class_id, color in enumerate(scheme.colors.astype(np.float32)):
        nearest = to_them if class_id in class_ids else to_others
        squares = lengths - pixels @ (2 * color) + color @ color
        np.minimum(nearest, squares.clip(0), out=nearest)
    own, other = np.sqrt(to_them), np.sqrt(to_others)
    return np.asarray(other / (own + other), np.float32).reshape(map.shape[:-1])


def mask_to_map(mask: NDArray[np.uint8], scheme: Scheme) -> NDArray[np.uint8]:
    """The exact map of a mask, RGB uint8 (H, W, 3)."""
    return scheme.colors[mask]


def _hsv(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2HSV), np.uint8)


def _has_hue(color: NDArray[np.float64]) -> bool:
    return bool(color[1] >= LEAST and color[2] >= LEAST)


def _whole_range(color: NDArray[np.float64]) -> HsvRange:
    hue = color[0] - HUE_TURN / 2 if _has_hue(color) else 0.0
    return HsvRange(np.array([hue, 0.0, 0.0]), np.array([hue + HUE_TURN, 256.0, 256.0]))


def _cut(
    a: HsvRange, b: HsvRange, color_a: NDArray[np.float64], color_b: NDArray[np.float64]
) -> None:
    """Part two ranges in the channel in which their colours lie farthest apart."""
    gap = color_b - color_a
    gap[0] = (gap[0] + HUE_TURN / 2) % HUE_TURN - HUE_TURN / 2
    apart = np.abs(gap) / (HUE_TURN / 2, 255, 255)
    if not (_has_hue(color_a) and _has_hue(color_b)):
        apart[0] = 0
    if min(color_a[2], color_b[2]) < LEAST:
        apart[1] = 0  # black has no saturation to speak of either
    channel = int(apart.argmax())
    if gap[channel] < 0:
        a, b, color_a, color_b, gap = b, a, color_b, color_a, -gap
    half = gap[channel] / 2
    a.high[channel] = min(a.high[channel], color_a[channel] + half)
    b.low[channel] = max(b.low[channel], color_b[channel] - half)
    if channel == 0:  # the two also meet on the far side of the circle
        a.low[0] = max(a.low[0], color_a[0] + half - HUE_TURN / 2)
        b.high[0] = min(b.high[0], color_b[0] - half + HUE_TURN / 2)


def _in_range(hsv: NDArray[np.uint8], box: HsvRange) -> NDArray[np.bool_]:
    low, high = np.ceil(box.low), np.ceil(box.high) - 1
    inside = np.zeros(hsv.shape[:2], np.uint8)
    for turn in (-HUE_TURN, 0, HUE_TURN):
        shift = np.array([turn, 0, 0])
        if (low + shift)[0] < HUE_TURN and (high + shift)[0] >= 0:
            inside |= np.asarray(cv2.inRange(hsv, low + shift, high + shift), np.uint8)
    return inside > 0


def _nearest(pixels: NDArray[np.uint8], colors: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The nearest colour's id for each pixel, uint8 (P,), from pixels (P, 3)."""
    nearest = np.zeros(len(pixels), np.uint8)
    least = np.full(len(pixels), np.inf, np.float32)
    for class_id, color in enumerate(colors):
        distance = np.square(pixels.astype(np.float32) - color).sum(1)
        closer = distance < least
        nearest[closer], least[closer] = class_id, distance[closer]
    return nearest
