import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pix2seg.tidy import keep_touching, remove_islands, remove_specks, tidy


def masks(seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    blocks = np.kron(rng.integers(0, 4, (4, 3)), np.ones((20, 20), int))
    dots = rng.random(blocks.shape) < 0.03
    return np.where(dots, rng.integers(0, 4, blocks.shape), blocks).astype(np.uint8)


@given(st.integers(0, 1000))
def test_no_class_is_invented_and_a_tidy_mask_stays(seed: int) -> None:
    mask = masks(seed)
    before = mask.copy()
    tidy = remove_specks(mask, 0.01)
    assert np.array_equal(mask, before)
    assert set(np.unique(tidy)) <= set(np.unique(mask))
    large = np.kron(mask[::20, ::20], np.ones((20, 20), np.uint8))
    assert np.array_equal(remove_specks(large, 0.01), large)


def test_speck_takes_the_class_around_it() -> None:
    mask = np.zeros((100, 100), np.uint8)
    mask[20:80, 20:80] = 3
    expected = mask.copy()
    mask[50:53, 50:53] = 0
    mask[60, 60] = 1
    mask[5, 5] = 2
    assert np.array_equal(remove_specks(mask, 0.002), expected)
    assert np.array_equal(remove_specks(mask, 0.0), mask)


def test_mask_of_nothing_but_specks_stays() -> None:
    mask = np.array([[0, 1], [2, 3]], np.uint8)
    assert np.array_equal(remove_specks(mask, 0.5), mask)
    assert remove_specks(np.array([[3]], np.uint8)).tolist() == [[3]]


def test_islands_go_and_a_second_person_stays() -> None:
    mask = np.zeros((100, 100), np.uint8)
    mask[10:90, 10:40] = 3
    mask[10:20, 15:30] = 2
    mask[30:80, 60:80] = 1
    expected = mask.copy()
    mask[5:12, 90:97] = 3
    mask[50:60, 90:100] = 2
    assert np.array_equal(remove_islands(mask), expected)
    assert np.array_equal(tidy(mask, np.ones(mask.shape, bool)), expected)
    assert not remove_islands(np.zeros((5, 5), np.uint8)).any()


def test_only_what_touches_the_person_stays() -> None:
    mask = np.zeros((40, 60), np.uint8)
    mask[5:35, 5:20], mask[5:10, 5:20] = 3, 2  # the person, with hair
    mask[5:35, 40:58] = 3  # a larger passer-by
    person = np.zeros((40, 60), bool)
    person[10:20, 8:15] = True
    expected = mask.copy()
    expected[:, 30:] = 0
    assert np.array_equal(keep_touching(mask, person), expected)
    assert np.array_equal(tidy(mask, person), expected)
    assert not keep_touching(mask, np.zeros((40, 60), bool)).any()


def test_large_masks_lose_what_small_ones_lose(monkeypatch: pytest.MonkeyPatch) -> None:
    small = np.zeros((200, 100), np.uint8)
    small[20:180, 30:70] = 3
    small[60:90, 40:60] = 1
    small[120:122, 50:52] = 2  # a speck
    small[5:15, 80:95] = 3  # an island off the person
    person = np.zeros(small.shape, bool)
    person[20:180, 30:70] = True
    large, large_person = (np.kron(m, np.ones((4, 4), m.dtype)) for m in (small, person))
    expected = np.kron(tidy(small, person), np.ones((4, 4), np.uint8))
    monkeypatch.setattr("pix2seg.tidy.WORKING_PIXELS", small.size)
    assert not np.array_equal(expected, large)
    assert np.array_equal(tidy(large, large_person), expected)


def test_floor_that_the_person_s_mask_strays_onto_goes_and_a_cut_off_foot_stays() -> None:
    mask = np.zeros((60, 60), np.uint8)
    mask[2:40, 20:40] = 3  # the person
    mask[44:50, 24:32] = 3  # a foot that a hem of the background's colour cuts off
    expected = mask.copy()
    mask[40:60, 42:60] = 3  # the floor, a third as large as the person
    person = np.zeros((60, 60), bool)
    person[2:48, 20:40] = True
    person[38:50, 40:46] = True  # strays onto a corner of the floor
    assert np.array_equal(keep_touching(mask, person), expected)
    assert np.array_equal(tidy(mask, person), expected)


def test_somebody_far_away_keeps_their_head() -> None:
    mask, person = np.zeros((400, 400), np.uint8), np.zeros((400, 400), bool)
    mask[200:204, 200:204] = 1  # 16 of 160,000 pixels
    mask[204:224, 198:206] = 3
    person[200:224, 198:206] = True
    assert np.array_equal(tidy(mask, person), mask)
    near = np.ones_like(person)
    assert (tidy(mask, near)[200:204, 200:204] != 1).all()
