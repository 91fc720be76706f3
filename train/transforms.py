"""What training and judging do to photos: move and turn them, change their light, make backdrops.

Whatever is drawn at random comes from the generator that is handed in, so that a sample's seed and
key decide what becomes of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import cv2
import numpy as np
from numpy.typing import NDArray

from pix2seg.preprocess.fit import Size

Pixels = NDArray[np.uint8]
Transform = NDArray[np.float64]
"""A homogeneous transform of (x, y), (3, 3)."""

Point = tuple[float, float]


def around(
    source: Point,
    target: Point,
    scale: float | Point,
    degrees: float = 0.0,
    flip: bool = False,
) -> Transform:
    """The transform that brings one point to another, and scales, mirrors and turns around it.

    Args:
        source: the point, in pixels.
        target: where it comes to.
        scale: of x and y, or of each.
        degrees: how far it turns, clockwise.
        flip: mirror left and right before turning.
    """
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    scaling = np.diag(np.broadcast_to(scale, 2) * (-1 if flip else 1, 1))
    transform = np.eye(3)
    transform[:2, :2] = np.array([[cos, -sin], [sin, cos]]) @ scaling
    transform[:2, 2] = np.array(target) - transform[:2, :2] @ np.array(source)
    return transform


def warp(
    image: Pixels,
    transform: Transform,
    size: Size,
    *,
    labels: bool = False,
    fill: Sequence[int] | None = (0,),
) -> Pixels:
    """An image under a transform, uint8 (height, width) or (height, width, 3).

    Args:
        image: uint8 (H, W) or (H, W, 3).
        transform: from its pixels to the result's.
        size: (width, height) of the result.
        labels: its values are labels, between which there is nothing.
        fill: what lies outside it; None for what its edges show.
    """
    warped = cv2.warpAffine(
        image,
        transform[:2],
        size,
        flags=cv2.INTER_NEAREST if labels else cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE if fill is None else cv2.BORDER_CONSTANT,
        borderValue=fill or (0,),
    )
    return np.asarray(warped, np.uint8)


@dataclass(frozen=True)
class Jitter:
    """How far a photo's light and colours change: x draws a factor from 1 - x to 1 + x.

    Attributes:
        saturation: of all colours.
        contrast: around the photo's mean.
        brightness: of all channels together.
        gain: of each channel by itself.
        grey: the share of photos, 0..1, that lose all colour.
    """

    saturation: float
    contrast: float
    brightness: float
    gain: float
    grey: float = 0.0

    @classmethod
    def even(cls, strength: float) -> Self:
        """One strength for all; channels by themselves change a third of it."""
        return cls(strength, strength, strength, strength / 3)


def jitter(photo: Pixels, most: Jitter, rng: np.random.Generator) -> Pixels:
    """Other light and colours, in 8 bits for speed.

    Args:
        photo: RGB uint8 (H, W, 3).
        most: how far they may change.
        rng: decides how far they do.
    """
    limits = np.array([most.saturation, most.contrast, most.brightness])
    saturation, contrast, brightness = rng.uniform(1 - limits, 1 + limits).tolist()
    gains = rng.uniform(1 - most.gain, 1 + most.gain, 3)
    if most.grey and rng.random() < most.grey:
        saturation = 0.0
    grey = without_color(photo)
    photo = np.asarray(cv2.addWeighted(photo, saturation, grey, 1 - saturation, 0), np.uint8)
    mean = float(grey.mean())
    levels = ((np.arange(256) - mean) * contrast + mean)[:, None] * brightness * gains
    table = np.clip(levels, 0, 255).astype(np.uint8)[None]
    return np.asarray(cv2.LUT(photo, table), np.uint8)


def without_color(photo: Pixels) -> Pixels:
    """A photo in grey, RGB uint8 (H, W, 3) in and out."""
    grey = cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY)
    return np.asarray(cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB), np.uint8)


def mirrored(tile: Pixels, left: int, right: int, above: int = 0, below: int = 0) -> Pixels:
    """A picture that goes on by so many pixels on each side, mirrored as often as need be."""
    return np.asarray(
        cv2.copyMakeBorder(tile, above, below, left, right, cv2.BORDER_REFLECT), np.uint8
    )


def patchwork(patches: Pixels, rows: int, columns: int, rng: np.random.Generator) -> Pixels:
    """A cloth of squares, uint8 (rows * side, columns * side, 3).

    Args:
        patches: squares to draw from, uint8 (N, side, side, 3), such as pieces of a garment.
        rows: how many squares the cloth is high.
        columns: how many it is wide.
        rng: decides which square goes where.
    """
    side = patches.shape[1]
    grid = patches[rng.integers(len(patches), size=(rows, columns))]
    return grid.transpose(0, 2, 1, 3, 4).reshape(rows * side, columns * side, 3)
