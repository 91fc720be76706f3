"""Augmentation: photo and mask are changed together."""

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike, NDArray

from pix2seg.classes import BACKGROUND
from pix2seg.preprocess.background import Background, hide_background, widen
from pix2seg.preprocess.fit import PADDING_COLOR, Fit
from pix2seg.preprocess.person.base import box_around, part_around
from pix2seg.train.recipe import AugmentationSettings

Slices = tuple[slice, slice]
"""Rows and columns."""

WIDEST_MARGIN = 0.12
"""Extractors leave a rim of background around the person; so do the training photos."""

MISSING = 0.2
"""The share of a mask's mistakes that take pixels away."""

CLOSEST = 3.0
"""How many times nearer a close-up comes at most."""

ENDS = (0.3, 0.9)
"""Where a photo ends that shows a part of the person, as a share of their height from the top."""

UPPER = 0.7
"""The share of such photos that show the upper part."""


def augment(
    photo: NDArray[np.uint8],
    mask: NDArray[np.uint8],
    person: NDArray[np.uint8],
    backdrop: tuple[NDArray[np.uint8], NDArray[np.uint8]],
    settings: AugmentationSettings,
    background: Background,
    rng: Generator,
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """A changed copy of a photo and its mask.

    Args:
        photo: RGB uint8 (H, W, 3).
        mask: uint8 (H, W), class ids.
        person: uint8 (H, W), not 0 on what stays where the background is hidden.
        backdrop: another photo of the data set with its mask, to stand behind the person.
        settings: how far to go.
        background: what the background becomes where it is hidden.
        rng: decides everything, so that the same generator gives the same copy.
    """
    height, width = mask.shape
    transform = _affine(width, height, settings, rng)
    shown: Slices | None = None
    if rng.random() < settings.close_up:
        if rng.random() < 0.5:
            transform = transform @ _close_up(mask, rng)
        else:
            moved = _warp(mask, transform, cv2.INTER_NEAREST, (BACKGROUND,))
            to_frame, shown = _cut(moved, rng)
            transform = to_frame @ transform
    photo = _warp(photo, transform, cv2.INTER_LINEAR, PADDING_COLOR)
    mask = _warp(mask, transform, cv2.INTER_NEAREST, (BACKGROUND,))
    photo = _jitter(photo, settings.color_jitter, rng)
    behind = mask == BACKGROUND
    if rng.random() < settings.swap_background:
        # Whoever stands in the other photo keeps their classes, so the mask stays true.
        other_photo, other_mask = backdrop
        photo = np.where(behind[..., None], _jitter(other_photo, settings.color_jitter, rng), photo)
        mask = np.where(behind, other_mask, mask)
    if rng.random() < settings.hide_background:
        person = _warp(person, transform, cv2.INTER_NEAREST, (BACKGROUND,))
        visible = widen(
            _mistaken(person, settings.mask_mistakes, rng) > 0, rng.uniform(0, WIDEST_MARGIN)
        )
        photo = hide_background(photo, visible, background)
        # What an extractor cuts off the person stays a true pixel of theirs, to be guessed.
        mask = np.where(behind & ~visible, np.uint8(BACKGROUND), mask)
    if shown:
        photo, mask = _padded(photo, shown, PADDING_COLOR), _padded(mask, shown, (BACKGROUND,))
    return photo, mask


def _mistaken(person: NDArray[np.uint8], mistakes: float, rng: Generator) -> NDArray[np.uint8]:
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
    width: int, height: int, settings: AugmentationSettings, rng: Generator
) -> NDArray[np.float64]:
    """A homogeneous transform, (3, 3), that turns, scales, shifts and mirrors at random."""
    angle = rng.uniform(-settings.rotation, settings.rotation)
    scale = rng.uniform(1 - settings.zoom, 1 + settings.zoom)
    centre = ((width - 1) / 2, (height - 1) / 2)
    transform = np.vstack([cv2.getRotationMatrix2D(centre, angle, scale), [0, 0, 1]])
    transform[:2, 2] += rng.uniform(-settings.shift, settings.shift, 2) * (width, height)
    if rng.random() < settings.flip:
        mirror = np.array([[-1, 0, width - 1], [0, 1, 0], [0, 0, 1]], float)
        transform = transform @ mirror
    return transform


