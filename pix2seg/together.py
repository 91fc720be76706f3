"""One segmentation of several people, from each one's own."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from pix2seg.classes import BACKGROUND
from pix2seg.garments import Kinds
from pix2seg.preprocess.person import Person
from pix2seg.result import Segmentation


def together(person: Person, people: Sequence[Segmentation]) -> Segmentation:
    """Several people of a photo in one result: each as alone, the most prominent in front.

    Alone each fills the generator's frame; all together they would be small in it.

    Args:
        person: all of them, as the extractor found them.
        people: each one's segmentation, the most prominent first; at least one.

    Returns:
        Its quality is the mean over their pixels, its review that of the first who has one.
    """
    first = people[0]
    mask = np.zeros_like(first.mask)
    for one in reversed(people):
        np.copyto(mask, one.mask, where=one.mask != BACKGROUND)
    sizes = [np.count_nonzero(one.mask) + 1 for one in people]
    doubts = (f"person {n}: {one.review}" for n, one in enumerate(people, 1) if one.review)
    naming: Callable[[], Kinds] | None = partial(_kinds, people) if first.naming else None
    return replace(
        first,
        drawing=partial(_map, people),
        mask=mask,
        person=person,
        quality=float(np.average([one.quality for one in people], weights=sizes)),
        review=next(doubts, None),
        naming=naming,
    )


def _map(people: Sequence[Segmentation]) -> NDArray[np.uint8]:
    """Each one's map where their mask is and, off all masks, where they left a trace."""
    nothing = people[0].scheme.colors[BACKGROUND]
    map = np.full_like(people[0].photo.pixels, nothing)
    covered = np.zeros(map.shape[:2], bool)
    for one in reversed(people):
        # Not `one.map`, which would stay: of a large photo, one for each person fills the memory.
        drawn, own = one.drawing(), one.mask != BACKGROUND
        traces = (drawn != nothing).any(axis=2) & ~covered
        np.copyto(map, drawn, where=(own | traces)[..., None])
        covered |= own
    return map


def _kinds(people: Sequence[Segmentation]) -> Kinds:
    mask = np.zeros_like(people[0].mask)
    certainty = np.zeros_like(mask)
    for one in reversed(people):
        named, own = one.named(), one.mask != BACKGROUND
        np.copyto(mask, named.mask, where=own)
        np.copyto(certainty, named.certainty, where=own)
    return Kinds(mask, certainty)
