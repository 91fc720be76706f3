import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pix2seg.classes import SOMEBODY, UNKNOWN, built_in_schemes, load_scheme
from pix2seg.garments import BODY, FIRST_GARMENT
from pix2seg.train.generator.recolor import SKIN, parts_of, recolored, with_other_skin

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


def hard_to_see(photo: np.ndarray, garments: np.ndarray, like: tuple[int, ...]) -> int:
    """In how many of 30 copies the top is much like some colour."""
    copies = [recolored(photo, garments, np.random.default_rng(seed)) for seed in range(30)]
    apart = [np.abs(copy[garments == TOP].mean(0) - like).max() for copy in copies]
    return sum(distance < 50 for distance in apart)


def test_some_garments_get_the_colour_of_the_skin() -> None:
    assert 5 < hard_to_see(*dressed(), (220, 170, 140)) < 29


def test_skin_tones_reach_from_fair_to_very_dark() -> None:
    photo, garments = dressed()
    photo[5:10, 10:30] //= 2  # in shadow
    skin = garments == SKIN
    copies = [with_other_skin(photo, skin, np.random.default_rng(seed)) for seed in range(40)]
    light = [float(copy[skin].mean()) for copy in copies]
    assert min(light) < 60
    assert max(light) > 170
    for copy in copies:
        assert copy[skin][:, 0].mean() > copy[skin][:, 2].mean()  # no tone is blue
        assert copy[5:10, 10:30].mean() < copy[10:15, 10:30].mean()
    nobody = np.zeros_like(skin)
    assert with_other_skin(photo, nobody, np.random.default_rng(0)) is photo


def test_without_skin_some_get_the_colour_of_what_is_beside_them() -> None:
    photo, garments = dressed()
    photo[garments != TOP] = (90, 140, 200)
    garments[garments == SKIN] = 0
    assert 5 < hard_to_see(photo, garments, (90, 140, 200)) < 29


def test_a_garment_that_fills_the_photo_is_recoloured_too() -> None:
    photo, garments = dressed()
    garments[:] = TOP
    for seed in range(10):
        assert recolored(photo, garments, np.random.default_rng(seed)).shape == photo.shape


@pytest.mark.parametrize("name", built_in_schemes())
def test_a_mask_tells_garments_from_bodies(name: str) -> None:
    scheme = load_scheme(name)
    parts = parts_of(scheme)
    body = {scheme.names.index(part) for part in BODY if part in scheme.names}
    assert all(BODY[parts[class_id]] == scheme.names[class_id] for class_id in body)
    garments = parts[sorted(set(range(len(scheme))) - body)]
    assert len(set(garments)) == len(garments)
    assert (garments >= FIRST_GARMENT).all()
    assert parts[SOMEBODY] == parts[UNKNOWN] == 0


def test_a_photo_without_garments_stays() -> None:
    photo, garments = dressed()
    naked = np.where(garments == TOP, np.uint8(0), garments)
    assert recolored(photo, naked, np.random.default_rng(0)) is photo
