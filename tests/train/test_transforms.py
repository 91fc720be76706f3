"""What augmenting, composing and hard photos share."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pix2seg.train.transforms import Jitter, around, jitter, mirrored, patchwork, warp

PLACES = st.tuples(st.floats(-50, 150), st.floats(-50, 150))
SCALES = st.tuples(st.floats(0.2, 3), st.floats(0.2, 3))


@given(PLACES, PLACES, SCALES, st.floats(-90, 90), st.booleans())
def test_around_brings_one_point_to_the_other_and_keeps_areas(
    source: tuple[float, float],
    target: tuple[float, float],
    scale: tuple[float, float],
    degrees: float,
    flip: bool,
) -> None:
    transform = around(source, target, scale, degrees, flip)
    assert transform @ [*source, 1] == pytest.approx([*target, 1])
    area = scale[0] * scale[1] * (-1 if flip else 1)
    assert np.linalg.det(transform) == pytest.approx(area)


def test_around_mirrors_first_and_then_turns_clockwise() -> None:
    turned = around((0, 0), (0, 0), 2.0, 90, flip=True)
    assert turned @ [1, 0, 1] == pytest.approx([0, -2, 1])
    assert turned @ [0, 1, 1] == pytest.approx([-2, 0, 1])


def test_warp_moves_pixels_invents_no_label_and_fills_what_is_outside() -> None:
    rng = np.random.default_rng(0)
    labels, photo = rng.integers(1, 4, (20, 30), np.uint8), rng.integers(9, 256, (20, 30, 3))
    moved = around((0, 0), (5, 2), 1.0)
    assert np.array_equal(warp(labels, moved, (30, 20))[2:, 5:], labels[:-2, :-5])
    filled = warp(photo.astype(np.uint8), moved, (40, 24), fill=(7, 8, 9))
    assert filled.shape == (24, 40, 3)
    assert (filled[:2] == (7, 8, 9)).all()
    repeated = warp(photo.astype(np.uint8), moved, (30, 20), fill=None)
    assert (repeated[0, 5:] == photo[0, :-5]).all()
    larger = around((15, 10), (15, 10), 1.7, 20)
    assert set(np.unique(warp(labels, larger, (30, 20), labels=True))) <= {0, 1, 2, 3}


@given(st.floats(0, 0.9), st.integers(0, 99))
def test_jitter_is_decided_by_its_generator_and_stays_within_its_limits(
    strength: float, seed: int
) -> None:
    photo = np.full((4, 4, 3), 100, np.uint8)
    draw = [jitter(photo, Jitter.even(strength), np.random.default_rng(seed)) for _ in range(2)]
    assert np.array_equal(*draw)
    most = (1 + strength) * (1 + strength / 3)
    least = (1 - strength) * (1 - strength / 3)
    assert draw[0].min() >= min(int(100 * least) - 1, 255)
    assert draw[0].max() <= min(100 * most + 1, 255)


def test_jitter_turns_some_photos_grey() -> None:
    photo = np.random.default_rng(0).integers(0, 256, (8, 8, 3), np.uint8)
    colored = Jitter(0, 0, 0, 0)
    assert np.abs(jitter(photo, colored, np.random.default_rng(0)).astype(int) - photo).max() <= 1
    grey = jitter(photo, Jitter(0, 0, 0, 0, grey=1.0), np.random.default_rng(0))
    assert (np.ptp(grey, axis=2) == 0).all()


def test_backdrops_repeat_what_they_are_made_of() -> None:
    tile = np.random.default_rng(0).integers(0, 256, (2, 3, 3), np.uint8)
    wide = mirrored(tile, 0, 7)
    assert np.array_equal(wide, np.hstack([tile, tile[:, ::-1], tile, tile[:, ::-1]])[:, :10])
    patches = np.random.default_rng(0).integers(0, 256, (4, 2, 2, 3), np.uint8)
    cloth = patchwork(patches, 3, 5, np.random.default_rng(1))
    assert cloth.shape == (6, 10, 3)
    known = {patch.tobytes() for patch in patches}
    squares = cloth.reshape(3, 2, 5, 2, 3).swapaxes(1, 2).reshape(-1, 2, 2, 3)
    assert {square.tobytes() for square in squares} <= known
