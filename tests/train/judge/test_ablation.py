import io
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from rich.console import Console
from typer.testing import CliRunner

from pix2seg import Segmenter
from pix2seg.cli import app
from pix2seg.preprocess.dataset.dataset import Dataset, read_image
from pix2seg.preprocess.person import EXTRACTORS
from pix2seg.train.judge.ablation import Ablation, TrueMask, run
from pix2seg.train.judge.photo_sets import SETS, empty_scenes, photo_sets
from pix2seg.train.person.photos import PersonPhoto


def test_every_validation_photo_is_in_every_set(small_dataset: Dataset) -> None:
    photos = list(photo_sets(small_dataset, ["plain", "clothes-coloured"]))
    assert [photo.set for photo in photos] == ["plain", "clothes-coloured"] * 2
    plain, hard = photos[:2]
    assert plain.name == hard.name
    assert np.array_equal(plain.truth, hard.truth)
    assert np.array_equal(plain.pixels[plain.truth > 0], hard.pixels[plain.truth > 0])
    again = list(photo_sets(small_dataset, ["plain", "clothes-coloured"]))
    assert all(np.array_equal(a.pixels, b.pixels) for a, b in zip(photos, again, strict=True))


def test_the_true_mask_finds_the_person_without_fault(
    small_dataset: Dataset, small_weights: Path
) -> None:
    segmenters = {
        "none": Segmenter(small_weights, person="none", device="cpu"),
        "true": Segmenter(small_weights, person=TrueMask(), device="cpu", hide=True),
    }
    table = run(segmenters, photo_sets(small_dataset, ["plain"]))
    assert all(score == (1, 1, 1) for score in table["true", "plain"].people)
    assert all(score.kept == 1 for score in table["none", "plain"].people)
    assert all(score.iou < 1 for score in table["none", "plain"].people)
    for cell in table.values():
        assert 0 <= cell.scores.mean_iou <= 1
        assert len(cell.photos) == len(cell.seconds) == 2


def test_every_installed_extractor_has_its_rows(
    small_dataset: Dataset, small_weights: Path, small_mask_rcnn: Path
) -> None:
    said = io.StringIO()
    ablation = Ablation(
        small_dataset, Console(file=said, width=200), small_weights, str(small_mask_rcnn), "cpu"
    )
    tables = ablation.compare_extractors().splitlines()
    rows = {line.split("|")[1].strip() for line in tables if line.startswith("| ")}
    for name in EXTRACTORS:
        if name == "none" or f"without {name}: " in said.getvalue():
            assert f"{name}, grey" not in rows
        else:
            assert {name, f"{name}, grey"} <= rows
    assert {"none", "mask-rcnn", "cascade", "grabcut", "true mask", "true mask, grey"} <= rows


def test_backgrounds_are_compared(
    small_dataset: Dataset, small_weights: Path, small_mask_rcnn: Path, tmp_path: Path
) -> None:
    out = tmp_path / "table.md"
    words = ["ablate", "--data", small_dataset.root, "--backgrounds", small_weights, "--out", out]
    words += ["--person-weights", small_mask_rcnn]
    result = CliRunner().invoke(app, [str(word) for word in words])
    assert result.exit_code == 0, result.output
    lines = out.read_text().splitlines()
    rows = [line.split("|")[1].strip() for line in lines[2:]]
    assert rows == ["grey, mask-rcnn", "grey, true mask"]
    assert all(column in lines[0] for column in SETS if column != "scenes")


def test_two_weights_of_one_background_are_refused(
    small_dataset: Dataset,
    small_weights: Path,
    small_mask_rcnn: Path,
    tmp_path: Path,
    run_here: Callable[..., Any],
) -> None:
    copy, out = tmp_path / "copy.safetensors", tmp_path / "table.md"
    shutil.copy(small_weights, copy)
    words = ["ablate", "--data", small_dataset.root, "--person-weights", small_mask_rcnn]
    words += ["--backgrounds", small_weights, "--backgrounds", copy, "--out", out]
    ended = run_here(*words)
    assert ended.code == 2
    assert f"{small_weights} and {copy} were both trained with the background grey" in ended.err
    assert not out.exists()


@pytest.fixture
def with_nobody(small_dataset: Dataset, tmp_path: Path) -> Dataset:
    """A data set whose first validation photo shows nobody."""
    copy = tmp_path / "copy"
    shutil.copytree(small_dataset.root, copy)
    mask = Dataset(copy).full()[0].mask
    Image.fromarray(np.zeros_like(read_image(mask))).save(mask)
    return Dataset(copy)


def test_nobody_is_in_no_set_that_shows_a_part_of_them(with_nobody: Dataset) -> None:
    sets = [name for name in SETS if name != "scenes"]
    nobody, somebody = with_nobody.names("val")
    shown = [(photo.set, photo.name) for photo in photo_sets(with_nobody, sets)]
    assert [s for s, name in shown if name == nobody] == ["plain", "busy", "far"]
    assert [s for s, name in shown if name == somebody] == sets


def test_sets_without_photos_are_left_empty(
    with_nobody: Dataset, small_weights: Path, small_mask_rcnn: Path
) -> None:
    silent = Console(file=io.StringIO())
    ablation = Ablation(with_nobody, silent, small_weights, str(small_mask_rcnn), "cpu", most=1)
    means, outlines = ablation.compare_joins().split("\n\n")
    columns = ["plain", "busy", "clothes-coloured", "far", "half"]
    for table, cells in ((means, 2), (outlines, 1)):
        head, _, *rows = ([c.strip() for c in line.split("|")[1:-1]] for line in table.splitlines())
        assert len(rows) == 7
        for row in rows:
            assert len(row) == len(head) == 1 + cells * len(columns)
            filled = [name for i, name in enumerate(columns) if row[1 + cells * i]]
            assert filled == ["plain", "busy", "far"]


def test_scenes_stand_behind_a_part_of_the_photos(small_dataset: Dataset) -> None:
    labels = np.zeros((60, 90), np.uint8)
    labels[20:60, 60:90] = 1
    green = np.full((60, 90, 3), (20, 200, 20), np.uint8)
    crowded = PersonPhoto("b", green, np.ones((60, 90), np.uint8))
    (scene,) = empty_scenes([PersonPhoto("a", green, labels), crowded])
    assert scene.shape == (60, 60, 3)
    (photo,) = photo_sets(small_dataset, ["scenes"], [scene], most=1)
    assert (photo.pixels[photo.truth == 0] == (20, 200, 20)).all()
