"""Photos that have tags alone, labelled by the weights in the box."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.io import savemat

from pix2seg.classes import UNKNOWN, load_scheme
from pix2seg.errors import DatasetError, WeightsError
from pix2seg.garments import kinds
from pix2seg.preprocess.dataset.ccp import read_label_names, tagged_sources
from pix2seg.preprocess.dataset.dataset import Dataset
from pix2seg.preprocess.dataset.split import split_of
from pix2seg.train.generator.task import SegmentationTask
from pix2seg.train.recipe import SegmentationRecipe, parse_recipe, read_recipe
from pix2seg.train.self_training import TaggedLabels

NAMES = tuple(label for kind in kinds().classes for label in kind.labels)


@pytest.fixture
def ccp(tmp_path: Path, photos: list[Path]) -> Path:
    """CCP's layout: photos with label maps, and one with the tags hair, skin, shoes and dress."""
    root = tmp_path / "ccp"
    for folder in ("photos", "annotations/pixel-level", "annotations/image-level"):
        (root / folder).mkdir(parents=True)
    savemat(root / "label_list.mat", {"label_list": np.array([NAMES], object)})
    label_of_class = ids("null", "skin", "hair", "dress")
    names = [f"{i:04}" for i in range(20)]
    for name in [n for n in names if split_of(n) == "val"][:1] + names[:2]:
        with Image.open(photos[0]) as photo, Image.open(photos[0].with_suffix(".png")) as mask:
            photo.reduce(4).save(root / "photos" / f"{name}.jpg")
            labels = label_of_class[np.asarray(mask)[::4, ::4][: photo.height // 4]]
            photo.reduce(4).resize(labels.shape[::-1]).save(root / "photos" / f"{name}.jpg")
        savemat(root / "annotations" / "pixel-level" / f"{name}.mat", {"groundtruth": labels})
    (root / "photos" / "1005.jpg").write_bytes(photos[0].read_bytes())
    tag(root, "1005", "null", "hair", "skin", "shoes", "dress")
    return root


def ids(*labels: str) -> np.ndarray[tuple[int], np.dtype[np.uint8]]:
    return np.array([NAMES.index(label) for label in labels], np.uint8)


def tag(root: Path, name: str, *labels: str) -> Path:
    path = root / "annotations" / "image-level" / f"{name}.mat"
    savemat(path, {"tags": ids(*labels)[None]})
    return path


def test_tagged_photo_is_labelled_with_its_tags_alone(ccp: Path, photos: list[Path]) -> None:
    labels = TaggedLabels(NAMES)(ccp / "annotations" / "image-level" / "1005.mat")
    with Image.open(photos[0].with_suffix(".png")) as image:
        truth = np.asarray(image)
    assert labels.shape == truth.shape
    unknown = labels == len(NAMES)
    assert 0 < unknown.mean() < 0.1
    table = np.append(load_scheme("four").lookup(NAMES), UNKNOWN)
    assert (table[labels] == truth)[~unknown].mean() > 0.95
    worn = labels[(table[labels] == 3)]
    assert set(np.unique(worn)) <= set(ids("dress", "shoes"))
    assert (worn == ids("dress")).mean() > 0.5


def test_of_two_tags_of_a_kind_the_first_stands(ccp: Path) -> None:
    path = tag(ccp, "1005", "null", "skin", "romper", "dress")
    labels = TaggedLabels(NAMES)(path)
    assert (labels == ids("dress")).any()
    assert not (labels == ids("romper")).any()


def test_prepared_with_what_is_tagged(
    ccp: Path, tmp_path: Path, small_overrides: tuple[str, ...], run_here: Callable[..., Any]
) -> None:
    arguments = ["prepare", "ccp", str(ccp), str(tmp_path / "out"), "--size", "64x96", "--tagged"]
    ended = run_here(*arguments)
    assert ended.code == 0, ended.err
    dataset = Dataset(tmp_path / "out")
    assert "1005" in dataset.names("train")
    assert "1005" not in dataset.names("val")
    mask = dataset.read("1005")[1]
    assert (mask == UNKNOWN).any()
    assert set(np.unique(mask)) <= {0, 1, 2, 3, UNKNOWN}
    assert_teaches(dataset, small_overrides)
    garments = dataset.read_garments("1005")
    assert not garments[mask == UNKNOWN].any()
    assert set(np.unique(garments[mask == 3])) <= {kinds().id_of("dress"), kinds().id_of("shoes")}


def assert_teaches(dataset: Dataset, overrides: tuple[str, ...]) -> None:
    """A generator learns from it."""
    recipe = parse_recipe(read_recipe("pix2pix-ccp4", (*overrides, "generator.garment_width=8")))
    assert isinstance(recipe, SegmentationRecipe)
    task = SegmentationTask(recipe, dataset, torch.device("cpu"))
    losses = task.step(next(task.batches(0)), 0)
    assert "garment" in losses
    assert np.isfinite(list(losses.values())).all()


def test_photos_without_a_tagged_garment_are_named(ccp: Path) -> None:
    with pytest.raises(DatasetError, match=r"1005\.mat tags no garment"):
        TaggedLabels(NAMES)(tag(ccp, "1005", "null", "skin"))


def test_broken_tags_are_named_and_harm_no_other_photo(ccp: Path) -> None:
    tagged = ccp / "annotations" / "image-level" / "1005.mat"
    broken = tagged.with_name("1006.mat")
    broken.write_bytes(b"no tags")
    beyond = tagged.with_name("1007.mat")
    savemat(beyond, {"tags": np.array([[0, 200]], np.uint8)})
    assert (TaggedLabels(NAMES)(tagged) == ids("dress")).any()
    with pytest.raises(DatasetError, match=r"cannot read .*1006\.mat"):
        TaggedLabels(NAMES)(broken)
    with pytest.raises(DatasetError, match=r"1007\.mat has tag 200; the highest is 58"):
        TaggedLabels(NAMES)(beyond)


def test_double_of_a_validation_photo_does_not_train(ccp: Path) -> None:
    assert split_of("0025") == "val"
    tag(ccp, "1707", "null", "dress")
    assert [source.name for source in tagged_sources(ccp)] == ["1005"]


def test_folder_without_tags_is_refused(
    ccp: Path, tmp_path: Path, run_here: Callable[..., Any]
) -> None:
    (ccp / "annotations" / "image-level" / "1005.mat").unlink()
    arguments = ["prepare", "ccp", str(ccp), str(tmp_path / "out"), "--tagged"]
    ended = run_here(*arguments)
    assert ended.code == 2
    assert "no tagged photos" in ended.err
    assert read_label_names(ccp / "label_list.mat") == NAMES


def test_weights_that_name_no_garments_are_refused(ccp: Path, small_weights: Path) -> None:
    with pytest.raises(WeightsError, match="name garments"):
        TaggedLabels(NAMES, small_weights)(ccp / "annotations" / "image-level" / "1005.mat")
