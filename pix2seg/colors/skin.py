"""Skin beside the ten Monk tones: how a photo shows it, never what a person is."""

from dataclasses import dataclass
from functools import cache

import numpy as np

from pix2seg.colors.color import Color
from pix2seg.colors.space import Floats, distances

MONK_TONES = (
    "#f6ede4", "#f3e7db", "#f7ead0", "#eadaba", "#d7bd96",
    "#a07e56", "#825c43", "#604134", "#3a312a", "#292420",
)  # fmt: skip
"""The Monk Skin Tone Scale (Ellis Monk, 2019; skintone.google), tone 1 first."""


@dataclass(frozen=True)
class NearTone:
    """A Monk tone, 1 to 10, and how far a colour is from it (CIEDE2000)."""

    tone: int
    distance: float


def nearest_tones(color: Color) -> tuple[NearTone, NearTone]:
    """The two nearest Monk tones, the nearest first."""
    gaps = distances(color.lab, _labs())[0]
    first, second = np.argsort(gaps, kind="stable")[:2]
    return (
        NearTone(int(first) + 1, float(gaps[first])),
        NearTone(int(second) + 1, float(gaps[second])),
    )


@cache
def _labs() -> Floats:
    return np.array([Color.from_hex(tone).lab for tone in MONK_TONES])
