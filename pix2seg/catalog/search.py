"""Search by colour: DuckDB looks through the Parquet files, CIEDE2000 judges what is left.

DuckDB picks the colours in a box of L*a*b* that is proven to hold all that are near enough (see
`pix2seg.colors.reach`); of these alone the exact distance is computed. A base colour is looked for
in the same way, but found by its name: all that pix2seg calls by it, and nothing else. Of other
names, what a palette lists by the very one that was asked for is found too, however far it is.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from itertools import chain
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

from pix2seg.colors.color import Color
from pix2seg.colors.names import BASE_REACH, name_of
from pix2seg.colors.photo_colors import FEW_COLORED
from pix2seg.colors.reach import lab_box
from pix2seg.colors.row import GARMENTS_CLASS
from pix2seg.colors.space import Floats, delta_e
from pix2seg.colors.wanted import Wanted

ROUNDED = 1e-5
"""Distances are off by less, for a catalogue's index has L*a*b* in single precision."""

LEAST_SHARE = 0.1
"""Of a base colour, a smaller share of a class or garment comes last."""


@dataclass(frozen=True)
class Hit:
    """A photo's colour that comes near a wanted one.

    Attributes:
        of: its class or garment.
        hex: the colour.
        name: its name in the list that the photo's palette was named by.
        basic: its base colour.
        share: its share of the class or garment, 0..1; where a base colour was wanted, the share of
            all its shades.
        distance: from the wanted colour, or the nearest shade of a base colour, CIEDE2000.
        score: how sure the kind of a garment is, 0..1; None for a class.
    """

    of: str
    hex: str
    name: str
    basic: str
    share: float
    distance: float
    score: float | None = None


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
    score: float | None = None


@dataclass(frozen=True)
class ListedPhoto:
    """A photo of a catalogue or a table, with its colours."""

    file: str
    uri: str | None
    colors: list[ListedColor]


@dataclass(frozen=True, eq=False)
class Near:
    """Colours, each array of N.

    Attributes:
        keys: of their photos, int64.
        kinds: places in the list of classes and garments that were asked for, int64.
        labs: L*a*b*, float64 (N, 3).
        shares: of their class or garment, float64.
    """

    keys: NDArray[np.int64]
    kinds: NDArray[np.int64]
    labs: Floats
    shares: Floats

    def __getitem__(self, chosen: NDArray[np.bool_] | NDArray[np.intp]) -> Self:
        return type(self)(*(values[chosen] for values in vars(self).values()))


@dataclass(frozen=True, eq=False)
class Found(Near):
    """Colours that match a wanted one.

    Attributes:
        distances: from it, CIEDE2000, float64.
        steps: what comes first, int64; of equal ones the larger share does.
    """

    distances: Floats
    steps: NDArray[np.int64]


class Listing(Protocol):
    """Photos with colours, in a catalogue or a table. A photo's key grows along the listing."""

    def kinds(self) -> list[str]:
        """The classes and garments that there are."""
        ...

    def near(self, boxes: Sequence[Floats], kinds: Sequence[str]) -> Iterator[Near]:
        """The colours of some classes and garments in any of some boxes of L*a*b*."""
        ...

    def named(self, name: str, kinds: Sequence[str]) -> Iterator[Near]:
        """The colours of some classes and garments whose name is, to `plain`, this one."""
        ...

    def photo(self, key: int) -> ListedPhoto:
        """The photo of a key."""
        ...


def find(
    listing: Listing, wanted: Sequence[Wanted], within: float = 10.0, limit: int | None = None
) -> list[Match]:
    """The photos that show all wanted colours, best first.

    The nearest come first, and equally near ones by share; distances that differ by less than 1,
    which no eye tells apart, count as equal. Of a base colour all shades are equally near, and
    their shares of a class or garment are added up; shares under `LEAST_SHARE` come last and,
    where no class or garment is wanted, those of single garments after those of the clothes. What
    is listed by the very name of CSS or xkcd that was asked for matches however far it is. Of
    several wanted colours the worst counts.

    Args:
        listing: where to look.
        wanted: what to look for, at least one.
        within: farther colours (CIEDE2000) of other names are no match; of a base colour, all are.
        limit: at most so many photos.
    """
    every = [kind for kind in listing.kinds() if kind not in FEW_COLORED]
    kinds = [[one.of] if one.of else every for one in wanted]
    found = [_best(listing, *each, within) for each in zip(wanted, kinds, strict=True)]
    keys: NDArray[np.int64] = reduce(np.intersect1d, [each.keys for each in found])
    found = [each[np.searchsorted(each.keys, keys)] for each in found]
    steps = np.max([each.steps for each in found], axis=0)
    shares = np.min([each.shares for each in found], axis=0)
    matches = []
    for i in np.lexsort((keys, -shares, steps))[:limit].tolist():
        photo = listing.photo(int(keys[i]))
        hits = [_hit(photo, names, each, i) for names, each in zip(kinds, found, strict=True)]
        matches.append(Match(photo.file, photo.uri, tuple(hits)))
    return matches


