"""Fit a photo of any size into the network's frame, and bring its results back.

The same `Fit` serves training and inference: the photo is scaled with its aspect ratio kept and
centred in the frame, and what it leaves free is filled.
"""

import re
from dataclasses import dataclass, replace
from typing import Self

import cv2
import numpy as np
from numpy.typing import NDArray

from pix2seg.preprocess.background import GREY

PADDING_COLOR = GREY
"""Fills the frame beside the photo, as it fills the background."""

ROOM = 0.05
"""Room on each side of a person in the frame, as a share of the person's height."""

LARGEST_PERSON = 0.3
"""A person fills at most this share of the frame's pixels. Nine in ten of Clothing Co-Parsing's
photos, which show people from head to foot, have less than 0.26."""

STRIP = 256
"""Rows of a large photo that are computed at once."""

Size = tuple[int, int]
"""(width, height) in pixels."""

Box = tuple[int, int, int, int]
"""x0, y0, x1, y1 in pixels of the photo: the left and top edge, and one past the last pixel."""


BOX_NUMBER = re.compile(r"\s*\d{1,9}\s*", re.ASCII)
"""What `parse_box` takes: more pixels no photo has."""


def parse_size(text: str) -> Size:
    """Read a size such as `512x768` (width x height).

    Raises:
        ValueError: not two positive whole numbers joined by an x.
    """
    width, separator, height = text.lower().partition("x")
    if not (separator and width.isdecimal() and height.isdecimal() and int(width) * int(height)):
        raise ValueError(f"'{text}' is no size; write width x height, such as 512x768")
    return int(width), int(height)


def parse_box(text: str) -> Box:
    """Read a box such as `40,10,300,700` (left, top, right, bottom).

    Raises:
        ValueError: not four whole numbers, left to right and top to bottom.
    """
    numbers = [int(part) if BOX_NUMBER.fullmatch(part) else -1 for part in text.split(",")]
    if len(numbers) == 4:
        x0, y0, x1, y1 = numbers
        if 0 <= x0 < x1 and 0 <= y0 < y1:
            return x0, y0, x1, y1
    raise ValueError(
        f"'{text}' is no box; write left,top,right,bottom in pixels, such as 40,10,300,700"
    )


def crop_around(box: Box, photo_size: Size, frame_size: Size) -> Box:
    """The part of a photo that a network should look at, so that a person fills its frame.

    Args:
        box: what is to be seen, in pixels of the photo.
        photo_size: (width, height) of the photo.
        frame_size: (width, height) of the frame.

    Returns:
        A box that holds `box` and some room around it, in the frame's shape wherever the photo
        reaches that far.
    """
    x0, y0, x1, y1 = box
    shape = frame_size[0] / frame_size[1]
    height = max(y1 - y0, (x1 - x0) / shape) * (1 + 2 * ROOM)
    left, right = _span((x0 + x1) / 2, height * shape, photo_size[0])
    top, bottom = _span((y0 + y1) / 2, height, photo_size[1])
    return left, top, right, bottom


def _span(centre: float, length: float, limit: int) -> tuple[int, int]:
    return max(round(centre - length / 2), 0), min(round(centre + length / 2), limit)


