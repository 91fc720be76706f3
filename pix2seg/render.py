"""The overlay: a photo with classes outlined and named."""

from collections.abc import Iterator, Sequence
from math import ceil
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from pix2seg.classes import BACKGROUND, Scheme, SegmentationClass
from pix2seg.distinct import distinct

FADE = 0.55
"""How much of the background's colour and contrast gives way to light grey."""

CONTOUR = 1 / 500
"""A contour's width as a share of the photo's longer side, at least a pixel."""

RIM = 0.4
"""How dark a pixel at each side of a contour is, so that the contour shows on its own colour."""

LETTER = 1 / 45
"""Height of the legend's letters as a share of the photo's longer side, where there is room."""

LEAST_LETTER = 10
"""Smaller letters cannot be read: photos too small for a legend of these have none."""

STRIP = 256
"""Rows of a picture that are worked on at a time."""

INK, PAPER = (32, 32, 36), (255, 255, 255)


def overlay(
    pixels: NDArray[np.uint8], mask: NDArray[np.uint8], scheme: Scheme
) -> NDArray[np.uint8]:
    """The photo with its classes outlined in their map colours and named, its background faded.

    What is in a class keeps its own colours.

    Args:
        pixels: RGB uint8 (H, W, 3).
        mask: class ids, uint8 (H, W).
        scheme: gives the outlines' colours and the names.

    Returns:
        RGB uint8 (H, W, 3).
    """
    # A large photo's pictures fill the memory: as few as can be are there at a time.
    picture = pixels.copy()
    for strip in _strips(len(mask)):
        grey = cv2.cvtColor(pixels[strip], cv2.COLOR_RGB2GRAY)
        faded = cv2.addWeighted(grey, 1 - FADE, np.full_like(grey, 235), FADE, 0)
        background = (mask[strip] == BACKGROUND).view(np.uint8)
        cv2.copyTo(cv2.cvtColor(faded, cv2.COLOR_GRAY2RGB), background, picture[strip])
    shown = [int(class_id) for class_id in distinct(mask) if class_id != BACKGROUND]
    lines, rims = _contours(mask, shown)
    colors = scheme.colors
    for strip in _strips(len(mask)):
        _draw(picture[strip], rims[strip], RIM, np.array(INK))
        _draw(picture[strip], lines[strip], 1.0, colors[mask[strip][lines[strip] > 0]])
    if shown:
        _add_legend(picture, mask, [scheme.classes[i] for i in shown])
    return picture


def _strips(rows: int) -> Iterator[slice]:
    return (slice(top, top + STRIP) for top in range(0, rows, STRIP))


def _contours(
    mask: NDArray[np.uint8], shown: Sequence[int]
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """How much of each pixel the classes' contours and their rims cover, 255 for all of it.

    A contour lies within its own class, so that where two classes meet each shows its colour: one
    drawn over the other would blend into the colour of a third.
    """
    width = max(1, round(max(mask.shape) * CONTOUR))
    lines, rims = np.zeros(mask.shape, np.uint8), np.zeros(mask.shape, np.uint8)
    for class_id in shown:
        where = (mask == class_id).view(np.uint8)
        outline, _ = cv2.findContours(where, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
        line = cv2.drawContours(np.zeros_like(lines), outline, -1, 255, 2 * width - 1, cv2.LINE_AA)
        cv2.copyTo(line, where, lines)
        cv2.drawContours(rims, outline, -1, 255, 2 * width + 1, cv2.LINE_AA)
    return lines, rims


def _draw(
    picture: NDArray[np.uint8], cover: NDArray[np.uint8], opacity: float, colors: NDArray[Any]
) -> None:
    """Draw what covers pixels of a picture's strip, uint8 (H, W), in one colour or one for each."""
    drawn = cover > 0
    share = cover[drawn][:, None].astype(np.float32) * (opacity / 255)
    picture[drawn] = (picture[drawn] * (1 - share) + share * colors).round()


def _add_legend(
    picture: NDArray[np.uint8], mask: NDArray[np.uint8], classes: list[SegmentationClass]
) -> None:
    """Draw the names of the classes into the corner that hides the least of them."""
    height, width = mask.shape
    legend = _fitting_legend(classes, (height // 2, width // 2), max(mask.shape) * LETTER)
    if legend is None:
        return
    rows, columns = legend.shape[:2]
    corners = [
        (slice(y, y + rows), slice(x, x + columns))
        for y in (0, height - rows)
        for x in (0, width - columns)
    ]
    emptiest = min(corners, key=lambda corner: np.count_nonzero(mask[corner]))
    picture[emptiest] = legend


def _fitting_legend(
    classes: list[SegmentationClass], room: tuple[int, int], letter: float
) -> NDArray[np.uint8] | None:
    """A legend within (rows, columns), RGB uint8, or None if even the smallest is larger.

    It has letters of the given height, or smaller ones, or two columns of names where a landscape
    photo has no room for one.
    """
    for columns in (1, 2):
        height = max(round(letter), LEAST_LETTER)
        while True:
            legend = _legend(classes, height, columns)
            share = min(room[0] / legend.shape[0], room[1] / legend.shape[1])
            if share >= 1:
                return legend
            if height == LEAST_LETTER:
                break
            height = max(min(int(height * share), height - 1), LEAST_LETTER)
    return None


def _legend(classes: list[SegmentationClass], letter: int, columns: int) -> NDArray[np.uint8]:
    """A chip in its map colour and the name of each class, line by line, RGB uint8."""
    font = ImageFont.load_default(letter)
    line, margin = round(letter * 1.4), round(letter * 0.6)
    lines = ceil(len(classes) / columns)
    column = 2 * margin + letter + round(max(font.getlength(c.name) for c in classes))
    legend = Image.new("RGB", (margin + columns * column, 2 * margin + line * lines), PAPER)
    draw = ImageDraw.Draw(legend)
    for i, shown in enumerate(classes):
        left = margin + i // lines * column
        top = margin + i % lines * line + (line - letter) // 2
        chip = (left, top, left + letter - 1, top + letter - 1)
        draw.rectangle(chip, shown.color, INK)
        draw.text((left + margin + letter, top + letter // 2), shown.name, INK, font, anchor="lm")
    return np.asarray(legend)
