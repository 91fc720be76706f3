"""People whose outlines alone are known, labelled by the weights in the box."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from pycocotools.mask import encode

from pix2seg.classes import BACKGROUND, SOMEBODY, load_scheme
from pix2seg.errors import DatasetError
from pix2seg.generators.weights import load_generator, save_generator
from pix2seg.preprocess.dataset.dataset import Dataset
from pix2seg.preprocess.dataset.folder import read_mask
from pix2seg.preprocess.dataset.split import split_of
from pix2seg.train.generator.task import SegmentationTask
from pix2seg.train.person.photos import CLASSES, read_person_photos
from pix2seg.train.recipe import SegmentationRecipe, parse_recipe, read_recipe

NAME = next(f"photo{i}" for i in range(100) if split_of(f"photo{i}") == "train")


@pytest.fixture
def coco(tmp_path: Path, photos: list[Path]) -> Path:
    """A real photo with its person in COCO's layout."""
    root = tmp_path / "coco"
    (root / "photos").mkdir(parents=True)
    with Image.open(photos[0]) as image:
        image.reduce(2).save(root / "photos" / f"{NAME}.jpg", quality=95)
    person = truth(photos) > BACKGROUND
    run = encode(np.asfortranarray(person.astype(np.uint8)))
    run["counts"] = run["counts"].decode()
    outline = {"id": 1, "image_id": 1, "category_id": 1, "iscrowd": 0, "area": int(person.sum())}
    content = {
        "images": [{"id": 1, "file_name": f"{NAME}.jpg"}],
        "annotations": [outline | {"segmentation": run}],
        "categories": [{"id": 1, "name": "person"}],
    }
    (root / "instances.json").write_text(json.dumps(content))
    return root


def truth(photos: list[Path]) -> NDArray[np.uint8]:
    """The true classes at half the size."""
    with Image.open(photos[0]) as image:
        width, height = image.reduce(2).size
    return read_mask(photos[0].with_suffix(".png"))[::2, ::2][:height, :width]


@pytest.fixture
def labelled(coco: Path, run_here: Callable[..., Any]) -> Path:
    ended = run_here("prepare", "people", str(coco))
    assert ended.code == 0, ended.err
    assert "people of 1 photos labelled" in ended.err
    return coco


def test_what_is_sure_of_a_person_is_right(labelled: Path, photos: list[Path]) -> None:
    (photo,) = read_person_photos(labelled, "train")
    assert photo.classes is not None
    known = photo.classes != SOMEBODY
    assert not known[photo.labels == 0].any()
    assert known[photo.labels > 0].mean() > 0.8
    right = photo.classes == truth(photos)
    assert right[known].mean() > 0.98
    assert right[photo.classes == 1].mean() > 0.9  # skin
    (small,) = read_person_photos(labelled, "train", longest=100)
    assert small.classes is not None
    assert small.classes.shape == small.labels.shape


def test_known_classes_teach_a_generator(
    labelled: Path, small_dataset: Dataset, small_overrides: tuple[str, ...]
) -> None:
    recipe = parse_recipe(read_recipe("pix2pix-ccp4", small_overrides))
    assert isinstance(recipe, SegmentationRecipe)
    task = SegmentationTask(recipe, small_dataset, torch.device("cpu"), people=[labelled])
    assert task.people is not None
    assert set(np.unique(task.people.masks)) >= {0, 1, 3, SOMEBODY}
    told = task.fingerprint()
    (labelled / CLASSES / f"{NAME}.png").unlink()
    alone = SegmentationTask(recipe, small_dataset, torch.device("cpu"), people=[labelled])
    assert alone.people is not None
    assert set(np.unique(alone.people.masks)) == {0, SOMEBODY}
    assert alone.fingerprint() != told  # a run does not go on with other labels


def test_classes_of_another_size_are_refused(coco: Path) -> None:
    (coco / CLASSES).mkdir()
    Image.new("L", (3, 4)).save(coco / CLASSES / f"{NAME}.png")
    with pytest.raises(DatasetError, match=r"classes.*is of another size than its photo"):
        list(read_person_photos(coco, "train"))


def test_what_is_no_class_says_that_somebody_is_there(coco: Path) -> None:
    (photo,) = read_person_photos(coco, "train")
    (coco / CLASSES).mkdir()
    odd = np.full(photo.labels.shape, 77, np.uint8)
    odd[:5], odd[5:10] = BACKGROUND, 2
    Image.fromarray(odd).save(coco / CLASSES / f"{NAME}.png")
    (photo,) = read_person_photos(coco, "train")
    assert photo.classes is not None
    assert set(np.unique(photo.classes)) == {2, SOMEBODY}


def test_weights_of_other_classes_are_refused(
    coco: Path, small_weights: Path, run_here: Callable[..., Any]
) -> None:
    generator, info = load_generator(small_weights)
    scheme = load_scheme("four")
    renamed = replace(scheme.classes[1], name="body")
    other = replace(scheme, classes=(scheme.classes[0], renamed, *scheme.classes[2:]))
    weights = coco / "other.safetensors"
    save_generator(weights, generator, replace(info, scheme=other))
    ended = run_here("prepare", "people", str(coco), "--weights", str(weights))
    assert ended.code == 2
    assert "take weights that have the classes of the scheme four" in " ".join(ended.err.split())
    assert not (coco / CLASSES).exists()


def test_broken_weights_are_refused(coco: Path, run_here: Callable[..., Any]) -> None:
    weights = coco / "no.safetensors"
    weights.write_bytes(b"nothing")
    ended = run_here("prepare", "people", str(coco), "--weights", str(weights))
    assert ended.code == 2
    assert "no.safetensors" in ended.err
    assert not (coco / CLASSES).exists()


def test_a_folder_without_annotations_is_refused(
    tmp_path: Path, run_here: Callable[..., Any]
) -> None:
    ended = run_here("prepare", "people", str(tmp_path))
    assert ended.code == 2
    assert "no COCO *.json" in ended.err
