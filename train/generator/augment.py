"""Augmentation: photo and mask are changed together."""

from typing import NamedTuple, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from pix2seg.classes import BACKGROUND
from pix2seg.preprocess.background import Background, hide_background, widen
from pix2seg.preprocess.fit import PADDING_COLOR, Fit, Size
from pix2seg.preprocess.person.base import box_around, part_around
from pix2seg.train.generator.recolor import SKIN, recolored, with_other_skin
from pix2seg.train.recipe import AugmentationSettings
from pix2seg.train.transforms import Jitter, Transform, around, jitter, warp, without_color

Slices = tuple[slice, slice]
"""Rows and columns."""

WIDEST_MARGIN = 0.12
"""Extractors leave a rim of background around the person; so do the training photos."""

MISSING = 0.2
"""The share of a mask's mistakes that take pixels away."""

ENDS = (0.3, 0.9)
"""Where a photo ends that shows a part of the person, as a share of their height from the top."""

UPPER = 0.7
"""The share of such photos that show the upper part."""


class Sample(NamedTuple):
    """A photo and what is known of it.

    Attributes:
        photo: RGB uint8 (H, W, 3).
        mask: uint8 (H, W), class ids, or `SOMEBODY` or `UNKNOWN` of `pix2seg.classes`.
        person: uint8 (H, W), not 0 on what stays where the background is hidden.
        garments: uint8 (H, W), ids of the scheme `garments`; 0 where none is known.
    """

    photo: NDArray[np.uint8]
    mask: NDArray[np.uint8]
    person: NDArray[np.uint8]
    garments: NDArray[np.uint8]

    def warped(self, transform: Transform) -> Self:
        """All of it under a transform, at the same size."""
        size = self.mask.shape[1], self.mask.shape[0]
        labels = (warp(image, transform, size, labels=True) for image in self[1:])
        return type(self)(warp(self.photo, transform, size, fill=PADDING_COLOR), *labels)

    def halved(self) -> Self:
        """All of it at half the size."""
        size = self.mask.shape[1] // 2, self.mask.shape[0] // 2
        photo = np.asarray(cv2.resize(self.photo, size, interpolation=cv2.INTER_AREA), np.uint8)
        labels = (
            cv2.resize(image, size, interpolation=cv2.INTER_NEAREST_EXACT) for image in self[1:]
        )
        return type(self)(photo, *(np.asarray(image, np.uint8) for image in labels))


def augment(
    sample: Sample,
    backdrop: Sample,
    settings: AugmentationSettings,
    background: Background,
    parts: NDArray[np.uint8],
    rng: np.random.Generator,
    *,
    crop: float = 0.0,
) -> Sample:
    """A changed copy of a photo and what is known of it.

    Args:
        sample: what to change.
        backdrop: another sample, to stand behind the person.
        settings: how far to go.
        background: what the background becomes where it is hidden.
        parts: what the mask tells of garments, as `parts_of` says it, where `sample` knows none.
        rng: decides everything, so that the same generator gives the same copy.
        crop: the probability that the photo is first cut to the part around somebody in it.
    """
    transform, shown = _view(sample, settings, crop, rng)
    photo, mask, person, garments = sample.warped(transform)
    if rng.random() < settings.recolor:
        photo = recolored(photo, garments if garments.any() else parts[mask], rng)
    if rng.random() < settings.skin_tone:
        photo = with_other_skin(photo, parts[mask] == SKIN, rng)
    light = Jitter.even(settings.color_jitter)
    photo = jitter(photo, light, rng)
    behind = mask == BACKGROUND
    if rng.random() < settings.swap_background:
        # Whoever stands in the other photo keeps their classes, so the mask stays true.
        other_photo = jitter(backdrop.photo, light, rng)
        photo = np.where(behind[..., None], other_photo, photo)
        mask = np.where(behind, backdrop.mask, mask)
        garments = np.where(behind, backdrop.garments, garments)
    if rng.random() < settings.hide_background:
        visible = widen(
            _mistaken(person, settings.mask_mistakes, rng) > 0, rng.uniform(0, WIDEST_MARGIN)
        )
        photo = hide_background(photo, visible, background)
        # What an extractor cuts off the person stays a true pixel of theirs, to be guessed.
        mask = np.where(behind & ~visible, np.uint8(BACKGROUND), mask)
        garments = np.where(behind & ~visible, np.uint8(BACKGROUND), garments)
    if rng.random() < settings.grey:
        photo = without_color(photo)
    if shown:
        photo = _padded(photo, shown, PADDING_COLOR)
        mask, garments = (_padded(image, shown, (BACKGROUND,)) for image in (mask, garments))
    return Sample(photo, mask, person, garments)


