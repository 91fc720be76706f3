"""In which colour space k-means gets nearest to the pixels, by CIEDE2000.

    python tests/bench/spaces.py DATA --out assets/palette-spaces.md

DATA is a data set that `pix2seg prepare` wrote. Five clusters of the clothes of validation photos,
by their true masks; the distance is the mean CIEDE2000 from the pixels to the clusters' means.
"""

import os
from collections.abc import Callable

os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np
from numpy.typing import NDArray
from palettes import Cutout, run
from sklearn.cluster import KMeans

from pix2seg.colors.color import Color
from pix2seg.colors.space import even, to_lab
from pix2seg.train.judge.colors import mean_distance, true_pixels

Floats = NDArray[np.float64]


def to_oklab(srgb: Floats) -> Floats:
    """Oklab (Ottosson 2020) of sRGB in 0..1, shape (N, 3)."""
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    to_lms = np.array(
        [
            [0.4122214708, 0.5363325363, 0.0514459929],
            [0.2119034982, 0.6806995451, 0.1073969566],
            [0.0883024619, 0.2817188376, 0.6299787005],
        ]
    )
    to_ok = np.array(
        [
            [0.2104542553, 0.7936177850, -0.0040720468],
            [1.9779984951, -2.4285922050, 0.4505937099],
            [0.0259040371, 0.7827717662, -0.8086757660],
        ]
    )
    return np.asarray(np.cbrt(linear @ to_lms.T) @ to_ok.T)


SPACES: dict[str, Callable[[Floats], Floats]] = {
    "sRGB": lambda srgb: srgb,
    "L\\*a\\*b\\*": to_lab,
    "Oklab": to_oklab,
    "L\\*a\\*b\\*, chroma compressed": lambda srgb: even(to_lab(srgb)),
}


def distance(pixels: NDArray[np.uint8], space: Callable[[Floats], Floats]) -> float:
    srgb = pixels / 255
    labels = KMeans(5, n_init=3, random_state=0).fit_predict(space(srgb))
    colors = [Color(*srgb[labels == i].mean(0).tolist()) for i in np.unique(labels)]
    return mean_distance(pixels, colors)


def table(cuts: list[Cutout]) -> str:
    pixels = [true_pixels(cut.pixels, cut.mask) for cut in cuts]
    lines = ["| k-means in | mean CIEDE2000 |", "| --- | ---: |"]
    for name, space in SPACES.items():
        lines.append(f"| {name} | {np.mean([distance(p, space) for p in pixels]):.2f} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    run(table, __doc__.splitlines()[0])
