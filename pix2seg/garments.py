"""Garment by garment: which kind each pixel of the clothes is, and which things a photo shows.

The generator's garment head says how likely each kind is, everywhere. What counts is the best kind
on pixels that the mask calls clothes.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray

from pix2seg.classes import BACKGROUND, Scheme, load_scheme
from pix2seg.colors.palette import MAX_COLORS, Palette, extract_palette
from pix2seg.colors.space import delta_e, to_lab
from pix2seg.distinct import distinct
from pix2seg.preprocess.fit import Box, Fit
from pix2seg.preprocess.person.base import box_around
from pix2seg.tidy import connected, nearest_of

if TYPE_CHECKING:
    from PIL.Image import Image

    from pix2seg.result import Segmentation

BODY = ("background", "skin", "hair")
"""The first kinds, which are no garments: the mask decides on them, not the garment head."""

FIRST_GARMENT = len(BODY)
"""The garment head's channels are the kinds from this id on."""

SPECK = 1 / 500
"""A connected part of a kind with a smaller share of the clothes is a speck. Nine in ten of the
parts that CCP annotates are larger, jewellery included; of belts eight in ten."""

PATCH = 1 / 10
"""A part with a smaller share of the clothes is a patch on a garment of another kind, if its own
kind is less likely than all others together. Larger shares take real bags and shoes away."""

LIKELY = 255 / 2
"""The certainty from which on a kind is likelier than all others together."""

LARGE = ("top", "outerwear", "dress", "skirt", "trousers")
"""Kinds of which nobody wears a speck."""

ONE_PIECE = {
    ("dress", "skirt"): 0.45,  # nobody wears both
    LARGE: 0.9,  # a patch in the middle of another
}
"""A part of these kinds goes on as one of another of them if this share of its edge is where they
meet ..."""

ALIKE = 12.0
"""... and their median colours are no farther apart than this CIEDE2000."""

SEVERAL = ("bag",)
"""Kinds of which parts that do not touch are things of their own; two shoes are one entry."""

SURE_KIND = 0.7
"""Garments with a smaller score are told with a question mark: 44 % of them are what they are
called, of the others 89 % (docs/garments.md)."""

OWN_SHARE = 0.25
"""A part of a bag that is smaller, beside the largest, is its strap rather than another bag."""


@cache
def kinds() -> Scheme:
    """The scheme `garments`: sixteen kinds, the garment head's from id 3 on."""
    return load_scheme("garments")


def body_ids(scheme: Scheme) -> NDArray[np.uint8]:
    """Each class's id of the scheme `garments`, uint8 (classes,); `FIRST_GARMENT` for what is worn.

    Args:
        scheme: what is neither its background nor called skin or hair is worn.
    """
    ids = [BODY.index(name) if name in BODY else FIRST_GARMENT for name in scheme.foreground]
    return np.array([BACKGROUND, *ids], np.uint8)


@dataclass(frozen=True, eq=False)
class Kinds:
    """Which kind each pixel is.

    Attributes:
        mask: ids of the scheme `garments`, uint8 (H, W).
        certainty: how likely each pixel's kind is, uint8 (H, W), 255 for certain; 0 off the
            clothes.
    """

    mask: NDArray[np.uint8]
    certainty: NDArray[np.uint8]


def with_doubts(named: Kinds) -> Scheme:
    """The scheme `garments` with a question mark behind kinds that are hardly sure in a photo."""
    scheme = kinds()
    classes = list(scheme.classes)
    for kind in distinct(named.mask):
        if kind >= FIRST_GARMENT and named.certainty[named.mask == kind].mean() < 255 * SURE_KIND:
            classes[kind] = replace(classes[kind], name=f"{classes[kind].name}?")
    return replace(scheme, classes=tuple(classes))


@dataclass(frozen=True, eq=False)
class Garment:
    """One thing that somebody wears.

    Attributes:
        kind: its name in the scheme `garments`, such as `trousers`.
        mask: bool (H, W), the photo's size.
        box: x0, y0, x1, y1 in pixels of the photo, x1 and y1 one past the last.
        coverage: its share of the photo, 0..1.
        score: how likely its kind is, 0..1: the mean over its pixels.
        result: what it is part of.
        max_colors: its palette has at most so many.
    """

    kind: str
    mask: NDArray[np.bool_] = field(repr=False)
    box: Box
    coverage: float
    score: float
    result: "Segmentation" = field(repr=False)
    max_colors: int = field(repr=False)

    @cached_property
    def palette(self) -> Palette:
        """Its colours."""
        return extract_palette(self.result.photo.pixels, self.mask, self.max_colors)

    def cutout(self, *, hard_edges: bool = False) -> "Image":
        """The photo with all but the garment transparent, RGBA; see `Segmentation.cutout`."""
        return self.result.cutout(self, hard_edges=hard_edges)


