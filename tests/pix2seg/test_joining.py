import pickle
import tracemalloc

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from pix2seg.classes import load_scheme
from pix2seg.joining import (
    HESITATION,
    SUREST,
    follow_edges,
    join_person,
    settle_hair,
    to_map,
    to_photo_map,
)
from pix2seg.preprocess.fit import Fit
from pix2seg.thresholds import map_to_mask

SHARES = arrays.arrays(np.float32, (4, 3, 2), elements=st.floats(0.0625, 1, width=32))
PERSON = arrays.arrays(np.float32, (3, 2), elements=st.floats(0, 1, width=32))


@given(SHARES, PERSON, st.floats(0, 1e9))
def test_joined_probabilities_sum_to_one_and_lean_to_the_person(
    shares: np.ndarray, person: np.ndarray, weight: float
) -> None:
    before = shares / shares.sum(0)
    after = join_person(before, person, weight)
    assert np.allclose(after.sum(0), 1, atol=1e-5)
    assert (after[0][person > 0.5] <= before[0][person > 0.5] + 1e-6).all()
    assert (after[0][person < 0.5] >= before[0][person < 0.5] - 1e-6).all()
    # Among the classes of the person nothing is decided.
    assert np.allclose(after[1] * before[2], after[2] * before[1], atol=1e-5)


def test_logits_are_added() -> None:
    probabilities = np.array([0.6, 0.4], np.float32).reshape(2, 1, 1)
    joined = join_person(probabilities, np.full((1, 1), 0.8, np.float32), weight=0.5)
    logit = np.log(0.4 / 0.6) + 0.5 * np.log(0.8 / 0.2)
    assert joined[1, 0, 0] == pytest.approx(1 / (1 + np.exp(-logit)))


def test_the_extractor_cannot_decide_alone() -> None:
    sure = np.array([1e-9, 1 - 1e-9], np.float32).reshape(2, 1, 1)
    assert join_person(sure, np.zeros((1, 1), np.float32), weight=1)[1, 0, 0] > 0.99
    assert 4 < SUREST < 10


def hair_over(rest: int, *sure: float) -> np.ndarray:
    """Pieces of hair, each smaller than the one before, as sure as told; else of class `rest`."""
    probabilities = np.zeros((4, 12, 30), np.float32)
    probabilities[0] = 1
    for i, share in enumerate(sure):
        piece = np.s_[1 : 10 - i, 5 * i : 5 * i + 3]
        probabilities[0][piece] = 0
        probabilities[2][piece], probabilities[rest][piece] = share, 1 - share
    return probabilities


@given(st.sampled_from((0, 1, 3)), st.lists(st.floats(0.5625, 1), min_size=1, max_size=6))
def test_stray_hair_is_what_the_generator_hesitates_for(rest: int, sure: list[float]) -> None:
    before = hair_over(rest, *sure)
    after = settle_hair(before, load_scheme("four"))
    assert np.allclose(after.sum(0), 1)
    for i, share in enumerate(sure):
        assume(abs(1 - share - HESITATION) > 1e-5)
        turned = i > 0 and 1 - share > HESITATION
        assert after.argmax(0)[3, 5 * i] == (rest if turned else 2)
    assert np.array_equal(after[:, 11], before[:, 11])


def test_classes_without_hair_stay_as_they_are() -> None:
    before = hair_over(1, 0.7, 0.7)[:2]
    assert np.array_equal(settle_hair(before, load_scheme("garment2")), before)


@given(SHARES, st.sampled_from(((40, 60), (60, 40), (2, 90))))
def test_probabilities_that_follow_edges_stay_probabilities(
    shares: np.ndarray, photo_size: tuple[int, int]
) -> None:
    before = np.repeat(np.repeat(shares / shares.sum(0), 12, 1), 12, 2)
    framed = np.random.default_rng(0).integers(0, 256, (36, 24, 3), dtype=np.uint8)
    fit = Fit(photo_size, (24, 36))
    after = follow_edges(before, framed, fit)
    assert np.allclose(after.sum(0), 1, atol=1e-5)
    assert (after >= 0).all()
    around = np.ones((36, 24), bool)
    around[fit.placed] = False
    assert np.array_equal(after[:, around], before[:, around])


