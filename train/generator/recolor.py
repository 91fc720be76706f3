"""Garments in other colours, those of skin and of what is beside them above all; and other skin.

Skin-coloured trousers are taken for skin wherever the training photos show none, and a white dress
before a white wall for the wall. Labels say where garments are, so a photo can be given one. They
say where skin is, too, and most of those whom the photos show are light-skinned.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from pix2seg.classes import Scheme
from pix2seg.garments import BODY, FIRST_GARMENT, body_ids

SKIN = BODY.index("skin")
"""The id of skin in the scheme `garments`."""

HARD_TO_SEE = 0.5
"""The share of recoloured garments that get the colour of the photo's own skin, or, where it shows
none, of something beside the garment."""

NEAR, FAR = 7, 31
"""What lies beside a garment: what widening it this much, in pixels, covers or does not."""

SKIN_TONES = ((45.0, 205.0), (132.0, 148.0), (133.0, 156.0))
"""From which to which L, a and b, as OpenCV scales them, skin reaches in photos."""

LEAST_PIXELS = 200
"""Smaller garments keep their colour."""


def parts_of(scheme: Scheme) -> NDArray[np.uint8]:
    """What a mask tells of garments where nothing else does, uint8 (256,) by class id.

    Skin and hair have their ids of the scheme `garments`. Each other class but the background is a
    garment of its own, and what is no class is background.
    """
    ids = body_ids(scheme)
    worn = ids >= FIRST_GARMENT
    ids[worn] += np.arange(worn.sum(), dtype=np.uint8)
    parts = np.zeros(256, np.uint8)
    parts[: len(ids)] = ids
    return parts


def recolored(
    photo: NDArray[np.uint8], garments: NDArray[np.uint8], rng: np.random.Generator
) -> NDArray[np.uint8]:
    """The photo with one kind of garment in another colour; folds and prints stay.

    Args:
        photo: RGB uint8 (H, W, 3).
        garments: uint8 (H, W), ids of the scheme `garments`, or of `parts_of`.
        rng: decides which kind, and which colour.
    """
    counts = np.bincount(garments.ravel(), minlength=256)
    kinds = [k for k in range(FIRST_GARMENT, 256) if counts[k] >= LEAST_PIXELS]
    if not kinds:
        return photo
    worn = garments == rng.choice(kinds)
    lab = np.asarray(cv2.cvtColor(photo, cv2.COLOR_RGB2LAB), np.float32)
    if rng.random() < HARD_TO_SEE:
        skin = garments == SKIN
        like = lab[skin].mean(0) if counts[SKIN] >= LEAST_PIXELS else _beside(lab, worn, rng)
        wanted = like + rng.normal(0, (12, 3, 3))
    else:
        wanted = np.concatenate([rng.uniform(20, 235, 1), 128 + rng.uniform(-60, 60, 2)])
    own = lab[worn]
    lab[worn] = (own - own.mean(0)) * rng.uniform(0.6, 1.0) + wanted
    changed = cv2.cvtColor(np.clip(lab, 0, 255).astype(np.uint8), cv2.COLOR_LAB2RGB)
    return np.where(worn[..., None], np.asarray(changed, np.uint8), photo)


def with_other_skin(
    photo: NDArray[np.uint8], skin: NDArray[np.bool_], rng: np.random.Generator
) -> NDArray[np.uint8]:
    """The photo with its skin in another tone, from fair to very dark; light and shadow stay.

    Args:
        photo: RGB uint8 (H, W, 3).
        skin: where it shows skin, bool (H, W).
        rng: decides which tone.
    """
    if not skin.any():
        return photo
    lab = np.asarray(cv2.cvtColor(photo, cv2.COLOR_RGB2LAB), np.float32)
    tone = [rng.uniform(a, b) for a, b in SKIN_TONES]
    own = lab[skin]
    # Light that falls on dark skin makes as large a difference, in proportion.
    lab[skin] = (own - own.mean(0)) * (0.4 + 0.6 * tone[0] / SKIN_TONES[0][1]) + tone
    changed = cv2.cvtColor(np.clip(lab, 0, 255).astype(np.uint8), cv2.COLOR_LAB2RGB)
    return np.where(skin[..., None], np.asarray(changed, np.uint8), photo)


def _beside(
    lab: NDArray[np.float32], worn: NDArray[np.bool_], rng: np.random.Generator
) -> NDArray[np.float32]:
    """The colour of some place beside a garment, float32 (3,); its own if it fills the photo."""
    near, far = (cv2.dilate(worn.view(np.uint8), np.ones((s, s), np.uint8)) for s in (NEAR, FAR))
    around = np.flatnonzero(far > near)
    if not len(around):
        return np.asarray(lab[worn].mean(0), np.float32)
    blurred = cv2.blur(lab, (5, 5)).reshape(-1, 3)
    return np.asarray(blurred[rng.choice(around)], np.float32)
