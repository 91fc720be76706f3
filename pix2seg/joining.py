"""Joins what the person extractor and the generator each believe."""

import numpy as np
from numpy.typing import NDArray

from pix2seg.classes import Scheme

WEIGHT = 0.75
"""How much the extractor's word counts beside the generator's, 1 being as much."""

SUREST = 6.0
"""The extractor's logits are cut here: it may be mistaken, whatever it says."""


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
    joined = probabilities.copy()
    joined[1:] *= (sure / (1 - sure)) ** np.float32(weight)
    joined /= joined.sum(axis=0)
    return joined


def to_map(probabilities: NDArray[np.float32], scheme: Scheme) -> NDArray[np.uint8]:
    """The map of class probabilities: the classes' colours blended, RGB uint8 (H, W, 3).

    Args:
        probabilities: float32 (classes, H, W); each pixel's sum is 1.
        scheme: gives the colours.
    """
    blended = np.tensordot(probabilities, scheme.colors.astype(np.float32), axes=(0, 0))
    return np.asarray(blended.round(), np.uint8)