def _view(
    sample: Sample, settings: AugmentationSettings, crop: float, rng: np.random.Generator
) -> tuple[Transform, Slices | None]:
    """How a photo is moved, and what part of the frame it fills then; None for all of it."""
    height, width = sample.mask.shape
    transform = _affine(width, height, settings, rng)
    if rng.random() < crop:
        transform = transform @ _around_somebody(sample.person, rng)
    if rng.random() >= settings.close_up:
        return transform, None
    near = rng.random() < 0.5
    moved = warp(sample.mask, transform, (width, height), labels=True)
    to_frame, shown = (_close_up(moved, settings, rng), None) if near else _cut(moved, rng)
    return to_frame @ transform, shown


def _around_somebody(people: NDArray[np.uint8], rng: np.random.Generator) -> Transform:
    """The way to the frame of a photo that is cut around one of the people."""
    numbers = np.unique(people)[1:]
    if not len(numbers):
        return np.eye(3)
    height, width = people.shape
    part = part_around(people == rng.choice(numbers), (width, height))
    return _to_frame(part, (width, height))[0]


def _mistaken(
    person: NDArray[np.uint8], mistakes: float, rng: np.random.Generator
) -> NDArray[np.uint8]:
    """A person's mask with mistakes such as extractors make: pieces too many, and some missing.

    A generator that only ever saw faultless masks would take all that is not hidden for the
    person.
    """
    rows, columns = np.nonzero(person)
    if not len(rows):
        return person
    mistaken = person.copy()
    height = float(np.ptp(rows)) + 1
    for _ in range(rng.poisson(mistakes)):
        pick = int(rng.integers(len(rows)))
        missing = bool(rng.random() < MISSING)
        centre = np.array([columns[pick], rows[pick]]) + rng.normal(0, 0.06 * height, 2)
        axes = rng.uniform(0.01, 0.03 if missing else 0.12, 2) * height
        box = (centre.tolist(), (2 * axes).tolist(), float(rng.uniform(0, 180)))
        cv2.ellipse(mistaken, box, 0 if missing else 255, cv2.FILLED)
    return mistaken


def _affine(
    width: int, height: int, settings: AugmentationSettings, rng: np.random.Generator
) -> Transform:
    """Turns, scales, shifts and mirrors at random."""
    angle = rng.uniform(-settings.rotation, settings.rotation)
    scale = rng.uniform(1 - settings.zoom, 1 + settings.zoom)
    x, y = (width - 1) / 2, (height - 1) / 2
    right, down = rng.uniform(-settings.shift, settings.shift, 2) * (width, height)
    flip = bool(rng.random() < settings.flip)
    return around((x, y), (x + right, y + down), scale, -angle, flip)


def _close_up(
    mask: NDArray[np.uint8], settings: AugmentationSettings, rng: np.random.Generator
) -> Transform:
    """Looks closely at some place on the person, or on the head, their uppermost sixth."""
    height, width = mask.shape
    rows, columns = np.nonzero(mask != BACKGROUND)
    if not len(rows):
        return np.eye(3)
    last = len(rows)
    if rng.random() < settings.heads:
        last = int(np.count_nonzero(rows <= rows[0] + np.ptp(rows) / 6))  # sorted from the top
    pick = int(rng.integers(last))
    nearer = settings.closest ** rng.random()  # from 1 to 2 times is as likely as from 3 to 6
    return around((columns[pick], rows[pick]), (width / 2, height / 2), nearer)


def _cut(mask: NDArray[np.uint8], rng: np.random.Generator) -> tuple[Transform, Slices | None]:
    """The frame of a photo that ends within the person, as large as it can be.

    Returns:
        The way from the whole photo to the frame, and what part of the frame the photo fills;
        None for all of it.
    """
    height, width = mask.shape
    _, head, _, feet = box_around(mask != BACKGROUND)
    if feet - head < 2:  # nobody, or nothing to end within
        return np.eye(3), None
    end = round(head + rng.uniform(*ENDS) * (feet - head))
    end = min(max(end, head + 1), feet - 1)
    first, last = (0, end) if rng.random() < UPPER else (end, height)
    rows, columns = part_around(mask[first:last] != BACKGROUND, (width, height))
    rows = slice(rows.start + first, rows.stop + first)
    return _to_frame((rows, columns), (width, height))


def _to_frame(part: Slices, frame: Size) -> tuple[Transform, Slices]:
    """How a part of a photo is laid into the frame, and what part of the frame it fills."""
    rows, columns = part
    size = columns.stop - columns.start, rows.stop - rows.start
    fit = Fit(size, frame)
    down, across = fit.placed
    scale = fit.fitted_size[0] / size[0], fit.fitted_size[1] / size[1]
    transform = around((columns.start, rows.start), (across.start, down.start), scale)
    return transform, (down, across)


def _padded(image: NDArray[np.uint8], shown: Slices, fill: tuple[int, ...]) -> NDArray[np.uint8]:
    """The image with all but a part of it filled."""
    padded = np.full_like(image, fill)
    padded[shown] = image[shown]
    return padded
