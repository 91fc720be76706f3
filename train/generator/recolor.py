"""Garments in other colours, skin tones above all.

Skin-coloured trousers are taken for skin wherever the training photos show none. Labels say where
garments are, so a photo can be given one.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from pix2seg.garments import BODY, FIRST_GARMENT

SKIN = BODY.index("skin")
"""The id of skin in the scheme `garments`."""

LIKE_SKIN = 0.5
"""The share of recoloured garments that get the colour of the photo's own skin."""

LEAST_PIXELS = 200
"""Smaller garments keep their colour."""


def recolored(
    photo: NDArray[np.uint8], garments: NDArray[np.uint8], rng: np.random.Generator
) -> NDArray[np.uint8]:
    """The photo with one kind of garment in another colour; folds and prints stay.

    Args:
        photo: RGB uint8 (H, W, 3).
        garments: uint8 (H, W), ids of the scheme `garments`.
        rng: decides which kind, and which colour.
    """
    counts = np.bincount(garments.ravel(), minlength=256)
    kinds = [k for k in range(FIRST_GARMENT, 256) if counts[k] >= LEAST_PIXELS]
    if not kinds:
        return photo
    worn = garments == rng.choice(kinds)
    lab = np.asarray(cv2.cvtColor(photo, cv2.COLOR_RGB2LAB), np.float32)
    if counts[SKIN] >= LEAST_PIXELS and rng.random() < LIKE_SKIN:
        wanted = lab[garments == SKIN].mean(0) + rng.normal(0, (12, 3, 3))
    else:
        wanted = np.concatenate([rng.uniform(20, 235, 1), 128 + rng.uniform(-60, 60, 2)])
    own = lab[worn]
    lab[worn] = (own - own.mean(0)) * rng.uniform(0.6, 1.0) + wanted
    changed = cv2.cvtColor(np.clip(lab, 0, 255).astype(np.uint8), cv2.COLOR_LAB2RGB)
    return np.where(worn[..., None], np.asarray(changed, np.uint8), photo)
