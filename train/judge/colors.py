"""How well a palette stands for a class's true pixels, beside the best that k-means can do."""

import numpy as np
from numpy.typing import NDArray

from pix2seg.colors.color import Color
from pix2seg.colors.palette import Palette
from pix2seg.colors.space import distances, to_lab
from pix2seg.result import Segmentation

SAMPLE = 20_000
"""So many of a class's pixels are measured; the mean over them differs by less than 1 %."""


def true_pixels(pixels: NDArray[np.uint8], truth: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """A class's true pixels, uint8 (P, 3): all, or a sample drawn with a fixed seed."""
    inside = pixels[truth]
    if len(inside) <= SAMPLE:
        return inside
    return inside[np.random.default_rng(0).choice(len(inside), SAMPLE, replace=False)]


def mean_distance(pixels: NDArray[np.uint8], colors: list[Color]) -> float:
    """Mean CIEDE2000 from pixels, uint8 (P, 3), to the nearest of some colours."""
    labs = np.array([color.lab for color in colors])
    return float(distances(to_lab(pixels / 255), labs).min(axis=1).mean())


def k_means_colors(pixels: NDArray[np.uint8], count: int) -> list[Color]:
    """The centres that plain k-means in L*a*b* finds in pixels, uint8 (P, 3)."""
    from skimage.color import lab2rgb
    from sklearn.cluster import KMeans

    fit = KMeans(count, n_init=3, random_state=0).fit(to_lab(pixels / 255))
    return [Color(*rgb) for rgb in np.clip(lab2rgb(fit.cluster_centers_), 0, 1).tolist()]


def class_ratios(result: Segmentation, truth: NDArray[np.uint8]) -> dict[str, float]:
    """`palette_ratio` of each class that the photo shows, by name.

    Args:
        result: what the segmenter made of the photo.
        truth: its true mask, uint8 (H, W).
    """
    ratios = {}
    for name, palette in result.palette().items():
        true = truth == result.scheme.id_of(name)
        ratio = palette_ratio(result.photo.pixels, true, palette)
        if ratio is not None:
            ratios[name] = ratio
    return ratios


def palette_ratio(
    pixels: NDArray[np.uint8], truth: NDArray[np.bool_], palette: Palette
) -> float | None:
    """How much farther the palette is from the true pixels than k-means on the true mask.

    Args:
        pixels: the photo, RGB uint8 (H, W, 3).
        truth: the class's true mask, bool (H, W).
        palette: found without knowing it.

    Returns:
        The palette's mean CIEDE2000 over that of k-means with the same number of colours; 1 is as
        good. None where the photo or the palette lacks the class.
    """
    inside = true_pixels(pixels, truth)
    count = min(len(palette), len(np.unique(inside, axis=0)))
    if not count:
        return None
    best = mean_distance(inside, k_means_colors(inside, count))
    found = mean_distance(inside, [swatch.color for swatch in palette])
    return found / best if best else None