def _close_up(mask: NDArray[np.uint8], rng: Generator) -> NDArray[np.float64]:
    """A homogeneous transform, (3, 3), that looks closely at some place on the person."""
    height, width = mask.shape
    rows, columns = np.nonzero(mask != BACKGROUND)
    if not len(rows):
        return np.eye(3)
    pick = int(rng.integers(len(rows)))
    scale = rng.uniform(1, CLOSEST)
    to_middle = np.array([width / 2, height / 2]) - scale * np.array([columns[pick], rows[pick]])
    return _scaling((scale, scale), to_middle)


def _cut(mask: NDArray[np.uint8], rng: Generator) -> tuple[NDArray[np.float64], Slices | None]:
    """The frame of a photo that ends within the person, as a segmenter lays it out.

    Returns:
        A homogeneous transform, (3, 3), from the whole photo to the frame, and what part of the
        frame the photo fills; None for all of it.
    """
    height, width = mask.shape
    _, head, _, feet = box_around(mask != BACKGROUND)
    if not feet:
        return np.eye(3), None
    end = round(head + rng.uniform(*ENDS) * (feet - head))
    first, last = (0, end) if rng.random() < UPPER else (end, height)
    rows, columns = part_around(mask[first:last] != BACKGROUND, (width, height))
    size = columns.stop - columns.start, rows.stop - rows.start
    left, top, fitted_width, fitted_height = Fit(size, (width, height)).box
    scale = np.array([fitted_width / size[0], fitted_height / size[1]])
    offset = np.array([left, top]) - scale * np.array([columns.start, rows.start + first])
    shown = slice(top, top + fitted_height), slice(left, left + fitted_width)
    return _scaling(scale, offset), shown


def _scaling(scale: ArrayLike, offset: ArrayLike) -> NDArray[np.float64]:
    """A homogeneous transform, (3, 3), that scales x and y and then shifts them."""
    transform = np.diag([*np.asarray(scale, float), 1.0])
    transform[:2, 2] = offset
    return transform


def _padded(image: NDArray[np.uint8], shown: Slices, fill: tuple[int, ...]) -> NDArray[np.uint8]:
    """The image with all but a part of it filled."""
    padded = np.full_like(image, fill)
    padded[shown] = image[shown]
    return padded


def _warp(
    image: NDArray[np.uint8],
    transform: NDArray[np.float64],
    interpolation: int,
    fill: tuple[int, ...],
) -> NDArray[np.uint8]:
    height, width = image.shape[:2]
    warped = cv2.warpAffine(
        image, transform[:2], (width, height), flags=interpolation, borderValue=fill
    )
    return np.asarray(warped, np.uint8)


def _jitter(photo: NDArray[np.uint8], strength: float, rng: Generator) -> NDArray[np.uint8]:
    """Change saturation, contrast, brightness and each channel's gain, in 8 bits for speed."""
    saturation, contrast, brightness = rng.uniform(1 - strength, 1 + strength, 3)
    gains = rng.uniform(1 - strength / 3, 1 + strength / 3, 3)
    grey = cv2.cvtColor(cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    photo = np.asarray(cv2.addWeighted(photo, saturation, grey, 1 - saturation, 0), np.uint8)
    mean = float(grey.mean())
    levels = ((np.arange(256) - mean) * contrast + mean)[:, None] * brightness * gains
    table = np.clip(levels, 0, 255).astype(np.uint8)[None]
    return np.asarray(cv2.LUT(photo, table), np.uint8)
