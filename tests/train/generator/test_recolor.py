import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pix2seg.train.generator.recolor import SKIN, recolored

TOP = 5


def dressed() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    photo = rng.integers(0, 60, (60, 40, 3), dtype=np.uint8)
    garments = np.zeros((60, 40), np.uint8)
    garments[5:15, 10:30], garments[20:50, 5:35] = SKIN, TOP
    photo[garments == SKIN] = (220, 170, 140)
    return photo, garments


@given(st.integers(0, 300))
def test_only_one_garment_changes(seed: int) -> None:
    photo, garments = dressed()
    changed = recolored(photo, garments, np.random.default_rng(seed))
    assert np.array_equal(changed[garments != TOP], photo[garments != TOP])
    assert not np.array_equal(changed[garments == TOP], photo[garments == TOP])


def test_some_garments_get_the_colour_of_the_skin() -> None:
    photo, garments = dressed()
    apart = [
        np.abs(
            recolored(photo, garments, np.random.default_rng(s))[garments == TOP].mean(0)
            - (220, 170, 140)
        ).max()
        for s in range(30)
    ]
    assert 5 < sum(distance < 50 for distance in apart) < 29


def test_a_photo_without_garments_stays() -> None:
    photo, garments = dressed()
    naked = np.where(garments == TOP, np.uint8(0), garments)
    assert recolored(photo, naked, np.random.default_rng(0)) is photo
