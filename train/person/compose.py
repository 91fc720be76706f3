"""Training pictures: photos cropped and turned, and persons cut out and pasted elsewhere.

800 photos of one standing person on one kind of background teach a detector little about half
bodies, groups and empty streets; the pictures composed here show it all of these.
"""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from pix2seg.preprocess.fit import Box
from pix2seg.preprocess.person.base import box_around
from pix2seg.train.person.photos import PersonPhoto
from pix2seg.train.recipe import MixtureSettings
from pix2seg.train.transforms import (
    Jitter,
    Pixels,
    Transform,
    around,
    jitter,
    mirrored,
    patchwork,
    warp,
)

Labels = NDArray[np.uint8]

LEAST_PIXELS = 40
"""Persons of fewer pixels are background."""

SIZES = (0.08, 0.25), (0.25, 0.6), (0.6, 1.1)
"""Heights of pasted persons as shares of the picture's: far, in the middle, near."""

SHARES = (0.2, 0.4, 0.4)
"""How often each of `SIZES` comes."""

LIGHT = Jitter(saturation=0.4, contrast=0.25, brightness=0.3, gain=0.06, grey=1 / 12)
"""How far light and colours of the pictures change, and of the persons pasted into them."""

PLAIN = 0, 127, 255
"""Levels of backgrounds that people make: black, this project's own grey, and white."""

LEAST_HEIGHT = 80
"""Smaller persons, in pixels of the stored photo, are too coarse to be shown close or pasted."""


class Composer:
    """Draws training pictures from photos.

    Args:
        photos: with and without persons, at least one with.
        mixture: how often each kind of picture comes; what remains is photos as they are.
    """

    def __init__(self, photos: Sequence[PersonPhoto], mixture: MixtureSettings) -> None:
        self.photos = photos
        self.mixture = mixture
        self.boxes = [_boxes(photo.labels) for photo in photos]
        self.peopled = [i for i, boxes in enumerate(self.boxes) if boxes]
        self.empty = [empty_part(photo.labels) for photo in photos]

    def draw(
        self, rng: np.random.Generator, index: int, width: int, height: int
    ) -> tuple[Pixels, Labels]:
        """One picture, RGB uint8 (height, width, 3), and its labels, uint8 (height, width).

        Args:
            rng: decides everything but the photo.
            index: the photo to show, or whose persons to paste, if it has any.
            width: of the picture, in pixels.
            height: of the picture, in pixels.
        """
        kind = rng.random()
        if kind < self.mixture.nobody:
            pixels, labels = self._background(rng, width, height)
        elif kind < self.mixture.nobody + self.mixture.pasted and self.boxes[index]:
            pixels, labels = self._pasted(rng, index, width, height)
        else:
            pixels, labels = self._view(rng, index, width, height)
        return jitter(pixels, LIGHT, rng), labels

    def _view(
        self, rng: np.random.Generator, index: int, width: int, height: int
    ) -> tuple[Pixels, Labels]:
        """A photo as it is, or closer: the window lies on the whole photo or on a person."""
        photo, boxes = self.photos[index], self.boxes[index]
        photo_height, photo_width = photo.labels.shape
        window: Box = (0, 0, photo_width, photo_height)
        zoom = rng.uniform(0.7, 1.05)
        if boxes and rng.random() < 0.4:
            window = _close_up(rng, boxes[int(rng.choice(list(boxes)))])
            zoom = 1.0
        transform = _window_to_frame(rng, window, (width, height), zoom)
        pixels = warp(photo.pixels, transform, (width, height), fill=None)
        return pixels, warp(photo.labels, transform, (width, height), labels=True)

    def _pasted(
        self, rng: np.random.Generator, index: int, width: int, height: int
    ) -> tuple[Pixels, Labels]:
        """One to three persons on another background."""
        if rng.random() < 0.2:
            picture = _cloth(rng, self.photos[index], width, height), _nobody(width, height)
        elif rng.random() < 0.35:
            picture = self._view(rng, int(rng.integers(len(self.photos))), width, height)
        else:
            picture = self._background(rng, width, height)
        others = int(rng.choice([0, 1, 2], p=[0.6, 0.3, 0.1]))
        for i in [self._anybody(rng) for _ in range(others)] + [index]:
            picture = self._paste(rng, picture, i, int(rng.choice(list(self.boxes[i]))))
        return picture

    def _anybody(self, rng: np.random.Generator) -> int:
        return int(rng.choice(self.peopled))

    def _paste(
        self, rng: np.random.Generator, picture: tuple[Pixels, Labels], index: int, label: int
    ) -> tuple[Pixels, Labels]:
        pixels, labels = picture
        if labels.max() == np.iinfo(np.uint8).max:  # no number is left for another person
            return picture
        height, width = labels.shape
        photo, box = self.photos[index], self.boxes[index][label]
        scale = rng.uniform(*SIZES[rng.choice(len(SIZES), p=SHARES)]) * height / (box[3] - box[1])
        transform = around(
            ((box[0] + box[2]) / 2, (box[1] + box[3]) / 2),
            (width * rng.uniform(0.15, 0.85), height * rng.normal(0.5, 0.12)),
            (scale * rng.uniform(0.92, 1.08), scale),
            rng.uniform(-8, 8),
            bool(rng.random() < 0.5),
        )
        own = ((photo.labels == label) * 255).astype(np.uint8)
        alpha = warp(own, transform, (width, height))
        cut = warp(jitter(photo.pixels, LIGHT, rng), transform, (width, height))
        share = alpha[..., None].astype(np.float32) / 255
        mixed = pixels * (1 - share) + cut * share
        fresh = int(labels.max()) + 1
        return mixed.astype(np.uint8), np.where(alpha > 127, np.uint8(fresh), labels)

    def _background(
        self, rng: np.random.Generator, width: int, height: int
    ) -> tuple[Pixels, Labels]:
        """Something without persons: a part of a photo, cloth, or one colour."""
        kind = rng.random()
        i = int(rng.integers(len(self.photos)))
        if kind < 0.15:
            pixels = np.empty((height, width, 3), np.uint8)
            colour = rng.integers(0, 256, 3, dtype=np.uint8)
            pixels[:] = PLAIN[rng.integers(len(PLAIN))] if rng.random() < 0.7 else colour
        elif kind < 0.3 and self.boxes[i]:
            pixels = _cloth(rng, self.photos[i], width, height)
        else:
            x0, y0, x1, y1 = self.empty[i]
            part = self.photos[i].pixels[y0:y1, x0:x1]
            pixels = _behind(rng, part, width, height)
        return pixels, _nobody(width, height)


