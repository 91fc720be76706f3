import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from pix2seg.classes import load_scheme
from pix2seg.joining import SUREST, join_person, to_map

SHARES = arrays.arrays(np.float32, (4, 3, 2), elements=st.floats(0.0625, 1, width=32))
PERSON = arrays.arrays(np.float32, (3, 2), elements=st.floats(0, 1, width=32))


@given(SHARES, PERSON, st.floats(0, 2))
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
    assert joined[1, 0, 0] == np.float32(1 / (1 + np.exp(-logit)))


def test_the_extractor_cannot_decide_alone() -> None:
    sure = np.array([1e-9, 1 - 1e-9], np.float32).reshape(2, 1, 1)
    assert join_person(sure, np.zeros((1, 1), np.float32), weight=1)[1, 0, 0] > 0.99
    assert 4 < SUREST < 10


def test_maps_blend_the_colours_of_the_classes() -> None:
    scheme = load_scheme("four")
    exact = np.eye(4, dtype=np.float32)[..., None]
    assert np.array_equal(to_map(exact, scheme)[:, 0], scheme.colors)
    halves = np.array([0.5, 0, 0, 0.5], np.float32).reshape(4, 1, 1)
    mean = (scheme.colors[0].astype(float) + scheme.colors[3]) / 2
    assert np.abs(to_map(halves, scheme)[0, 0] - mean).max() <= 0.5
