import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import confusion_matrix as reference_matrix
from sklearn.metrics import f1_score, jaccard_score

from pix2seg.train.judge.scores import Scores, confusion_matrix

NAMES = ("background", "skin", "hair", "clothes")


@given(st.integers(0, 10_000))
def test_scores_agree_with_scikit_learn(seed: int) -> None:
    rng = np.random.default_rng(seed)
    truth, predicted = rng.integers(0, 4, (2, 30, 20), dtype=np.uint8)
    matrix = confusion_matrix(truth, predicted, 4)
    truth, predicted = truth.ravel(), predicted.ravel()
    assert np.array_equal(matrix, reference_matrix(truth, predicted, labels=range(4)))
    scores = Scores(matrix, NAMES)
    assert scores.iou == pytest.approx(jaccard_score(truth, predicted, average=None))
    assert scores.dice == pytest.approx(f1_score(truth, predicted, average=None))
    assert scores.pixel_accuracy == pytest.approx((truth == predicted).mean())


@given(st.integers(0, 10_000))
def test_iou_weighted_by_pixels_agrees_with_scikit_learn(seed: int) -> None:
    rng = np.random.default_rng(seed)
    truth, predicted = rng.integers(0, 4, (2, 30, 20), dtype=np.uint8)
    truth[truth == 3] = 0  # a class that is found, but is nowhere
    scores = Scores(confusion_matrix(truth, predicted, 4), NAMES)
    expected = jaccard_score(truth.ravel(), predicted.ravel(), average="weighted")
    assert scores.frequency_weighted_iou == pytest.approx(expected)


def test_class_that_never_occurs_does_not_count() -> None:
    mask = np.array([[0, 0, 3]], np.uint8)
    scores = Scores(confusion_matrix(mask, mask, 4), NAMES)
    assert scores.mean_iou == 1
    plain = scores.to_dict()
    assert plain["classes"]["hair"] == {"iou": None, "dice": None}
    assert plain["classes"]["clothes"] == {"iou": 1.0, "dice": 1.0}


def test_foreground_is_all_but_the_background() -> None:
    truth = np.array([[0, 1, 3, 0]], np.uint8)
    found = np.array([[0, 3, 0, 2]], np.uint8)
    assert Scores(confusion_matrix(truth, found, 4), NAMES).foreground_iou == pytest.approx(1 / 3)
    nobody = np.zeros((1, 4), np.uint8)
    assert Scores(confusion_matrix(nobody, nobody, 4), NAMES).foreground_iou == 1


@given(st.integers(0, 2**32 - 1))
def test_merged_scores_are_those_of_merged_masks(seed: int) -> None:
    rng = np.random.default_rng(seed)
    into = np.array([0, 2, 1, 2, 0], np.uint8)
    truth, found = rng.integers(0, 5, (2, 9, 7), np.uint8)
    fine = Scores(confusion_matrix(truth, found, 5), ("a", "b", "c", "d", "e"))
    merged = fine.merged(into, ("x", "y", "z"))
    assert np.array_equal(merged.confusion, confusion_matrix(into[truth], into[found], 3))
    assert merged.names == ("x", "y", "z")
