"""What every person extractor takes and gives."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from pix2seg.errors import PersonError
from pix2seg.preprocess.background import MARGIN, widen, widening
from pix2seg.preprocess.fit import Box, Size, crop_around, enlarge_decided

Edges = tuple[float, float, float, float]
"""As `Box`, but an edge may lie within a pixel."""

LEAST_PART = 0.01
"""A part of a mask with a smaller share of the largest part's pixels is a stray: a few pixels that
a margin would turn into a disc."""

INSIDE = 0.7
"""A person with a larger share of their mask in another's is part of what the other one shows."""

SAME = 0.6
"""Two who share more than this of the smaller mask are one and the same."""

AT_LEAST = 0.2
"""Whose box shares less than this of the smaller one with that asked for is somebody else."""

SURE = 0.9
"""Whoever is less sure than this share of the surest is not what the photo is about."""


@dataclass(frozen=True, eq=False)
class Person:
    """Where the person is in a photo.

    Args:
        mask: bool (H, W), the photo's size: True on the person.
        box: the rectangle around the mask; (0, 0, 0, 0) when nobody was found.
        score: how sure the extractor is, 0..1.
        belief: how sure it is of each pixel, float32 (h, w), 0..1, at the photo's size or smaller;
            None if it only decides.
        members: where this is everyone, each of them once, the most prominent first.
    """

    mask: NDArray[np.bool_] = field(repr=False)
    box: Box
    score: float
    belief: NDArray[np.float32] | None = field(default=None, repr=False)
    members: tuple["Person", ...] = ()

    def __post_init__(self) -> None:
        if self.mask.dtype != np.bool_ or self.mask.ndim != 2:
            raise TypeError(
                f"a person's mask is bool (H, W); this is {self.mask.dtype} {self.mask.shape}"
            )

    @property
    def found(self) -> bool:
        """Whether there is anybody."""
        return self.box != (0, 0, 0, 0)

    @property
    def certainty(self) -> NDArray[np.float32] | None:
        """How sure the extractor is of each pixel, float32 (H, W), 0..1; None if it only decides.

        Enlarged each time that it is asked for: of a large photo it would fill the memory.
        """
        if self.belief is None or self.belief.shape == self.mask.shape:
            return self.belief
        return enlarged(self.belief, self.mask.shape)

    @property
    def probability(self) -> NDArray[np.float32]:
        """That a pixel shows the person, float32 (H, W), 0..1."""
        certainty = self.certainty
        return self.mask.astype(np.float32) if certainty is None else certainty

    def visible(self, margin: float = MARGIN) -> NDArray[np.bool_]:
        """What is not to be hidden, bool (H, W): the mask with a margin, or all if nobody is found.

        Args:
            margin: see `pix2seg.preprocess.background.widen`.
        """
        return widen(self.mask, margin) if self.found else ~self.mask

    def part(self, frame_size: Size, margin: float = MARGIN) -> tuple[slice, slice]:
        """Rows and columns that a network should look at, as `part_around` takes from `visible`.

        Args:
            frame_size: (width, height) of the network's frame.
            margin: see `visible`.
        """
        height, width = self.mask.shape
        if not self.found:
            return slice(0, height), slice(0, width)
        x0, y0, x1, y1 = self.box
        more = int(widening(self.mask, margin))
        box = max(x0 - more, 0), max(y0 - more, 0), min(x1 + more, width), min(y1 + more, height)
        return _slices(crop_around(box, (width, height), frame_size))

    @classmethod
    def from_mask(cls, mask: NDArray[np.bool_], score: float) -> Self:
        """The person with this mask; nobody, with score 0, if the mask is empty."""
        box = box_around(mask)
        return cls(mask, box, score if box[2] else 0.0)

    @classmethod
    def from_probability(cls, probability: NDArray[np.float32], score: float) -> Self:
        """The person who is where `probability`, float32 (H, W), is at least a half."""
        decided = cls.from_mask(probability >= 0.5, score)
        return cls(decided.mask, decided.box, decided.score, probability)

    def resized(self, width: int, height: int) -> Self:
        """The same, for the photo at another size, without members too small to be seen there."""
        probability = self.probability
        resized = (member.resized(width, height) for member in self.members)
        members = tuple(member for member in resized if member.found)
        person = self.from_mask(enlarge_decided(probability, (width, height)), self.score)
        return replace(person, belief=probability, members=members)

    @classmethod
    def nobody(cls, shape: tuple[int, ...]) -> Self:
        """What an extractor returns for a photo of `shape` (H, W, ...) that shows no person."""
        return cls.from_mask(np.zeros(shape[:2], bool), 0.0)


def enlarged(layer: NDArray[np.float32], shape: tuple[int, ...]) -> NDArray[np.float32]:
    """A layer, float32, at the size of another of `shape` (H, W, ...)."""
    size = shape[1], shape[0]
    return np.asarray(cv2.resize(layer, size, interpolation=cv2.INTER_LINEAR), np.float32)


def without_strays(probability: NDArray[np.float32]) -> NDArray[np.float32]:
    """The same, float32 (H, W), but just below a half on parts that are far smaller than another.

    Args:
        probability: that a pixel shows the person, float32 (H, W), 0..1.
    """
    decided = (probability >= 0.5).astype(np.uint8)
    count, parts, statistics, _ = cv2.connectedComponentsWithStats(decided, connectivity=8)
    if count < 3:
        return probability
    areas = statistics[:, cv2.CC_STAT_AREA]
    stray = areas < LEAST_PART * areas[1:].max()
    stray[0] = False  # part 0 is all that shows no person
    return np.where(stray[parts], np.float32(0.49), probability)


