"""Where distances between colours mean something: CIE L*a*b* (D65) and CIEDE2000.

scikit-image does the arithmetic; it is imported on first use.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


def to_lab(srgb: ArrayLike) -> Floats:
    """CIE L*a*b* of sRGB colours.

    Args:
        srgb: floats in 0..1, gamma-encoded, shape (..., 3).

    Returns:
        float64 of the same shape: L* in 0..100, a* and b* about -110..110.
    """
    from skimage.color import rgb2lab

    lab: Floats = rgb2lab(np.asarray(srgb, np.float64))
    return lab


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
    from skimage.color import deltaE_ciede2000

    first, second = np.broadcast_arrays(
        np.asarray(lab_a, np.float64), np.asarray(lab_b, np.float64)
    )
    distance: Floats = np.asarray(
        deltaE_ciede2000(first, second, kL=lightness_scale)  # type: ignore[no-untyped-call]
    )
    return distance


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