def _best(listing: Listing, wanted: Wanted, kinds: Sequence[str], within: float) -> Found:
    """The best colour of each photo that shows a wanted one, sorted by key."""
    within = BASE_REACH if wanted.base else within + ROUNDED
    boxes = [lab_box(color.lab, within) for color in wanted.colors]
    none = np.zeros(0, np.int64)
    nothing = Near(none, none, np.zeros((0, 3)), np.zeros(0))
    near = chain([nothing], listing.near(boxes, kinds))
    found = _joined(_found(each, wanted, boxes, within) for each in near)
    # Of the shades of a base colour in a class or garment, the largest stands for all.
    found = found[np.argsort(-found.shares, kind="stable")]
    if wanted.base:
        found = _added_up(found, kinds, wanted.of is not None)
    if wanted.name:
        called = (_called(each, wanted, within) for each in listing.named(wanted.name, kinds))
        found = _joined([found, *called])
    order = np.lexsort((-found.shares, found.steps))
    _, first = np.unique(found.keys[order], return_index=True)
    return found[order[first]]


def _joined(parts: Iterable[Found]) -> Found:
    """All of some colours, in order; there is at least one part."""
    columns = zip(*(vars(part).values() for part in parts), strict=True)
    return Found(*(np.concatenate(column) for column in columns))


def _found(near: Near, wanted: Wanted, boxes: Sequence[Floats], within: float) -> Found:
    """Those of some colours that match a wanted one."""
    if wanted.base:
        near = near[wanted.base.holds(near.labs)]
    distances = np.full(len(near.keys), np.inf)
    for color, (low, high) in zip(wanted.colors, boxes, strict=True):
        inside = ((near.labs >= low) & (near.labs <= high)).all(axis=1)
        exact = delta_e(near.labs[inside], np.array(color.lab))
        distances[inside] = np.minimum(distances[inside], exact)
    near, distances = near[distances <= within], distances[distances <= within]
    steps = distances.astype(np.int64)
    return Found(near.keys, near.kinds, near.labs, near.shares, distances, steps)


def _called(near: Near, wanted: Wanted, within: float) -> Found:
    """Of some colours with a wanted one's name, those that are too far to match otherwise."""
    gaps = np.min([delta_e(near.labs, np.array(color.lab)) for color in wanted.colors], axis=0)
    near, gaps = near[gaps > within], gaps[gaps > within]
    return Found(near.keys, near.kinds, near.labs, near.shares, gaps, gaps.astype(np.int64))


def _added_up(found: Found, kinds: Sequence[str], asked: bool) -> Found:
    """Colours of a base colour, with the shares of its shades added up and steps by them.

    Args:
        found: all colours of it.
        kinds: the classes and garments that `found.kinds` counts.
        asked: whether one of them was asked for.
    """
    _, group = np.unique(found.keys * len(kinds) + found.kinds, return_inverse=True)
    # Two bags of one photo have 200 % together.
    shares = np.minimum(np.bincount(group, found.shares)[group], 1.0)
    first = np.array([asked or kind == GARMENTS_CLASS for kind in kinds])[found.kinds]
    steps = np.where(shares < LEAST_SHARE, 2, np.where(first, 0, 1))
    return replace(found, shares=shares, steps=steps)


def _hit(photo: ListedPhoto, kinds: Sequence[str], found: Found, place: int) -> Hit:
    """What was found at a place, as the photo has it."""
    of, lab = kinds[found.kinds[place]], found.labs[place]
    fitting = [color for color in photo.colors if color.of == of]
    # L*a*b* may be rounded in other ways there.
    color = min(fitting, key=lambda color: float(np.abs(np.array(color.lab) - lab).sum()))
    basic = name_of(Color.from_hex(color.hex), "basic")
    share, distance = float(found.shares[place]), float(found.distances[place])
    score = None if color.score is None else round(color.score, 4)
    return Hit(of, color.hex, color.name, basic, round(share, 6), round(distance, 4), score)
