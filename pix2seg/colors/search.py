"""Search by colour in palette tables."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pix2seg.colors.color import Color
from pix2seg.colors.space import distances
from pix2seg.colors.table import Row


@dataclass(frozen=True)
class Match:
    """A photo's colour that comes near the wanted one.

    Attributes:
        row: the colour's row in the table.
        distance: CIEDE2000 to the wanted colour.
    """

    row: Row
    distance: float


def find_color(
    rows: Sequence[Row],
    wanted: Color,
    class_name: str | None = None,
    within: float = 10.0,
    garment: str | None = None,
) -> list[Match]:
    """The photos that show a colour, the nearest first; equally near ones by share.

    Args:
        rows: a palette table.
        wanted: the colour to look for.
        class_name: look in this class alone.
        within: farther colours (CIEDE2000) are no match.
        garment: look in garments of this kind alone.

    Returns:
        The best match of each photo. Distances that differ by less than 1, which no eye tells
        apart, count as equal.
    """
    rows = [
        row
        for row in rows
        if class_name in (None, row["class"]) and garment in (None, row["garment"])
    ]
    if not rows:
        return []
    labs = np.array([Color.from_hex(row["hex"]).lab for row in rows])
    gaps = distances(labs, wanted.lab)[:, 0]
    matches = [Match(row, float(gap)) for row, gap in zip(rows, gaps, strict=True) if gap <= within]
    matches.sort(key=lambda m: (int(m.distance), -m.row["share"], m.row["file"], m.row["rank"]))
    best: dict[str, Match] = {}
    for match in matches:
        best.setdefault(match.row["sha256"], match)
    return list(best.values())