def name_kinds(
    logits: NDArray[np.float32],
    fit: Fit,
    part: tuple[slice, slice],
    pixels: NDArray[np.uint8],
    mask: NDArray[np.uint8],
    scheme: Scheme,
) -> Kinds:
    """The best kind of each pixel that the mask calls clothes, without specks and patches.

    Args:
        logits: of kinds 3 to 15 over the network's frame, float32 (13, h, w); any h and w.
        fit: where the photo's part lies in the frame.
        part: rows and columns of the photo that the network saw.
        pixels: the photo, RGB uint8 (H, W, 3).
        mask: class ids, uint8 (H, W).
        scheme: the mask's classes. What is neither background, skin nor hair is clothes.
    """
    named = body_ids(scheme)[mask]
    certainty = np.zeros(mask.shape, np.uint8)
    clothes = named[part] >= FIRST_GARMENT
    shares = np.exp(logits - logits.max(axis=0))
    shares /= shares.sum(axis=0)
    best, probability = fit.invert_likeliest(shares)
    np.copyto(named[part], best + np.uint8(FIRST_GARMENT), where=clothes)
    np.copyto(certainty[part], np.round(255 * probability).astype(np.uint8), where=clothes)
    x0, y0, x1, y1 = box_around(named >= FIRST_GARMENT)
    worn = slice(y0, y1), slice(x0, x1)
    named[worn] = _without_patches(named[worn], certainty[worn])
    for names, shared_edge in ONE_PIECE.items():
        named[worn] = _in_one_piece(named[worn], pixels[worn], names, shared_edge)
    return Kinds(named, certainty)


def find_garments(
    result: "Segmentation", named: Kinds, max_colors: int = MAX_COLORS
) -> list[Garment]:
    """The things that a photo shows, the largest first.

    Args:
        result: what they are part of.
        named: which kind each pixel is.
        max_colors: at most so many for each garment's palette.
    """
    garments = []
    for kind_id in distinct(named.mask):
        if kind_id < FIRST_GARMENT:
            continue
        kind, whole = kinds().names[kind_id], np.asarray(named.mask == kind_id)
        for mask in _things(whole) if kind in SEVERAL else [whole]:
            coverage = float(np.count_nonzero(mask) / mask.size)
            score = float(named.certainty[mask].mean() / 255)
            box = box_around(mask)
            garments.append(Garment(kind, mask, box, coverage, score, result, max_colors))
    return sorted(garments, key=lambda garment: (-garment.coverage, garment.box))


def number_garments(garments: Sequence[Garment], classes: Collection[str]) -> dict[str, Garment]:
    """The garments by names of their own: their kind, or `bag 2` where there is a `bag` already.

    Args:
        garments: all of a photo.
        classes: names that classes have.
    """
    named: dict[str, Garment] = {}
    for garment in garments:
        name, nth = garment.kind, 2
        while name in named or name in classes:
            name, nth = f"{garment.kind} {nth}", nth + 1
        named[name] = garment
    return named


