import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as run_lengths

from pix2seg.errors import DatasetError
from pix2seg.preprocess.background import GREY
from pix2seg.preprocess.dataset.split import split_of
from pix2seg.train.person.photos import PersonPhoto, read_person_photos

HEIGHT, WIDTH = 40, 60
NAME = next(name for name in map(str, range(1000)) if split_of(name) == "val")
SQUARE = np.zeros((HEIGHT, WIDTH), bool)
SQUARE[10:30, 20:40] = True


def read(folder: Path, *annotations: dict[str, Any]) -> PersonPhoto:
    """The one photo of a COCO folder, with these annotations."""
    (folder / "photos").mkdir(exist_ok=True)
    Image.new("RGB", (WIDTH, HEIGHT), (200, 30, 30)).save(folder / "photos" / f"{NAME}.png")
    document = {
        "images": [{"id": 7, "file_name": f"{NAME}.png"}],
        "annotations": [
            {"id": i, "image_id": 7, "category_id": 1, "area": 400, "iscrowd": 0} | annotation
            for i, annotation in enumerate(annotations)
        ],
        "categories": [{"id": 1, "name": "person"}, {"id": 2, "name": "dog"}],
    }
    (folder / "instances.json").write_text(json.dumps(document))
    (photo,) = read_person_photos(folder, "val")
    return photo


def compressed(mask: np.ndarray) -> dict[str, Any]:
    runs = run_lengths.encode(np.asfortranarray(mask, np.uint8))
    return {"size": runs["size"], "counts": runs["counts"].decode()}


def uncompressed(mask: np.ndarray) -> dict[str, Any]:
    values = mask.ravel(order="F").astype(int)
    changes = np.flatnonzero(np.diff(values, prepend=0))
    return {"size": [HEIGHT, WIDTH], "counts": np.diff([0, *changes, values.size]).tolist()}


@pytest.mark.parametrize(
    "segmentation",
    [
        [[20, 10, 40, 10, 40, 30, 20, 30]],
        [[20, 10, 30, 10, 30, 30, 20, 30], [30, 10, 40, 10, 40, 30, 30, 30], [1, 1, 5, 5]],
        compressed(SQUARE),
        uncompressed(SQUARE),
    ],
    ids=["polygon", "polygons", "compressed", "uncompressed"],
)
def test_every_kind_of_mask_is_read(tmp_path: Path, segmentation: Any) -> None:
    photo = read(tmp_path, {"segmentation": segmentation})
    assert np.array_equal(photo.labels, SQUARE)
    assert (photo.pixels == (200, 30, 30)).all()


def test_a_crowd_is_hidden_but_for_the_persons_in_it(tmp_path: Path) -> None:
    crowd = np.zeros((HEIGHT, WIDTH), bool)
    crowd[5:20, 10:50] = True
    photo = read(
        tmp_path,
        {"segmentation": uncompressed(crowd), "iscrowd": 1, "area": 600},
        {"segmentation": compressed(SQUARE)},
    )
    assert np.array_equal(photo.labels, SQUARE)
    hidden = (photo.pixels == GREY).all(-1)
    assert np.array_equal(hidden, crowd & ~SQUARE)


def test_smaller_persons_and_no_dogs_are_in_front(tmp_path: Path) -> None:
    photo = read(
        tmp_path,
        {"segmentation": [[25, 15, 30, 15, 30, 20, 25, 20]], "area": 25},
        {"segmentation": compressed(SQUARE)},
        {"segmentation": [[0, 0, 60, 0, 60, 40, 0, 40]], "category_id": 2},
    )
    assert (photo.labels[16:20, 26:30] == 2).all()
    assert np.array_equal(photo.labels > 0, SQUARE)


@pytest.mark.parametrize(
    "segmentation",
    [
        [[20, 10, float("nan"), 10, 40, 30]],
        [[20, 10, 40, 10, 40]],
        [["a", "b", "c", "d", "e", "f"]],
        {"size": [9, 9], "counts": [81]},
        {"size": [HEIGHT, WIDTH], "counts": [5]},
        {"size": [HEIGHT, WIDTH], "counts": [5, -5, 2400]},
        {"size": [HEIGHT, WIDTH], "counts": "nonsense"},
        {"counts": [5]},
        7,
    ],
)
def test_broken_masks_are_named(tmp_path: Path, segmentation: Any) -> None:
    with pytest.raises(DatasetError, match=rf"broken mask for {NAME}\.png"):
        read(tmp_path, {"segmentation": segmentation})


def test_outlines_far_outside_cost_nothing(tmp_path: Path) -> None:
    far = [[-1e9, -1e9, 1e9, -1e9, 1e9, 1e9, -1e9, 1e9]]
    assert read(tmp_path, {"segmentation": far}).labels.all()
