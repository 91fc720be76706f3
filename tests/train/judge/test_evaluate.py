import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pix2seg.classes import load_scheme
from pix2seg.errors import DatasetError
from pix2seg.preprocess.dataset.dataset import Dataset, read_image
from pix2seg.segmenter import Segmenter
from pix2seg.train.judge.evaluate import EvaluatedPhoto, Evaluation, evaluate


@pytest.fixture(scope="module")
def segmenter() -> Segmenter:
    return Segmenter(engine="onnx")


@pytest.fixture(scope="module")
def whole(segmenter: Segmenter, small_dataset: Dataset) -> EvaluatedPhoto:
    return next(evaluate(segmenter, small_dataset))


def test_scaled_photos_are_scored_against_masks_of_their_size(
    segmenter: Segmenter, small_dataset: Dataset, whole: EvaluatedPhoto
) -> None:
    half = next(evaluate(segmenter, small_dataset, scale=0.5))
    assert np.array_equal(whole.truth, read_image(small_dataset.full()[0].mask))
    assert half.truth.shape == half.result.mask.shape
    assert half.truth.shape == tuple(round(side / 2) for side in whole.truth.shape)
    assert np.bincount(half.truth.ravel(), minlength=4) * 4 == pytest.approx(
        np.bincount(whole.truth.ravel(), minlength=4), rel=0.05, abs=200
    )


def test_person_iou_is_that_of_the_extractor_and_of_the_mask(
    whole: EvaluatedPhoto,
) -> None:
    evaluation = Evaluation(whole.result.scheme)
    evaluation.add(whole)
    extractor, found = evaluation.person_iou
    for mask, iou in ((whole.result.person.mask, extractor), (whole.result.mask > 0, found)):
        truth = whole.truth > 0
        assert iou == pytest.approx((mask & truth).sum() / (mask | truth).sum())


@pytest.mark.parametrize("wrong", [np.zeros((3, 4), np.uint8), 200])
def test_masks_that_do_not_fit_their_photos_are_named(
    segmenter: Segmenter, small_dataset: Dataset, tmp_path: Path, wrong: np.ndarray | int
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(small_dataset.root, copy)
    file = Dataset(copy).full()[0].mask
    mask = np.full_like(read_image(file), wrong) if isinstance(wrong, int) else wrong
    Image.fromarray(mask).save(file)
    with pytest.raises(DatasetError, match="does not fit"):
        next(evaluate(segmenter, Dataset(copy)))


@pytest.mark.parametrize(
    "words",
    [
        ["evaluate", "--person", "none"],
        ["calibrate", "--person", "none", "--people", "nowhere", "--out", "x.json"],
        ["ablate", "--people", "nowhere", "--out", "x.md"],
        ["ablate", "--backgrounds", "WEIGHTS", "--out", "x.md"],
    ],
)
def test_weights_are_not_judged_by_masks_of_other_classes(
    small_dataset: Dataset,
    small_weights: Path,
    small_mask_rcnn: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    run_here: Callable[..., Any],
    words: list[str],
) -> None:
    for name in ("dataset.json", "split.json"):  # without photos, on which no work is done
        shutil.copy(small_dataset.root / name, tmp_path)
    facts = json.loads((tmp_path / "dataset.json").read_text())
    facts["scheme"] = load_scheme("dress3").to_dict()
    (tmp_path / "dataset.json").write_text(json.dumps(facts))
    monkeypatch.chdir(tmp_path)
    words = [str(small_weights) if word == "WEIGHTS" else word for word in words]
    weights = ["--weights", small_weights]
    if words[0] == "ablate":
        weights += ["--person-weights", small_mask_rcnn]
    ended = run_here(*words, *weights, "--data", tmp_path)
    assert ended.code == 2
    (line,) = ended.err.splitlines()
    assert "know the classes background, skin, hair, clothes, the data set" in line
    assert line.endswith("background, skin, dress; prepare it with the weights' scheme")
