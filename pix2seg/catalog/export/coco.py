"""COCO: `annotations.json`, an annotation for each class that a photo shows, RLE compressed."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pix2seg.catalog.export.base import Exported
from pix2seg.classes import BACKGROUND, Scheme
from pix2seg.files import atomic_write
from pix2seg.preprocess.person.base import box_around

PHOTOS = "images"


def write(folder: Path, photos: Iterator[Exported], scheme: Scheme) -> None:
    """Write the format; see `export_catalog`."""
    images: list[dict[str, Any]] = []
    categories = [
        {"id": i, "name": name, "supercategory": scheme.name}
        for i, name in enumerate(scheme.names)
        if i != BACKGROUND
    ]
    with (
        atomic_write(folder / "annotations.json") as temporary,
        temporary.open("w", encoding="utf-8") as file,
    ):
        # Annotations are written as they come: they are what is large.
        file.write(f'{{"categories": {json.dumps(categories)}, "annotations": [')
        count = 0
        for photo in photos:
            height, width = photo.shape()
            image = {"id": len(images) + 1, "file_name": photo.file}
            images.append(image | {"width": width, "height": height})
            for annotation in _annotations(photo):
                count += 1
                numbered = {"id": count, "image_id": image["id"]} | annotation
                file.write((",\n" if count > 1 else "\n") + json.dumps(numbered))
        file.write(f'], "images": {json.dumps(images)}}}\n')


def compress(mask: NDArray[np.bool_]) -> str:
    """A mask, bool (H, W), in the run-length code of COCO's own library.

    The runs go down the columns and begin with one of zeros. From the third on, each is told by
    its difference from the run two before, in digits of five bits, the lowest first: 32 is added
    where more follow, and 48 makes them letters.
    """
    counts = runs(mask.ravel(order="F"))
    if mask[0, 0]:
        counts = [0, *counts]
    letters = []
    for i, count in enumerate(counts):
        value = count - counts[i - 2] if i > 2 else count
        while True:
            digit, value = value & 31, value >> 5
            more = value != (-1 if digit & 16 else 0)
            letters.append(chr(digit + 48 + 32 * more))
            if not more:
                break
    return "".join(letters)


def runs(flat: NDArray[Any]) -> list[int]:
    """Lengths of the runs of equal values in an array of one axis, at least one long."""
    ends = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    lengths: list[int] = np.diff(np.concatenate([[0], ends, [flat.size]])).tolist()
    return lengths


def _annotations(photo: Exported) -> Iterator[dict[str, Any]]:
    assert photo.mask is not None
    for class_id in np.unique(photo.mask[photo.mask != BACKGROUND]).tolist():
        mask = photo.mask == class_id
        x0, y0, x1, y1 = box_around(mask)
        yield {
            "category_id": class_id,
            "segmentation": {"size": list(mask.shape), "counts": compress(mask)},
            "area": int(np.count_nonzero(mask)),
            "bbox": [x0, y0, x1 - x0, y1 - y0],
            "iscrowd": 0,
        }