def test_classes_end_where_the_photo_has_an_edge() -> None:
    framed = np.full((384, 256, 3), (90, 70, 60), np.uint8)
    framed[:, 128:] = 200, 190, 200
    probabilities = np.zeros((4, 384, 256), np.float32)
    probabilities[0] = np.clip((np.arange(256) - 124) / 12 + 0.5, 0, 1)  # four pixels off
    probabilities[3] = 1 - probabilities[0]
    clothes = follow_edges(probabilities, framed, Fit((256, 384), (256, 384))).argmax(0) == 3
    assert np.array_equal(clothes, np.broadcast_to(np.arange(256) < 128, (384, 256)))


def test_maps_blend_the_colours_of_the_classes() -> None:
    scheme = load_scheme("four")
    exact = np.eye(4, dtype=np.float32)[..., None]
    assert np.array_equal(to_map(exact, scheme)[:, 0], scheme.colors)
    halves = np.array([0.5, 0, 0, 0.5], np.float32).reshape(4, 1, 1)
    mean = (scheme.colors[0].astype(float) + scheme.colors[3]) / 2
    assert np.abs(to_map(halves, scheme)[0, 0] - mean).max() <= 0.5


def test_a_map_of_many_classes_needs_no_layers_of_the_photo_s_size_and_can_be_sent() -> None:
    scheme = load_scheme("ccp29")
    shares = np.random.default_rng(0).random((29, 12, 8)).astype(np.float32)
    shares /= shares.sum(0)
    fit = Fit((400, 600), (8, 12))
    tracemalloc.start()
    drawing = to_photo_map(shares, fit, scheme)
    layers = tracemalloc.get_traced_memory()[1] / (4 * 400 * 600)
    tracemalloc.stop()
    assert layers < 4
    drawn, sent = np.zeros((2, 600, 400, 3), np.uint8)
    drawing(drawn)
    pickle.loads(pickle.dumps(drawing))(sent)
    assert np.array_equal(drawn, sent)
    likeliest = np.argmax([fit.invert_soft(share) for share in shares], axis=0)
    assert np.array_equal(drawn, scheme.colors[likeliest])


@given(st.data())
def test_undecided_pixels_are_of_no_third_class(data: st.DataObject) -> None:
    scheme = load_scheme(data.draw(st.sampled_from(("four", "ccp29", "ccp59"))))
    first, second = data.draw(st.permutations(range(len(scheme))))[:2]
    share = data.draw(st.floats(0.625, 1))
    probabilities = np.zeros((len(scheme), 12, 8), np.float32)
    probabilities[first], probabilities[second] = share, 1 - share
    fit = Fit((40, 60), (8, 12))
    enlarged = np.empty((60, 40, 3), np.uint8)
    to_photo_map(probabilities, fit, scheme)(enlarged)
    for drawn in (to_map(probabilities, scheme), enlarged):
        assert set(np.unique(map_to_mask(drawn, scheme))) == {first}


def test_borders_between_many_classes_show_no_third_class() -> None:
    scheme = load_scheme("ccp59")
    probabilities = np.zeros((59, 12, 8), np.float32)
    probabilities[14, :6] = probabilities[45, 6:] = 1
    drawn = np.empty((60, 40, 3), np.uint8)
    to_photo_map(probabilities, Fit((40, 60), (8, 12)), scheme)(drawn)
    assert np.array_equal(drawn[:30], np.broadcast_to(scheme.colors[14], (30, 40, 3)))
    assert np.array_equal(drawn[30:], np.broadcast_to(scheme.colors[45], (30, 40, 3)))
