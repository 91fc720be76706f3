"""From class probabilities to a map, joined with what the person extractor believes."""

from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray

from pix2seg.classes import Scheme
from pix2seg.guided_filter import GuidedFilter
from pix2seg.preprocess.fit import Fit
from pix2seg.thresholds import mask_to_map
from pix2seg.tidy import connected

WEIGHT = 1.25
"""How much the extractor's word counts beside the generator's, 1 being as much."""

BLENDED_CLASSES = 10
"""Of more classes, colours lie so close that a blend of two is like that of some third class."""

SUREST = 6.0
"""The extractor's logits are cut here: it may be mistaken, whatever it says."""

FARTHEST = 80.0
"""Whatever the weight, logits are cut here: single precision knows no exponential of 89."""

HAIR = "hair"

HESITATION = 0.1
"""A piece of hair, other than the largest, is another class's if that one is likelier than this
there, on average. 0.07 does as well."""

EDGE_REACH = 0.012
"""How far the edge of a class may move to where the photo has one, as a share of the photo's longer
side in the frame: 9 of 768 pixels. Half as many gain less, and with twice as many hair is lost."""

EDGE_STEP = 3
"""Edges are looked for in a photo so many times smaller: half as long has nothing on it."""


def join_person(
    probabilities: NDArray[np.float32], person: NDArray[np.float32], weight: float = WEIGHT
) -> NDArray[np.float32]:
    """The generator's probabilities after hearing the person extractor.

    To the logits of all classes but the background, the logit of the person is added.

    Args:
        probabilities: of each class, the background first, float32 (classes, H, W).
        person: that a pixel shows the person, float32 (H, W).
        weight: how much of the person's logit is added.

    Returns:
        float32 (classes, H, W); each pixel's sum is 1.
    """
    least = 1 / (1 + np.exp(SUREST))
    sure = np.clip(person, least, 1 - least)
    logit = np.float32(weight) * np.log(sure / (1 - sure))
    joined = probabilities.copy()
    joined[1:] *= np.exp(np.clip(logit, -FARTHEST, FARTHEST))
    joined /= joined.sum(axis=0)
    return joined


def settle_hair(probabilities: NDArray[np.float32], scheme: Scheme) -> NDArray[np.float32]:
    """Probabilities with which stray hair that the generator hesitates about is something else.

    Pixel by pixel hats and dark folds can look more like hair than like anything else; but there
    the generator is less sure than on hair, as the mean over the piece tells.

    Args:
        probabilities: of each class, float32 (classes, H, W); each pixel's sum is 1.
        scheme: tells which class is hair, if one is.

    Returns:
        float32 (classes, H, W); in pieces that are no hair, hair and the likeliest other class have
        changed places. The largest piece stays whatever it is.
    """
    if HAIR not in scheme.names:
        return probabilities
    hair = scheme.names.index(HAIR)
    is_hair = probabilities.argmax(axis=0) == hair
    parts, areas = connected(is_hair)
    areas[0] = 0  # part 0 is all that is no hair
    pixels = np.flatnonzero(is_hair)
    part = parts.ravel()[pixels]
    shares = probabilities.reshape(len(probabilities), -1)
    sums = np.stack([np.bincount(part, share[pixels], len(areas)) for share in shares])
    sums[hair] = 0
    turns = sums.max(axis=0) > HESITATION * areas
    turns[areas.argmax()] = False
    pixels, part = pixels[turns[part]], part[turns[part]]
    other = sums.argmax(axis=0)[part]
    settled = shares.copy()
    settled[hair, pixels], settled[other, pixels] = shares[other, pixels], shares[hair, pixels]
    return settled.reshape(probabilities.shape)


def follow_edges(
    probabilities: NDArray[np.float32], framed: NDArray[np.uint8], fit: Fit
) -> NDArray[np.float32]:
    """Probabilities whose edges have moved to where the photo has edges: see `GuidedFilter`.

    A generator's own edges are a few pixels off, for it decides at a stride of many.

    Args:
        probabilities: of each class, float32 (classes, H, W); each pixel's sum is 1.
        framed: the photo in the frame, RGB uint8 (H, W, 3).
        fit: tells where in the frame the photo is; around it nothing changes.

    Returns:
        float32 (classes, H, W); each pixel's sum is 1.
    """
    photo = fit.placed
    side = -(-max(fit.fitted_size) // EDGE_STEP)
    others = GuidedFilter(framed[photo], EDGE_REACH, side)(probabilities[1:, *photo])
    led = probabilities.copy()
    inside = led[:, *photo]
    inside[1:] = np.maximum(others, 0)
    inside[0] = np.maximum(1 - inside[1:].sum(axis=0), 0)
    inside /= inside.sum(axis=0)
    return led


def to_map(probabilities: NDArray[np.float32], scheme: Scheme) -> NDArray[np.uint8]:
    """The map of class probabilities, RGB uint8 (H, W, 3): the classes' colours blended.

    Of more than `BLENDED_CLASSES` it has the colour of the most likely class alone.

    Args:
        probabilities: float32 (classes, H, W); each pixel's sum is 1.
        scheme: gives the colours.
    """
    if len(scheme) > BLENDED_CLASSES:
        return mask_to_map(np.asarray(probabilities.argmax(0), np.uint8), scheme)
    blended = np.tensordot(probabilities, scheme.colors.astype(np.float32), axes=(0, 0))
    return np.asarray(blended.round(), np.uint8)


def to_photo_map(
    probabilities: NDArray[np.float32], fit: Fit, scheme: Scheme
) -> Callable[[NDArray[np.uint8]], None]:
    """What draws, from probabilities in the frame, the map of the photo that lies in it.

    Into an array, RGB uint8 (H, W, 3), when it is asked to: a large photo's map fills the memory.
    """
    if len(scheme) <= BLENDED_CLASSES:
        return partial(fit.draw_map, to_map(probabilities, scheme))
    return partial(_draw_mask, fit.invert_likeliest(probabilities)[0], scheme)


def _draw_mask(mask: NDArray[np.uint8], scheme: Scheme, into: NDArray[np.uint8]) -> None:
    into[:] = mask_to_map(mask, scheme)
