import cv2
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from pix2seg.classes import Scheme, SegmentationClass, built_in_schemes, load_scheme
from pix2seg.thresholds import hsv_ranges, map_to_mask, mask_to_map, share_of

FOUR = load_scheme("four")

NOISE = 20
"""Standard deviation, of 255, of the noise that the four-class map bears."""

JPEG_QUALITY = 75
"""The JPEG quality that blocks of one class survive, with full-resolution colour."""

colors = st.tuples(*[st.integers(0, 255)] * 3)


def blocks(seed: int, size: int = 16) -> np.ndarray:
    """A mask of square blocks, as smooth as a person's parts are."""
    rng = np.random.default_rng(seed)
    return np.kron(rng.integers(0, 4, (6, 4)), np.ones((size, size))).astype(np.uint8)


@pytest.mark.parametrize("name", built_in_schemes())
def test_exact_map_gives_the_exact_mask_in_every_scheme(name: str) -> None:
    scheme = load_scheme(name)
    mask = np.random.default_rng(0).integers(0, len(scheme), (40, 30), dtype=np.uint8)
    assert np.array_equal(map_to_mask(mask_to_map(mask, scheme), scheme), mask)


@given(st.lists(colors, min_size=2, max_size=40, unique=True))
def test_exact_map_of_any_colors_that_hsv_tells_apart(values: list[tuple[int, int, int]]) -> None:
    # 8-bit HSV rounds: colours within a few levels of each other may share a code.
    table = np.array(values, float)
    gaps = np.abs(table[:, None] - table[None]).max(2) + 255 * np.eye(len(table))
    assume(gaps.min() >= 24)
    hsv = cv2.cvtColor(np.array([values], np.uint8), cv2.COLOR_RGB2HSV)[0]
    assume(len({tuple(code) for code in hsv}) == len(values))
    classes = tuple(SegmentationClass(str(i), (), c) for i, c in enumerate(values))
    scheme = Scheme("any", classes)
    mask = np.arange(len(values), dtype=np.uint8)[None]
    assert np.array_equal(map_to_mask(mask_to_map(mask, scheme), scheme), mask)


@given(st.lists(colors, min_size=2, max_size=12, unique=True))
@settings(max_examples=30)
def test_ranges_share_no_color(values: list[tuple[int, int, int]]) -> None:
    classes = tuple(SegmentationClass(str(i), (), c) for i, c in enumerate(values))
    ranges = hsv_ranges(Scheme("any", classes))
    hsv = np.random.default_rng(0).integers(0, (180, 256, 256), (4000, 3))
    owners = np.zeros(len(hsv), int)
    for box in ranges:
        turns = [hsv + np.array([turn, 0, 0]) for turn in (-180, 0, 180)]
        owners += np.any([((t >= box.low) & (t < box.high)).all(1) for t in turns], axis=0)
    assert owners.max() <= 1


@given(st.integers(0, 1000))
def test_noise_of_the_stated_degree_changes_nothing(seed: int) -> None:
    mask = blocks(seed)
    noise = np.random.default_rng(seed).normal(0, NOISE, (*mask.shape, 3))
    noisy = np.clip(mask_to_map(mask, FOUR) + noise, 0, 255).astype(np.uint8)
    assert np.array_equal(map_to_mask(noisy, FOUR), mask)


@given(st.integers(0, 1000))
def test_jpeg_of_the_stated_quality_changes_nothing(seed: int) -> None:
    mask = blocks(seed)
    bgr = cv2.cvtColor(mask_to_map(mask, FOUR), cv2.COLOR_RGB2BGR)
    options = [
        cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY,
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444,
    ]  # fmt: skip
    _, data = cv2.imencode(".jpg", bgr, options)
    damaged = cv2.cvtColor(cv2.imdecode(data, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
    assert np.array_equal(map_to_mask(damaged, FOUR), mask)


def test_blend_of_two_foreground_colors_is_never_background() -> None:
    share = np.linspace(0, 1, 101)[:, None]
    for i in range(1, 4):
        for j in range(i + 1, 4):
            blend = FOUR.colors[i] * (1 - share) + FOUR.colors[j] * share
            mask = map_to_mask(blend.round().astype(np.uint8)[None], FOUR)
            assert set(mask[0]) == {i, j}
            assert (mask[0][:45] == i).all()
            assert (mask[0][-45:] == j).all()


def test_pixel_in_no_range_takes_the_nearest_color() -> None:
    classes = tuple(
        SegmentationClass(str(i), (), c)
        for i, c in enumerate([(0, 0, 0), (255, 0, 0), (0, 255, 0)])
    )
    scheme = Scheme("three", classes)
    grid = np.stack(np.meshgrid(*[np.arange(0, 256, 5)] * 3), -1).reshape(-1, 1, 3)
    mask = map_to_mask(grid.astype(np.uint8), scheme)
    assert set(np.unique(mask)) == {0, 1, 2}


def test_ranges_that_all_share_cannot_be_changed() -> None:
    box = hsv_ranges(load_scheme("four"))[1]
    for array in (box.low, box.high):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


@given(st.integers(0, 3), st.integers(0, 3), st.floats(0, 1))
def test_shares_of_a_blend_are_how_much_it_has_of_each(one: int, other: int, share: float) -> None:
    assume(one != other)
    blend = share * FOUR.colors[one] + (1 - share) * FOUR.colors[other]
    map = np.round(blend).astype(np.uint8)[None, None]
    nearest_third = min(  # a third class may lie nearer than the other one
        np.linalg.norm(blend - FOUR.colors[i]) for i in range(4) if i not in (one, other)
    )
    assume(nearest_third > np.linalg.norm(blend - FOUR.colors[other]))
    assert share_of(map, FOUR, [one])[0, 0] == pytest.approx(share, abs=0.01)
