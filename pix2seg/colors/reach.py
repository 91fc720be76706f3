"""How far from a colour its neighbours by CIEDE2000 can lie in L*a*b*: a box that is proven.

CIEDE2000 is no distance that an index can be built on, and its neighbourhoods have no fixed size:
colours within 6 may differ by 2 in a*, or by 16 and more. The bounds here hold for every colour.

With x = dC'/SC and y = dH'/SH, the square of CIEDE2000 is (dL'/SL)² + x² + y² + RT x y. Whatever
the sign of its last term, x² + y² + RT x y is at least (1 - RT²/4) x², and as much of y². So

    |dL'| <= r SL,    |dC'| <= r SC / k,    |dH'| <= r SH / k,    k = sqrt(1 - RT²/4).

SC, SH, RT and the factor 1 + G by which a* becomes a' depend on both colours. Therefore the
neighbours are taken ring by ring: in a narrow ring of chroma C' each of these has a narrow range.
"""

from collections.abc import Sequence

import numpy as np

from pix2seg.colors.space import Floats

MOST_CHROMA = 256.0
"""Above the chroma C' of every sRGB colour: C* ends at 134, and C' is at most 1.5 C*."""

RING = 1.0
"""Width of a ring of C'."""

MOST_T = 1 + 0.17 + 0.24 + 0.32 + 0.20
"""T, a sum of cosines in CIEDE2000's SH, is never above this."""

ROUNDS = 4
"""Each round begins from the last one's bounds, which are proven; later rounds gain little."""

SLACK = 1e-3
"""The bounds are widened by this, for what is stored in single precision."""


def lab_box(lab: Sequence[float], within: float) -> Floats:
    """A box that holds every colour within a CIEDE2000 of one.

    Args:
        lab: the colour in L*a*b*.
        within: the greatest CIEDE2000.

    Returns:
        float64 (2, 3): the least and the greatest L*, a* and b*.
    """
    lightness = _lightness(lab[0], within)
    (low_a, high_a), (low_b, high_b) = _chromaticity(lab[1], lab[2], within)
    low, high = (lightness[0], low_a, low_b), (lightness[1], high_a, high_b)
    return np.asarray(np.array([low, high]) + np.array([[-SLACK], [SLACK]]))


def _lightness(wanted: float, within: float) -> tuple[float, float]:
    """|dL'| / SL grows with |dL'|, because SL changes by at most 0.015 / 2 with each step of L*."""
    step = 0.01
    grid = np.arange(0, 100 + step, step)
    mean = ((grid + wanted) / 2 - 50) ** 2
    near = np.abs(grid - wanted) <= within * (1 + 0.015 * mean / np.sqrt(20 + mean))
    # The wanted lightness itself may fall between two points that are both too far.
    reached = np.append(grid[near], wanted)
    return float(reached.min() - step), float(reached.max() + step)


def _chromaticity(
    a: float, b: float, within: float
) -> tuple[tuple[float, float], tuple[float, float]]:
    """The ranges of a* and b*."""
    low: Floats = np.arange(0.0, MOST_CHROMA, RING, dtype=np.float64)
    high: Floats = np.asarray(low + RING)
    chroma = float(np.hypot(a, b))
    # C' / 1.5 <= C* <= C' bounds the mean C*, and 1 + G falls with it.
    most, least = 1 + _g((chroma + low / 1.5) / 2), 1 + _g((chroma + high) / 2)
    own = np.sort([np.hypot(a * least, b), np.hypot(a * most, b)], axis=0)
    # Turned between -180 and 180 by at most a few degrees, never across 180: b keeps its sign.
    hues = np.sort(np.degrees([np.arctan2(b, a * least), np.arctan2(b, a * most)]), axis=0)
    mean = (own[1] + high) / 2
    width = np.full_like(low, 180.0)
    for _ in range(ROUNDS):
        k = np.sqrt(1 - _rotation(mean, hues, width) ** 2 / 4)
        across = within * (1 + 0.015 * mean * MOST_T) / k
        with np.errstate(divide="ignore", invalid="ignore"):
            sine = np.nan_to_num(across / (2 * np.sqrt(own[0] * low)), nan=np.inf)
        width = np.degrees(2 * np.arcsin(np.clip(sine, 0, 1)))
    along = within * (1 + 0.045 * mean) / k
    reached = (low - own[1] <= along) & (own[0] - high <= along)
    left, right = hues[0] - width, hues[1] + width
    ranges = [
        _range(low, high, left, right, (least, most)),
        _range(low, high, left - 90, right - 90, (np.ones_like(low), np.ones_like(low))),
    ]
    (low_a, high_a), (low_b, high_b) = [
        (float(r[0][reached].min()), float(r[1][reached].max())) for r in ranges
    ]
    return (low_a, high_a), (low_b, high_b)


def _g(chroma: Floats) -> Floats:
    """CIEDE2000's G of a mean C*."""
    power = chroma**7
    return np.asarray(0.5 * (1 - np.sqrt(power / (power + 25.0**7))))


def _rotation(mean: Floats, hues: Floats, width: Floats) -> Floats:
    """The greatest |RT| at mean chroma up to `mean`: the mean hue is at most half a width away."""
    middle, half = (hues[0] + hues[1]) / 2, (hues[1] - hues[0]) / 2
    away = np.abs((middle - 275 + 180) % 360 - 180)
    nearest = np.maximum(away - half - width / 2, 0)
    turn = np.radians(30 * np.exp(-((nearest / 25) ** 2)))
    return np.asarray(2 * np.sqrt(mean**7 / (mean**7 + 25.0**7)) * np.sin(2 * turn))


def _range(
    low: Floats, high: Floats, left: Floats, right: Floats, divisor: tuple[Floats, Floats]
) -> tuple[Floats, Floats]:
    """The range of C cos(h) / d for C from low to high, h from left to right and d in a range."""
    ends = np.cos(np.radians([left, right]))
    least = np.where(_holds(left, right, 180), -1.0, ends.min(0))
    most = np.where(_holds(left, right, 0), 1.0, ends.max(0))
    smallest = np.where(least < 0, high * least / divisor[0], low * least / divisor[1])
    largest = np.where(most > 0, high * most / divisor[0], low * most / divisor[1])
    return smallest, largest


def _holds(left: Floats, right: Floats, angle: float) -> Floats:
    """Whether the arc from left to right, in degrees, holds an angle."""
    return np.asarray(np.floor((right - angle) / 360) >= np.ceil((left - angle) / 360))
