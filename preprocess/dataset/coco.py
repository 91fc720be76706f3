"""COCO's segmentations: polygons and run lengths, as masks."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def region(segmentation: Any, height: int, width: int) -> NDArray[np.bool_]:
    """A segmentation of a COCO file as a mask, bool (height, width).

    Args:
        segmentation: a list of polygons, which may overlap: x0, y0, x1, y1 ... in pixels, the upper
            left corner of the first pixel being 0, 0. Or run lengths down the columns, a dictionary
            with `size` and `counts`, which is a list or COCO's letters.
        height: the photo's.
        width: the photo's.

    Raises:
        KeyError, TypeError, ValueError: the segmentation is broken, or does not fit the photo.
    """
    if isinstance(segmentation, list):
        return _inside(segmentation, height, width)
    counts = segmentation["counts"]
    runs = run_lengths(counts) if isinstance(counts, str) else counts
    fit = list(segmentation["size"]) == [height, width] and sum(runs) == height * width
    if not fit or min(runs) < 0:
        raise ValueError("run lengths that do not fill the photo")
    flat = np.repeat(np.arange(len(runs)) % 2 == 1, runs)
    return flat.reshape((height, width), order="F")


def run_lengths(letters: str) -> list[int]:
    """The runs of COCO's compressed code; see `pix2seg.catalog.export.coco.compress`.

    Raises:
        ValueError: a letter is none of the code's.
    """
    runs: list[int] = []
    value = shift = 0
    for letter in letters:
        digit = ord(letter) - 48
        if not 0 <= digit < 64:
            raise ValueError(f"'{letter}' in run lengths")
        value |= (digit & 31) << shift
        shift += 5
        if digit < 32:  # the last digit of a number; its highest bit is the sign
            value -= (digit & 16) << (shift - 4)
            runs.append(value + (runs[-2] if len(runs) > 2 else 0))
            value = shift = 0
    return runs


def _inside(polygons: list[Any], height: int, width: int) -> NDArray[np.bool_]:
    from pycocotools import mask

    outlines = [np.asarray(polygon, float).reshape(-1, 2) for polygon in polygons]
    if not all(np.isfinite(outline).all() for outline in outlines):
        raise ValueError("an outline with coordinates that are no numbers")
    # Two points are no area, and pycocotools walks along edges outside of the photo too.
    inside = [o.clip(0, (width, height)).ravel().tolist() for o in outlines if len(o) > 2]
    if not inside:
        return np.zeros((height, width), bool)
    return np.asarray(mask.decode(mask.merge(mask.frPyObjects(inside, height, width))), bool)
