"""Guided filter: layers such as probabilities get their edges where the photo has its own.

He, Sun and Tang 2010 (Guided Image Filtering, ECCV), made fast as in arXiv 1505.00996: around each
pixel a layer is a linear function of the photo's colours, which is found at a smaller size.
"""

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Mean = Callable[[Floats], Floats]

LEAST_CONTRAST = 0.02
"""Standard deviation of colours, of 1, that makes an edge."""


def guided_filter(
    pixels: NDArray[np.uint8], layers: Floats, reach: float, working_side: int
) -> Floats:
    """Layers whose edges have moved to where the photo has them.

    Args:
        pixels: RGB uint8 (H, W, 3).
        layers: float32 (layers, H, W).
        reach: how far an edge may move, as a share of the longer side.
        working_side: the linear functions are found at this longer side, for they are smooth, and
            applied at full size.

    Returns:
        float32 (layers, H, W). Layers that sum to 1 still do; they may leave 0..1 a little.
    """
    guide = shrunk(pixels, working_side).astype(np.float32) / np.float32(255)
    fit = _fit_to_colors(guide, mean_within(reach, guide.shape))
    functions = [fit(shrunk(layer, working_side)) for layer in layers]
    size = pixels.shape[1], pixels.shape[0]
    filtered = np.stack([enlarged(function[3], size) for function in functions])
    for channel in range(3):  # one at a time: photos may have a hundred megapixels
        plane = pixels[..., channel] / np.float32(255)
        for layer, function in zip(filtered, functions, strict=True):
            layer += enlarged(function[channel], size) * plane
    return filtered


def _fit_to_colors(guide: Floats, mean: Mean) -> Callable[[Floats], list[Floats]]:
    """What finds the linear function of a layer (h, w): three slopes and an offset, each (h, w).

    `guide` is float32 (h, w, 3), 0..1.
    """
    colors = np.moveaxis(guide, -1, 0).copy()
    averages = np.stack([mean(color) for color in colors])
    inverse = _inverse_covariance(colors, averages, mean)

    def fit(layer: Floats) -> list[Floats]:
        average = mean(layer)
        shared = np.stack([mean(color * layer) for color in colors]) - averages * average
        slopes = np.einsum("ijhw,jhw->ihw", inverse, shared)
        offset = average - np.einsum("ihw,ihw->hw", slopes, averages)
        return [mean(coefficient) for coefficient in (*slopes, offset)]

    return fit


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
    return lambda values: np.asarray(cv2.blur(values, (window, window)), np.float32)


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
