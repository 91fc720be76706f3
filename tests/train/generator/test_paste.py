import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pix2seg.classes import load_scheme
from pix2seg.garments import kinds
from pix2seg.train.generator.augment import Sample
from pix2seg.train.generator.paste import Wardrobe, worn

SKIN, HAIR, HAT, TOP, DRESS, SKIRT = map(
    kinds().id_of, ("skin", "hair", "hat", "top", "dress", "skirt")
)
CLOTHES = load_scheme("four").id_of("clothes")
BLACK, RED = 10, 200


def standing(
    left: int, top: int, height: int, kind: int, *, hat: bool = False, level: int = BLACK
) -> Sample:
    """A figure on a 240x200 photo: hair, face, one garment down to the feet; a hat to the brow."""
    garments = np.zeros((240, 200), np.uint8)
    tenth, columns = height // 10, slice(left, left + height // 3)
    garments[top : top + tenth, columns] = HAIR
    garments[top + tenth : top + 2 * tenth, columns] = SKIN
    garments[top + 2 * tenth : top + height, columns] = kind
    if hat:
        garments[top - tenth // 2 : top + tenth, columns] = HAT
    bare = np.select([garments == 0, garments == SKIN, garments == HAIR], [0, 1, 2], CLOTHES)
    photo = np.full((240, 200, 3), level, np.uint8)
    return Sample(photo, bare.astype(np.uint8), (garments > 0).astype(np.uint8), garments)


@given(seed=st.integers(0, 200), left=st.integers(10, 120), height=st.integers(120, 180))
def test_a_hat_is_put_on_the_head(seed: int, left: int, height: int) -> None:
    sample = standing(left, 40, height, TOP)
    donor = standing(60, 40, 190, TOP, hat=True, level=RED)
    changed = worn(sample, donor, HAT, np.random.default_rng(seed))
    hat = changed.garments == HAT
    assert hat.any()
    rows, columns = np.nonzero(hat)
    assert abs(rows.max() + 1 - (40 + height // 10)) < 0.1 * height  # at the brow
    assert abs(columns.mean() - (left + height // 6)) < 0.1 * height
    assert (changed.mask[hat] == CLOTHES).all()
    assert changed.person[hat].all()
    assert changed.photo[hat].mean() > (BLACK + RED) / 2
    assert np.array_equal(changed.garments[~hat], sample.garments[~hat])
    assert np.array_equal(changed.mask[~hat], sample.mask[~hat])


def test_a_skirt_is_not_put_over_a_dress() -> None:
    dressed, donor = standing(60, 20, 180, DRESS), standing(60, 20, 200, SKIRT, level=RED)
    assert worn(dressed, donor, SKIRT, np.random.default_rng(0)) is dressed
    shirted = standing(60, 20, 180, TOP)
    assert np.any(worn(shirted, donor, SKIRT, np.random.default_rng(0)).garments == SKIRT)


def test_nobody_wears_what_would_hang_beside_them() -> None:
    sample, donor = standing(20, 20, 180, TOP), standing(20, 20, 180, TOP, level=RED)
    donor.garments[140:180, 160:200] = DRESS
    assert worn(sample, donor, DRESS, np.random.default_rng(0)) is sample


@pytest.mark.parametrize("empty", ["sample", "donor"])
def test_without_garments_nothing_is_worn(empty: str) -> None:
    sample, donor = standing(60, 20, 180, TOP), standing(60, 20, 180, TOP, hat=True)
    {"sample": sample, "donor": donor}[empty].garments[:] = 0
    assert worn(sample, donor, HAT, np.random.default_rng(0)) is sample


def test_rare_kinds_are_drawn_as_often_as_common_ones() -> None:
    photos = [standing(60, 20, 200, DRESS) for _ in range(9)]
    photos.append(standing(60, 20, 200, TOP, hat=True))
    wardrobe = Wardrobe(np.stack([photo.garments for photo in photos]))
    rng = np.random.default_rng(0)
    drawn = [wardrobe.draw(rng) for _ in range(200)]
    hats = [pair for pair in drawn if pair is not None and pair[0] == HAT]
    assert 70 < len(hats) < 130
    assert {index for _, index in hats} == {9}
    assert {pair[0] for pair in drawn if pair is not None} == {HAT, DRESS}


def test_an_empty_wardrobe_gives_nothing() -> None:
    tops = standing(60, 20, 200, TOP).garments[None]
    assert Wardrobe(tops).draw(np.random.default_rng(0)) is None
