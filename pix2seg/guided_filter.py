"""Guided filter: layers such as probabilities get their edges where the photo has its own.

He, Sun and Tang 2010 (Guided Image Filtering, ECCV), made fast as in arXiv 1505.00996: around each
pixel a layer is a linear function of the photo's colours, which is found at a smaller size.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, cast

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Mean = Callable[[Floats], Floats]

LEAST_CONTRAST = 0.02
"""Standard deviation of colours, of 1, that makes an edge."""


EVERYWHERE = slice(None), slice(None)


class GuidedFilter:
    """Moves the edges of layers to where a photo has them.

    Args:
        pixels: the photo, RGB uint8 (H, W, 3).
        reach: how far an edge may move, as a share of the longer side.
        working_side: the linear functions are found at this longer side, for they are smooth, and
            applied at full size.
    """

    def __init__(self, pixels: NDArray[np.uint8], reach: float, working_side: int) -> None:
        self._pixels, self._side = pixels, working_side
        guide = shrunk(pixels, working_side).astype(np.float32) / np.float32(255)
        self._mean = mean_within(reach, guide.shape)
        self._colors = np.moveaxis(guide, -1, 0).copy()
        self._averages = np.stack([self._mean(color) for color in self._colors])
        self._inverse = _inverse_covariance(self._colors, self._averages, self._mean)

    def __call__(self, layers: Floats, part: tuple[slice, slice] = EVERYWHERE) -> Floats:
        """The layers with their edges moved.

        Args:
            layers: float32 (layers, H, W).
            part: rows and columns of what is asked for.

        Returns:
            float32 (layers, h, w), the part alone. Layers that sum to 1 still do; they may leave
            0..1 a little.
        """
        functions = [self._fit(shrunk(layer, self._side)) for layer in layers]
        size, seen = self._pixels.shape[1::-1], self._pixels[part]
        filtered = np.stack([enlarged(function[3], size)[part] for function in functions])
        for channel in range(3):  # one at a time: photos may have a hundred megapixels
            plane = seen[..., channel] / np.float32(255)
            for layer, function in zip(filtered, functions, strict=True):
                layer += enlarged(function[channel], size)[part] * plane
        return filtered

    def _fit(self, layer: Floats) -> list[Floats]:
        """The linear function of a layer (h, w): three slopes and an offset, each (h, w)."""
        mean, averages = self._mean, self._averages
        average = mean(layer)
        shared = np.stack([mean(color * layer) for color in self._colors]) - averages * average
        slopes = np.einsum("ijhw,jhw->ihw", self._inverse, shared)
        offset = average - np.einsum("ihw,ihw->hw", slopes, averages)
        return [mean(coefficient) for coefficient in (*slopes, offset)]


def _inverse_covariance(colors: Floats, averages: Floats, mean: Mean) -> Floats:
    """The inverse of the colours' covariance around each pixel, (3, 3, h, w).

    By cofactors, for `np.linalg.inv` takes many times as long for so many small matrices.
    """

    def covariance(i: int, j: int) -> Floats:
        return np.asarray(mean(colors[i] * colors[j]) - averages[i] * averages[j])

    least = np.float32(LEAST_CONTRAST**2)
    rr, gg, bb = (covariance(i, i) + least for i in range(3))
    rg, rb, gb = covariance(0, 1), covariance(0, 2), covariance(1, 2)
    of_rr, of_rg, of_rb = gg * bb - gb * gb, gb * rb - rg * bb, rg * gb - gg * rb
    of_gg, of_gb, of_bb = rr * bb - rb * rb, rb * rg - rr * gb, rr * gg - rg * rg
    cofactors = np.array([[of_rr, of_rg, of_rb], [of_rg, of_gg, of_gb], [of_rb, of_gb, of_bb]])
    return np.asarray(cofactors / (rr * of_rr + rg * of_rg + rb * of_rb), np.float32)


def mean_within(reach: float, shape: tuple[int, ...]) -> Mean:
    """A box filter that reaches so far, as a share of the longer side, and at least a pixel."""
    window = 2 * max(round(reach * max(shape)), 1) + 1
    return cast(Mean, partial(cv2.blur, ksize=(window, window)))  # which can be pickled


def shrunk(image: NDArray[Any], longer_side: int) -> NDArray[Any]:
    """An image whose longer side is at most so long, by the mean of what falls together."""
    height, width = image.shape[:2]
    scale = longer_side / max(height, width)
    if scale >= 1:
        return image
    size = max(round(width * scale), 1), max(round(height * scale), 1)
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), image.dtype)


def enlarged(image: NDArray[Any], size: tuple[int, int]) -> NDArray[Any]:
    """An image of (width, height), blended smoothly."""
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_LINEAR), image.dtype)
