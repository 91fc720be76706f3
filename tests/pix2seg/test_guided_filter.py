import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from pix2seg.guided_filter import GuidedFilter

PHOTO = arrays.arrays(np.uint8, (20, 14, 3))
LAYERS = arrays.arrays(np.float32, (3, 20, 14), elements=st.floats(0.0625, 1, width=32))


@given(PHOTO, LAYERS, st.sampled_from((7, 20, 40)))
def test_layers_that_sum_to_one_still_do(
    pixels: np.ndarray, layers: np.ndarray, working_side: int
) -> None:
    shares = layers / layers.sum(0)
    filtered = GuidedFilter(pixels, 0.1, working_side)(shares)
    assert filtered.dtype == np.float32
    assert filtered.shape == shares.shape
    assert np.allclose(filtered.sum(0), 1, atol=2e-3)


@given(PHOTO, st.floats(0, 1, width=32))
def test_what_is_the_same_everywhere_stays(pixels: np.ndarray, value: float) -> None:
    layers = np.full((1, 20, 14), value, np.float32)
    assert np.allclose(GuidedFilter(pixels, 0.1, 20)(layers), layers, atol=2e-3)


@pytest.mark.parametrize("working_side", [60, 180])
def test_edges_move_to_those_of_the_photo(working_side: int) -> None:
    true = np.zeros((180, 120), np.float32)
    cv2.circle(true, (60, 90), 40, 1.0, -1)
    colors = np.array([[40, 60, 90], [150, 120, 70]], np.uint8)
    noise = np.random.default_rng(0).normal(0, 4, (180, 120, 3))
    pixels = np.clip(colors[true.astype(int)] + noise, 0, 255).astype(np.uint8)
    coarse = cv2.GaussianBlur(np.roll(true, 3, axis=1), (0, 0), 4)
    filtered = GuidedFilter(pixels, 0.05, working_side)(coarse[None])[0]
    mistaken = [((layer > 0.5) != (true > 0.5)).sum() for layer in (coarse, filtered)]
    assert mistaken[1] < 0.3 * mistaken[0]


def test_without_contrast_edges_are_only_softened() -> None:
    pixels = np.full((90, 60, 3), 128, np.uint8)
    layers = np.zeros((1, 90, 60), np.float32)
    layers[:, :45] = 1
    filtered = GuidedFilter(pixels, 0.03, 90)(layers)[0]
    assert np.array_equal(filtered > 0.5, layers[0] > 0.5)
    assert (filtered[:38] > 0.99).all()
    assert (filtered[52:] < 0.01).all()


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (3, 2)])
def test_any_size_of_photo(size: tuple[int, int]) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)
    layers = np.full((2, *size), 0.5, np.float32)
    assert np.allclose(GuidedFilter(pixels, 0.01, 100)(layers), layers, atol=2e-3)


def test_a_part_is_what_the_whole_has_there() -> None:
    rng = np.random.default_rng(0)
    follow_edges = GuidedFilter(rng.integers(0, 256, (90, 60, 3), dtype=np.uint8), 0.05, 40)
    layers, part = rng.random((2, 90, 60), np.float32), (slice(20, 50), slice(7, 31))
    assert np.array_equal(follow_edges(layers, part), follow_edges(layers)[:, *part])
