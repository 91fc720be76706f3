"""Shadows that people cast, painted into photos.

A dark patch at the feet is taken for a shoe, one on the wall for a coat, until training photos
show enough of them.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from pix2seg.preprocess.person.base import box_around
from pix2seg.train.transforms import warp

ON_WALL = 0.4
"""The share of shadows that stand on a wall behind; the others lie on the floor."""

DARKNESS = (0.25, 0.7)
"""The share of the light that a shadow takes."""

BLUR = (0.5, 8.0)
"""How soft its edge is: standard deviation in pixels."""


def shadowed(
    photo: NDArray[np.uint8], behind: NDArray[np.bool_], rng: np.random.Generator
) -> NDArray[np.uint8]:
    """The photo with a shadow of whoever is in it on the background.

    Args:
        photo: RGB uint8 (H, W, 3).
        behind: bool (H, W), the background.
        rng: decides where the shadow falls, how dark and how soft it is.
    """
    _, top, _, feet = box_around(~behind)
    if not feet:
        return photo
    wall = bool(rng.random() < ON_WALL)
    slant = rng.uniform(-0.3, 0.3) if wall else rng.uniform(-1.5, 1.5)
    height = rng.uniform(0.95, 1.1) if wall else rng.uniform(-0.35, 0.35)
    aside = rng.normal(0, 0.1 if wall else 0.02) * (feet - top)
    # The silhouette, slanted and flattened around the feet.
    cast = np.array(
        [[1, -slant, slant * feet + aside], [0, height, (1 - height) * feet], [0, 0, 1]]
    )
    silhouette = warp(255 * (~behind).astype(np.uint8), cast, (photo.shape[1], photo.shape[0]))
    shadow = cv2.GaussianBlur(silhouette.astype(np.float32), (0, 0), rng.uniform(*BLUR)) / 255
    light = 1 - rng.uniform(*DARKNESS) * shadow * behind
    return np.asarray((photo * light[..., None]).round(), np.uint8)
