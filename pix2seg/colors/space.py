"""Where distances between colours mean something: CIE L*a*b* (D65) and CIEDE2000.

Both give what scikit-image gives (a test compares them), which takes 0.2 s to import.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

XYZ_OF_RGB = np.array(
    [[0.412453, 0.357580, 0.180423], [0.212671, 0.715160, 0.072169], [0.019334, 0.119193, 0.950227]]
)
"""CIE XYZ of linear sRGB's red, green and blue, a column each."""

WHITE = (0.95047, 1.0, 1.08883)
"""CIE XYZ of white under D65."""

TURN = 2 * np.pi


def to_lab(srgb: ArrayLike) -> Floats:
    """CIE L*a*b* of sRGB colours.

    Args:
        srgb: floats in 0..1, gamma-encoded, shape (..., 3).

    Returns:
        float64 of the same shape: L* in 0..100, a* and b* about -110..110.
    """
    rgb = np.asarray(srgb, np.float64)
    linear = np.where(rgb > 0.04045, ((rgb + 0.055) / 1.055) ** 2.4, rgb / 12.92)
    xyz = linear @ XYZ_OF_RGB.T / WHITE
    x, y, z = np.moveaxis(np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116), -1, 0)
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


def even(lab: Floats) -> Floats:
    """L*a*b* with its chroma compressed, so that plain distances come near CIEDE2000.

    CIEDE2000 divides a difference of chroma C by S_C = 1 + 0.045 C; the integral of 1 / S_C is
    ln(1 + 0.045 C) / 0.045. k-means in it gets nearer to the pixels, by CIEDE2000, than in
    L*a*b* or Oklab (`tests/bench/spaces.py`).

    Args:
        lab: shape (N, 3).

    Returns:
        float64 of the same shape.
    """
    chroma = np.hypot(lab[:, 1], lab[:, 2])
    compressed = np.log1p(0.045 * chroma) / 0.045
    scale = np.divide(compressed, chroma, out=np.ones_like(chroma), where=chroma > 0)
    return np.asarray(lab * np.column_stack([np.ones_like(scale), scale, scale]))


def delta_e(lab_a: ArrayLike, lab_b: ArrayLike, lightness_scale: float = 1.0) -> Floats:
    """CIEDE2000 between L*a*b* colours, arrays broadcast against each other.

    Args:
        lab_a: shape (..., 3).
        lab_b: shape (..., 3).
        lightness_scale: the formula's kL; the textile trade takes 2, so that light and shade on
            one cloth count half.

    Returns:
        float64, the broadcast shape without its last axis.
    """
    (l1, a1, b1), (l2, a2, b2) = (
        np.moveaxis(np.asarray(lab, np.float64), -1, 0) for lab in (lab_a, lab_b)
    )
    # Near grey, a* counts more.
    stretch = 1.5 - 0.5 * _much_chroma((np.hypot(a1, b1) + np.hypot(a2, b2)) / 2)
    a1, a2 = stretch * a1, stretch * a2
    c1, c2 = np.hypot(a1, b1), np.hypot(a2, b2)
    h1, h2 = (np.arctan2(b, a) % TURN for a, b in ((a1, b1), (a2, b2)))
    grey = c1 * c2 == 0  # has no hue, so the other's counts
    gap = np.where(grey, 0.0, (h2 - h1 + np.pi) % TURN - np.pi)
    hue = np.where(grey, h1 + h2, h1 + gap / 2)
    lightness, chroma = (l1 + l2) / 2, (c1 + c2) / 2

    off = (lightness - 50) ** 2
    by_lightness = (l2 - l1) / (lightness_scale * (1 + 0.015 * off / np.sqrt(20 + off)))
    by_chroma = (c2 - c1) / (1 + 0.045 * chroma)
    uneven = (
        1
        - 0.17 * np.cos(hue - np.radians(30))
        + 0.24 * np.cos(2 * hue)
        + 0.32 * np.cos(3 * hue + np.radians(6))
        - 0.20 * np.cos(4 * hue - np.radians(63))
    )
    by_hue = 2 * np.sqrt(c1 * c2) * np.sin(gap / 2) / (1 + 0.015 * chroma * uneven)
    blue = np.exp(-(((np.degrees(hue) % 360 - 275) / 25) ** 2))
    rotation = -2 * _much_chroma(chroma) * np.sin(np.radians(60) * blue)
    squared = by_lightness**2 + by_chroma**2 + by_hue**2 + rotation * by_chroma * by_hue
    return np.asarray(np.sqrt(np.maximum(squared, 0)))


def _much_chroma(chroma: Floats) -> Floats:
    """0 for greys, nearly 1 for strong colours."""
    cube = chroma * chroma * chroma
    power = cube * cube * chroma  # ** 7 takes five times as long
    return np.sqrt(power / (power + 25.0**7))


def distances(labs_a: ArrayLike, labs_b: ArrayLike, lightness_scale: float = 1.0) -> Floats:
    """CIEDE2000 from each of N colours to each of M.

    Args:
        labs_a: shape (N, 3).
        labs_b: shape (M, 3).
        lightness_scale: as in `delta_e`.

    Returns:
        float64 of shape (N, M).
    """
    first = np.asarray(labs_a, np.float64).reshape(-1, 1, 3)
    second = np.asarray(labs_b, np.float64).reshape(1, -1, 3)
    return delta_e(first, second, lightness_scale)
