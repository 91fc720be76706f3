import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pix2seg.train.generator.shadow import shadowed


def figure() -> tuple[np.ndarray, np.ndarray]:
    photo = np.full((120, 100, 3), 200, np.uint8)
    behind = np.ones((120, 100), bool)
    behind[20:100, 40:60] = False
    photo[~behind] = 90
    return photo, behind


@given(st.integers(0, 300))
def test_shadows_darken_the_background_alone(seed: int) -> None:
    photo, behind = figure()
    dark = shadowed(photo, behind, np.random.default_rng(seed))
    assert np.array_equal(dark[~behind], photo[~behind])
    assert (dark <= photo).all()
    assert dark[behind].min() >= 50


def test_most_shadows_are_seen() -> None:
    photo, behind = figure()
    darkest = [
        int(shadowed(photo, behind, np.random.default_rng(seed)).astype(int)[behind].min())
        for seed in range(40)
    ]
    assert sum(level < 160 for level in darkest) > 30


def test_without_a_person_there_is_no_shadow() -> None:
    photo, behind = figure()
    assert shadowed(photo, np.ones_like(behind), np.random.default_rng(0)) is photo
