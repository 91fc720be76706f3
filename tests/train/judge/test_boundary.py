import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pix2seg.train.judge.boundary import TOLERANCE, boundary_counts, boundary_f


def square(x: int, size: int = 200) -> np.ndarray:
    mask = np.zeros((size, size), np.uint8)
    mask[60:120, x : x + 60] = 1
    return mask


def score(truth: np.ndarray, predicted: np.ndarray, classes: int = 2) -> np.ndarray:
    return boundary_f(boundary_counts(truth, predicted, classes))


@given(st.integers(0, 1000))
def test_equal_masks_have_a_perfect_score(seed: int) -> None:
    mask = np.kron(np.random.default_rng(seed).integers(0, 3, (5, 5)), np.ones((8, 8)))
    scores = score(mask.astype(np.uint8), mask.astype(np.uint8), 3)
    assert np.nanmin(scores) == pytest.approx(1)


def test_small_shifts_are_forgiven_and_large_ones_are_not() -> None:
    tolerance = round(TOLERANCE * np.hypot(200, 200))
    assert score(square(60), square(60 + tolerance))[1] > 0.99
    assert score(square(60), square(60 + 8 * tolerance))[1] < 0.6


def test_classes_that_occur_nowhere_have_no_score() -> None:
    scores = score(square(60), square(60), 3)
    assert np.isnan(scores[2])
    assert score(square(60), np.zeros_like(square(60)))[1] == 0


def test_the_photo_s_edge_is_no_boundary() -> None:
    counts = boundary_counts(np.ones((9, 9), np.uint8), np.ones((9, 9), np.uint8), 2)
    assert counts.sum() == 0


def test_counts_add_up() -> None:
    one = boundary_counts(square(60), square(64), 2)
    other = boundary_counts(square(10), square(90), 2)
    both = boundary_f(one + other)
    assert boundary_f(other)[1] < both[1] < boundary_f(one)[1]