def _without_patches(mask: NDArray[np.uint8], certainty: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Kinds whose specks and patches took the kind of the nearest other part.

    What stands alone keeps its kind, but for specks of `LARGE` kinds.
    """
    clothes = mask >= FIRST_GARMENT
    size = np.count_nonzero(clothes)
    if not size:
        return mask
    specks, worn_by_nobody = np.zeros((2, *mask.shape), bool)
    large = [kinds().id_of(name) for name in LARGE]
    for kind_id in distinct(mask[clothes]):
        parts, areas = connected(mask == kind_id)
        likely = np.bincount(parts.ravel(), certainty.ravel()) > areas * LIKELY
        tiny = areas < SPECK * size
        small = tiny | ((areas < PATCH * size) & ~likely)
        tiny[BACKGROUND] = small[BACKGROUND] = False  # part 0 is all that is not of the kind
        specks |= small[parts]
        if kind_id in large:
            worn_by_nobody |= tiny[parts]
    count, islands = cv2.connectedComponents(clothes.astype(np.uint8), connectivity=8)
    holds_more = np.zeros(count, bool)
    holds_more[islands[clothes & ~specks]] = True
    specks &= holds_more[islands] | worn_by_nobody
    return nearest_of(mask, specks, clothes & ~specks)


def _in_one_piece(
    mask: NDArray[np.uint8], pixels: NDArray[np.uint8], names: Sequence[str], shared_edge: float
) -> NDArray[np.uint8]:
    """Kinds of which parts that go on as a larger one are of its kind; see `ONE_PIECE`.

    Args:
        mask: ids of the scheme `garments`, uint8 (H, W).
        pixels: RGB uint8 (H, W, 3).
        names: the kinds whose parts may be one.
        shared_edge: the share of a part's edge, 0..1.
    """
    ids = [kinds().id_of(name) for name in names]
    if sum((mask == kind_id).any() for kind_id in ids) < 2:
        return mask
    mask = mask.copy()
    x0, y0, x1, y1 = box_around(np.isin(mask, ids))
    mask_there, pixels_there = mask[y0:y1, x0:x1], pixels[y0:y1, x0:x1]
    parts, kind_of = _parts(mask_there, ids)
    areas = np.bincount(parts.ravel(), minlength=len(kind_of))
    while (pair := _alike(parts, areas, kind_of, pixels_there, shared_edge)) is not None:
        small, large = pair
        parts[parts == small] = large
        kind_of[small], areas[large], areas[small] = kind_of[large], areas[large] + areas[small], 0
    named = parts > 0
    mask_there[named] = kind_of[parts[named]]
    return mask


def _parts(mask: NDArray[np.uint8], ids: Sequence[int]) -> tuple[NDArray[np.int32], NDArray[Any]]:
    """Connected parts of some kinds, int32 (H, W), 0 elsewhere, and the kind of each, (N,)."""
    numbers, kind_of = np.zeros(mask.shape, np.int32), [0]
    for kind_id in ids:
        parts, areas = connected(mask == kind_id)
        numbers[parts > 0] = parts[parts > 0] + len(kind_of) - 1
        kind_of += [kind_id] * (len(areas) - 1)
    return numbers, np.array(kind_of)


def _alike(
    parts: NDArray[np.int32],
    areas: NDArray[np.intp],
    kind_of: NDArray[Any],
    pixels: NDArray[np.uint8],
    shared_edge: float,
) -> tuple[int, int] | None:
    """The part that goes on as a larger one of another kind, and that one; None if none does.

    Of several, those whose colours are nearest.
    """
    meets = np.zeros((len(areas), len(areas)))
    bordered = np.pad(parts, 1)  # where the photo ends, no other garment is met
    for one, other in ((bordered[:-1], bordered[1:]), (bordered[:, :-1], bordered[:, 1:])):
        edge = one != other
        np.add.at(meets, (one[edge], other[edge]), 1)
    meets += meets.T
    found, nearest = None, ALIKE
    for small, large in np.argwhere(meets >= shared_edge * meets.sum(axis=1, keepdims=True)):
        between_garments = small and large  # part 0 is all that is of none of the kinds
        if not (between_garments and 0 < areas[small] <= areas[large]):
            continue
        if kind_of[small] == kind_of[large]:
            continue
        one, other = (np.median(pixels[parts == part], axis=0) / 255 for part in (small, large))
        distance = float(delta_e(to_lab(one[None]), to_lab(other[None])[0])[0])
        if distance < nearest:
            found, nearest = (int(small), int(large)), distance
    return found


def _things(mask: NDArray[np.bool_]) -> Iterator[NDArray[np.bool_]]:
    """The parts of a mask that do not touch, each small one with the nearest of the large ones."""
    parts, areas = connected(mask)
    large = areas >= OWN_SHARE * areas[1:].max()
    large[BACKGROUND] = False  # part 0 is all that is not of the mask
    nearest = nearest_of(parts, mask & ~large[parts], large[parts])
    owners = np.arange(len(areas))
    for part in np.flatnonzero(~large)[1:]:
        owners[part] = np.bincount(nearest[parts == part]).argmax()
    for part in np.flatnonzero(large):
        yield np.asarray(owners[parts] == part)