def targets_of(labels: Labels) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """What a Mask R-CNN learns from: boxes (N, 4) as x0, y0, x1, y1, and masks (N, H, W), 0 or 1.

    The persons' numbers in `labels` need not be without gaps.
    """
    counts = np.bincount(labels.ravel(), minlength=1)
    ids = [i for i in range(1, len(counts)) if counts[i] >= LEAST_PIXELS]
    masks = np.array([labels == i for i in ids], bool).reshape(-1, *labels.shape)
    boxes = np.array([box_around(mask) for mask in masks], np.float32).reshape(-1, 4)
    roomy = (boxes[:, 2:] - boxes[:, :2] >= 4).all(axis=1)
    return boxes[roomy], masks[roomy].astype(np.uint8)


def _boxes(labels: Labels) -> dict[int, Box]:
    """The box of each person that is not too small, by label."""
    boxes = {i: box_around(labels == i) for i in range(1, int(labels.max()) + 1)}
    return {i: box for i, box in boxes.items() if box[3] - box[1] >= LEAST_HEIGHT}


def empty_part(labels: Labels) -> Box:
    """The largest strip beside, above or below everybody; at the worst a thin one."""
    height, width = labels.shape
    x0, y0, x1, y1 = box_around(labels > 0)
    if not x1:
        return 0, 0, width, height
    strips = [(0, 0, x0, height), (x1, 0, width, height), (0, 0, width, y0), (0, y1, width, height)]
    largest = max(strips, key=lambda s: (s[2] - s[0]) * (s[3] - s[1]))
    if (largest[2] - largest[0]) * (largest[3] - largest[1]) == 0:
        return 0, 0, 1, 1
    return largest


def _behind(rng: np.random.Generator, part: Pixels, width: int, height: int) -> Pixels:
    """A part of a photo repeated by mirroring, as sharp as the person that it stands behind."""
    scale = max(rng.uniform(0.6, 1.4) * min(width / part.shape[1], height / part.shape[0]), 0.2)
    size = max(round(part.shape[1] * scale), 8), max(round(part.shape[0] * scale), 8)
    tile = np.asarray(cv2.resize(part, size, interpolation=cv2.INTER_AREA), np.uint8)
    right, below = max(width - size[0], 0), max(height - size[1], 0)
    left, above = (int(rng.integers(room + 1)) for room in (right, below))
    tiled = mirrored(tile, left, right - left, above, below - above)
    x, y = (
        int(rng.integers(s - f + 1))
        for s, f in zip(tiled.shape[1::-1], (width, height), strict=True)
    )
    return np.ascontiguousarray(tiled[y : y + height, x : x + width], np.uint8)


def _nobody(width: int, height: int) -> Labels:
    return np.zeros((height, width), np.uint8)


def _close_up(rng: np.random.Generator, box: Box) -> Box:
    """A window that shows a part of a person: a portrait, a half body, the legs."""
    x0, y0, x1, y1 = box
    height = (y1 - y0) * rng.uniform(0.25, 0.85)
    width = max(height * 0.7, (x1 - x0) * 0.8)
    top = y0 - 0.1 * height + rng.beta(0.8, 1.4) * max(y1 - y0 - height, 0)
    center = (x0 + x1) / 2 + rng.normal(0, 0.15) * width
    return round(center - width / 2), round(top), round(center + width / 2), round(top + height)


def _window_to_frame(
    rng: np.random.Generator, window: Box, frame: tuple[int, int], zoom: float
) -> Transform:
    """Brings a window's centre to the frame's; at zoom 1 the window covers the frame."""
    x0, y0, x1, y1 = window
    scale = max(frame[0] / max(x1 - x0, 1), frame[1] / max(y1 - y0, 1)) * zoom
    shift = rng.uniform(-0.06, 0.06, 2)
    return around(
        ((x0 + x1) / 2, (y0 + y1) / 2),
        (frame[0] * (0.5 + shift[0]), frame[1] * (0.5 + shift[1])),
        (scale * rng.uniform(0.92, 1.08), scale),
        rng.uniform(-8, 8),
        bool(rng.random() < 0.5),
    )


def _cloth(rng: np.random.Generator, photo: PersonPhoto, width: int, height: int) -> Pixels:
    """Blotches in the person's own colours: the hardest background to tell the person from."""
    own = photo.pixels[photo.labels > 0]
    cell = int(rng.choice([2, 4, 8, 24, 64]))
    shape = max(height // cell, 2), max(width // cell, 2)
    colors = patchwork(own[:, None, None], *shape, rng)
    smooth = cv2.INTER_CUBIC if rng.random() < 0.5 else cv2.INTER_NEAREST
    return np.asarray(cv2.resize(colors, (width, height), interpolation=smooth), np.uint8)