class PersonExtractor(Protocol):
    """Finds the person in a photo."""

    @property
    def version(self) -> str:
        """Name and version of the extractor and of its weights, for the palette's JSON."""
        ...

    def find(self, pixels: NDArray[np.uint8]) -> Person:
        """The person in an upright RGB photo, uint8 (H, W, 3), of any size from 1x1 on."""
        ...


def box_around(mask: NDArray[np.bool_]) -> Box:
    """The smallest box that holds every True pixel; (0, 0, 0, 0) for an empty mask."""
    columns, rows = np.flatnonzero(mask.any(axis=0)), np.flatnonzero(mask.any(axis=1))
    if not len(columns):
        return 0, 0, 0, 0
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def part_around(seen: NDArray[np.bool_], frame_size: Size) -> tuple[slice, slice]:
    """Rows and columns of a photo that a network should look at; all where nothing is to be seen.

    Args:
        seen: bool (H, W), what is to be in the part.
        frame_size: (width, height) of the network's frame; see `crop_around`.
    """
    height, width = seen.shape
    box = box_around(seen)
    if not box[2]:
        return slice(0, height), slice(0, width)
    return _slices(crop_around(box, (width, height), frame_size))


def _slices(box: Box) -> tuple[slice, slice]:
    x0, y0, x1, y1 = box
    return slice(y0, y1), slice(x0, x1)


def choose(
    people: Sequence[Person],
    shape: tuple[int, ...],
    *,
    everyone: bool = False,
    box: Edges | None = None,
) -> Person:
    """Who the photo is about: the largest, most central of the sure ones, unless asked otherwise.

    Args:
        people: all who were found.
        shape: the photo's (H, W, ...).
        everyone: take all of them together, with the surest one's score; `members` has each.
        box: take the person whose box overlaps this one the most; nobody whose box hardly does.

    Raises:
        PersonError: the box shows nothing of the photo, or nobody.
    """
    people = [person for person in people if person.found]
    if box:
        check_inside(box, shape)
        people = [person for person in people if _shared(person.box, box) >= AT_LEAST]
        if not people:
            raise PersonError("nobody is found in the person box; leave it out, or draw another")
    if not people:
        return Person.nobody(shape)
    if everyone:
        return _together(sorted(people, key=lambda person: -_prominence(person, *shape[:2])))
    if box:
        return max(people, key=lambda person: overlap(person.box, box))
    best = max(person.score for person in people)
    sure = [person for person in people if person.score >= SURE * best]
    return max(sure, key=lambda person: _prominence(person, *shape[:2]))


def check_inside(box: Edges, shape: tuple[int, ...]) -> None:
    """Refuse a person's box that shows nothing of a photo of `shape` (H, W, ...).

    Raises:
        PersonError: it lies outside.
    """
    if not overlap(box, (0, 0, shape[1], shape[0])):
        raise PersonError("the person box lies outside the photo; give x0, y0, x1, y1 in pixels")


def _together(people: Sequence[Person]) -> Person:
    certainty = None
    if any(person.certainty is not None for person in people):
        certainty = np.maximum.reduce([person.probability for person in people])
    mask = np.logical_or.reduce([person.mask for person in people])
    score = max(person.score for person in people)
    members = _each_once(people)
    return Person(mask, box_around(mask), score, certainty, members)


def _each_once(people: Sequence[Person]) -> tuple[Person, ...]:
    """The people without those who are several others together, or somebody again less surely."""
    masks = np.array([person.mask.ravel() for person in people], np.float32)
    areas = masks.sum(axis=1)
    shared = masks @ masks.T
    inside = (shared > INSIDE * areas[:, None]) & (areas[:, None] < areas)
    kept: list[int] = []
    alone = np.flatnonzero(inside.sum(axis=0) < 2).tolist()
    for i in sorted(alone, key=lambda i: -people[i].score):
        smaller = np.minimum(areas[kept], areas[i])
        if (shared[i, kept] <= SAME * smaller).all():
            kept.append(i)
    return tuple(people[i] for i in sorted(kept))


def _prominence(person: Person, height: int, width: int) -> float:
    """A person's area, in full at the photo's centre and by half in its corners.

    A passer-by at the edge must be much larger to be taken for the subject.
    """
    x0, y0, x1, y1 = person.box
    off_x, off_y = (x0 + x1) / width - 1, (y0 + y1) / height - 1  # -1..1 from the centre
    return float(np.count_nonzero(person.mask)) * (1 - 0.25 * (off_x**2 + off_y**2))


def overlap(box: Edges, other: Edges) -> float:
    """Intersection over union of two boxes, 0..1."""
    both = _common(box, other)
    return both / (_area(box) + _area(other) - both) if both else 0.0


def _shared(box: Edges, other: Edges) -> float:
    """Intersection over the smaller of two boxes, 0..1."""
    both = _common(box, other)
    return both / min(_area(box), _area(other)) if both else 0.0


def _common(box: Edges, other: Edges) -> float:
    """The area that two boxes have in common."""
    width = min(box[2], other[2]) - max(box[0], other[0])
    height = min(box[3], other[3]) - max(box[1], other[1])
    return max(width, 0) * max(height, 0)


def scaled(box: Edges, size: Size, other: Size) -> Edges:
    """A box of a picture of one (width, height) in pixels of the same picture at another."""
    x, y = other[0] / size[0], other[1] / size[1]
    return box[0] * x, box[1] * y, box[2] * x, box[3] * y


def _area(box: Edges) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])
