"""Search by colour: DuckDB looks through the Parquet files, CIEDE2000 judges what is left.

DuckDB picks the colours in a box of L*a*b* that is proven to hold all that are near enough (see
`pix2seg.colors.reach`); of these alone the exact distance is computed.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from pix2seg.colors.color import Color
from pix2seg.colors.names import name_of
from pix2seg.colors.reach import lab_box
from pix2seg.colors.space import Floats, delta_e
from pix2seg.colors.wanted import Wanted


@dataclass(frozen=True)
class Hit:
    """A photo's colour that comes near a wanted one.

    Attributes:
        of: its class or garment.
        hex: the colour.
        name: its name in the list that the photo's palette was named by.
        basic: its base colour.
        share: its share of the class or garment, 0..1.
        distance: from the wanted colour, CIEDE2000.
    """

    of: str
    hex: str
    name: str
    basic: str
    share: float
    distance: float


@dataclass(frozen=True)
class Match:
    """A photo that shows all that is wanted.

    Attributes:
        file: its name relative to what was given when it was segmented.
        uri: where it lay; a table does not tell.
        hits: its best colour for each wanted one, in order.
    """

    file: str
    uri: str | None
    hits: tuple[Hit, ...]


@dataclass(frozen=True)
class ListedColor:
    """A colour of a photo as a catalogue or a table has it."""

    of: str
    hex: str
    name: str
    share: float
    lab: Sequence[float]


@dataclass(frozen=True)
class ListedPhoto:
    """A photo of a catalogue or a table, with its colours."""

    file: str
    uri: str | None
    colors: list[ListedColor]


@dataclass(frozen=True, eq=False)
class Near:
    """Colours: photos' keys, int64 (N,), L*a*b*, float64 (N, 3), and shares, float64 (N,)."""

    keys: NDArray[np.int64]
    labs: Floats
    shares: Floats


class Listing(Protocol):
    """Photos with colours, in a catalogue or a table. A photo's key grows along the listing."""

    def kinds(self) -> list[str]:
        """The classes and garments that there are."""
        ...

    def near(self, boxes: Sequence[Floats], of: str | None) -> Iterator[Near]:
        """The colours, of a class or garment, in any of some boxes of L*a*b*."""
        ...

    def photo(self, key: int) -> ListedPhoto:
        """The photo of a key."""
        ...


def find(
    listing: Listing, wanted: Sequence[Wanted], within: float = 10.0, limit: int | None = None
) -> list[Match]:
    """The photos that show all wanted colours, the nearest first; equally near ones by share.

    Distances that differ by less than 1, which no eye tells apart, count as equal. Of several
    wanted colours the farthest counts, and the sum of the shares.

    Args:
        listing: where to look.
        wanted: what to look for, at least one.
        within: farther colours (CIEDE2000) are no match.
        limit: at most so many photos.
    """
    keys, steps, shares = _best(listing, wanted[0], within)
    for other in wanted[1:]:
        found = _best(listing, other, within)
        keys, ours, theirs = np.intersect1d(keys, found[0], True, return_indices=True)
        steps = np.maximum(steps[ours], found[1][theirs])
        shares = shares[ours] + found[2][theirs]
    order = np.lexsort((keys, -shares, steps))[:limit]
    return [_match(listing.photo(int(key)), wanted) for key in keys[order]]


def _best(
    listing: Listing, wanted: Wanted, within: float
) -> tuple[NDArray[np.int64], NDArray[np.int64], Floats]:
    """Photos that show a wanted colour: their keys, whole distances, and shares of the colour."""
    boxes = [lab_box(color.lab, within) for color in wanted.colors]
    keys, steps, shares = [], [], []
    for near in listing.near(boxes, wanted.of):
        distances = np.full(len(near.keys), np.inf)
        for color, (low, high) in zip(wanted.colors, boxes, strict=True):
            inside = ((near.labs >= low) & (near.labs <= high)).all(axis=1)
            exact = delta_e(near.labs[inside], np.array(color.lab))
            distances[inside] = np.minimum(distances[inside], exact)
        kept = distances <= within
        keys.append(near.keys[kept])
        steps.append(distances[kept].astype(np.int64))
        shares.append(near.shares[kept])
    key, step, share = (np.concatenate(x) if x else np.zeros(0) for x in (keys, steps, shares))
    order = np.lexsort((-share, step))
    unique, first = np.unique(key[order].astype(np.int64), return_index=True)
    return unique, step[order][first].astype(np.int64), share[order][first].astype(np.float64)


def _match(photo: ListedPhoto, wanted: Sequence[Wanted]) -> Match:
    return Match(photo.file, photo.uri, tuple(_hit(photo, one) for one in wanted))


def _hit(photo: ListedPhoto, wanted: Wanted) -> Hit:
    """The photo's best colour for a wanted one."""
    fitting = [color for color in photo.colors if wanted.of in (None, color.of)]
    labs = np.array([color.lab for color in fitting])
    gaps = [delta_e(labs, np.array(color.lab)) for color in wanted.colors]
    distances = np.min(gaps, axis=0).tolist()
    distance, color = min(
        zip(distances, fitting, strict=True), key=lambda pair: (int(pair[0]), -pair[1].share)
    )
    basic = name_of(Color.from_hex(color.hex), "basic")
    return Hit(color.of, color.hex, color.name, basic, color.share, round(distance, 4))