@dataclass(frozen=True)
class Fit:
    """Where a photo lies in the frame.

    Args:
        photo_size: (width, height) of the photo.
        frame_size: (width, height) of the frame.
        scale: what the photo's sides have of the largest that the frame can hold, above 0 to 1.
    """

    photo_size: Size
    frame_size: Size
    scale: float = 1.0

    @classmethod
    def of_person(cls, mask: NDArray[np.bool_], frame_size: Size) -> Self:
        """Where a photo lies that shows a person, who is not to fill more than `LARGEST_PERSON`.

        Somebody seen from near would be larger than anybody whom the network has learned from.

        Args:
            mask: bool (H, W), True on the person, in the photo's size; all True where it is not
                known who is where.
            frame_size: (width, height) of the frame.
        """
        height, width = mask.shape
        fit = cls((width, height), frame_size)
        seen = np.count_nonzero(mask)
        if seen in (0, mask.size):
            return fit
        filled = seen / mask.size * float(np.prod(fit.fitted_size) / np.prod(frame_size))
        return replace(fit, scale=min((LARGEST_PERSON / filled) ** 0.5, 1.0))

    @property
    def fitted_size(self) -> Size:
        """(width, height) of the photo in the frame."""
        (photo_width, photo_height), (frame_width, frame_height) = self.photo_size, self.frame_size
        scale = min(frame_width / photo_width, frame_height / photo_height) * self.scale
        width = min(max(round(photo_width * scale), 1), frame_width)
        height = min(max(round(photo_height * scale), 1), frame_height)
        return width, height

    @property
    def placed(self) -> tuple[slice, slice]:
        """Rows and columns of the frame that the photo fills."""
        (width, height), (frame_width, frame_height) = self.fitted_size, self.frame_size
        left, top = (frame_width - width) // 2, (frame_height - height) // 2
        return slice(top, top + height), slice(left, left + width)

    def photo(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The photo in the frame, padded with grey. RGB uint8 in and out."""
        return self._pad(_resize(pixels, self.fitted_size), PADDING_COLOR)

    def mask(self, mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """A mask in the frame, padded with background (0). Nearest pixel, so no new classes."""
        return self._pad(_resize_nearest(mask, self.fitted_size), (0,))

    def soft(
        self, layer: NDArray[np.float32], shape: tuple[int, ...], part: tuple[slice, slice]
    ) -> NDArray[np.float32]:
        """A layer such as a probability in the frame, float32, padded with 0.

        As if it was enlarged to the whole photo's size first, but one axis after the other: at
        that size it would fill the memory.

        Args:
            layer: float32 (h, w), of the whole photo, at its size or smaller.
            shape: (H, W) of the whole photo.
            part: rows and columns of it that are in the frame.
        """
        framed = np.zeros(self.frame_size[::-1], np.float32)
        shrinks = self.fitted_size[0] < self.photo_size[0]
        for whole, seen, length in zip(shape[::-1], part[::-1], self.fitted_size, strict=True):
            layer = _resize_across(layer, whole, cv2.INTER_LINEAR)[:, seen]
            layer = _resize_across(layer, length, cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR).T
        framed[self.placed] = layer
        return framed

    def draw_map(self, framed: NDArray[np.uint8], into: NDArray[np.uint8]) -> None:
        """Bring a map in the frame, uint8 (h, w, 3), to the photo's size, blended smoothly.

        Args:
            framed: the map.
            into: where it is drawn, uint8 (H, W, 3) of the photo's size.
        """
        _resize(framed[self.placed], self.photo_size, into)

    def invert_soft(self, framed: NDArray[np.float32]) -> NDArray[np.float32]:
        """A layer of the frame brought to the photo's size, blended smoothly.

        Args:
            framed: float32 (h, w), the whole frame at any size, such as a stride of 4.
        """
        (width, height), (down, across) = self.fitted_size, self.placed
        rows, columns = framed.shape
        # Where the centre of the photo's first pixel lies in the layer, and how far the next is.
        x_step = width / self.photo_size[0] * columns / self.frame_size[0]
        y_step = height / self.photo_size[1] * rows / self.frame_size[1]
        x_first = across.start * columns / self.frame_size[0] + (x_step - 1) / 2
        y_first = down.start * rows / self.frame_size[1] + (y_step - 1) / 2
        steps = np.array([[x_step, 0, x_first], [0, y_step, y_first]])
        smooth = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        layer = cv2.warpAffine(
            framed, steps, self.photo_size, flags=smooth, borderMode=cv2.BORDER_REPLICATE
        )
        return np.asarray(layer, np.float32)

    def invert_likeliest(
        self, shares: NDArray[np.float32]
    ) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        """The index of the likeliest layer, and its probability, at the photo's size, (H, W).

        Layer by layer, so that a large photo does not need all layers of its size at once.

        Args:
            shares: probabilities over the whole frame, float32 (layers, h, w); see `invert_soft`.
                Each pixel's sum is 1.
        """
        width, height = self.photo_size
        likeliest = np.zeros((height, width), np.uint8)
        probability = np.zeros((height, width), np.float32)
        for index, share in enumerate(shares):
            if share.max() * len(shares) < 1:  # the best of thirteen has at least a thirteenth
                continue
            enlarged = self.invert_soft(share)
            np.copyto(likeliest, index, where=enlarged > probability)
            np.maximum(probability, enlarged, out=probability)
        return likeliest, probability

    def _pad(self, image: NDArray[np.uint8], fill: tuple[int, ...]) -> NDArray[np.uint8]:
        padded = np.empty((*self.frame_size[::-1], *image.shape[2:]), np.uint8)
        padded[:] = fill
        padded[self.placed] = image
        return padded


def _resize(
    image: NDArray[np.uint8], size: Size, into: NDArray[np.uint8] | None = None
) -> NDArray[np.uint8]:
    shrinks = size[0] < image.shape[1]
    interpolation = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(image, size, dst=into, interpolation=interpolation), np.uint8)


def _resize_across(
    layer: NDArray[np.float32], width: int, interpolation: int
) -> NDArray[np.float32]:
    size = width, layer.shape[0]
    return np.asarray(
        cv2.resize(np.ascontiguousarray(layer), size, interpolation=interpolation), np.float32
    )


def enlarge_decided(layer: NDArray[np.float32], size: Size) -> NDArray[np.bool_]:
    """Where a layer, enlarged and blended smoothly, is at least a half.

    Enlarged some rows at a time, for of a large photo's size the layer would fill the memory.

    Args:
        layer: float32 (h, w).
        size: (width, height).

    Returns:
        bool (height, width).
    """
    width, height = size
    wide, last = _resize_across(layer, width, cv2.INTER_LINEAR), len(layer) - 1
    # Where the centre of each row lies in the layer: this far below one row and above the next.
    places = (np.arange(height) + 0.5) * (len(layer) / height) - 0.5
    above = np.floor(places).astype(int)
    shares = (places - above).astype(np.float32)[:, None]
    decided = np.empty((height, width), np.bool_)
    for top in range(0, height, STRIP):
        rows = slice(top, top + STRIP)
        upper, lower = wide[above[rows].clip(min=0)], wide[(above[rows] + 1).clip(max=last)]
        decided[rows] = upper * (1 - shares[rows]) + lower * shares[rows] >= 0.5
    return decided


def _resize_nearest(mask: NDArray[np.uint8], size: Size) -> NDArray[np.uint8]:
    # INTER_NEAREST takes a cell's corner and so shifts by half a pixel; _EXACT takes its centre.
    return np.asarray(cv2.resize(mask, size, interpolation=cv2.INTER_NEAREST_EXACT), np.uint8)
