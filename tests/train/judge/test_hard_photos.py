from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pix2seg.errors import DatasetError
from pix2seg.photo import read_photo
from pix2seg.preprocess.dataset.folder import read_mask
from pix2seg.train.judge.hard_photos import (
    FAR,
    LEAST_WIDTH,
    before_background,
    before_clothes,
    busiest_backgrounds,
    far_away,
    upper_half,
)
from pix2seg.train.judge.photo_sets import without_people


def photo_and_mask(photo: Path) -> tuple[np.ndarray, np.ndarray]:
    return read_photo(photo).pixels, read_mask(photo.with_suffix(".png"))


def test_busiest_background_comes_first_and_shows_nobody(photos: list[Path]) -> None:
    pixels, mask = photo_and_mask(photos[0])
    sharp = np.random.default_rng(0).integers(0, 256, pixels.shape, dtype=np.uint8)
    person = mask > 0
    sharp[person] = (255, 0, 255)
    found = busiest_backgrounds([(pixels, mask), (sharp, mask)], 5)
    assert 1 <= len(found) <= 2
    assert found[0].shape[0] == len(pixels)
    assert found[0].shape[1] >= LEAST_WIDTH * pixels.shape[1]
    assert not (found[0] == (255, 0, 255)).all(axis=2).any()
    assert found[0].std() > 70  # the noise, not the photo
    assert len(busiest_backgrounds([(pixels, mask), (sharp, mask)], 1)) == 1


def test_backgrounds_with_passers_by_are_left_out(photos: list[Path]) -> None:
    peopled = read_photo(photos[0]).pixels
    empty = [np.full_like(peopled, level) for level in (90, 160)]
    found = without_people([empty[0], peopled, empty[1]])
    assert [background is kept for background, kept in zip(found, empty, strict=True)] == [True] * 2
    assert without_people([peopled])[0] is peopled  # better than none


def test_photos_that_people_fill_have_no_background() -> None:
    filled = np.zeros((9, 6, 3), np.uint8), np.ones((9, 6), np.uint8)
    with pytest.raises(DatasetError, match="no training photo has room"):
        busiest_backgrounds([filled], 3)


def test_only_the_background_is_replaced(photos: list[Path]) -> None:
    pixels, mask = photo_and_mask(photos[0])
    behind = np.full((50, 20, 3), (1, 2, 3), np.uint8)
    hard = before_background(pixels, mask, behind)
    assert np.array_equal(hard[mask > 0], pixels[mask > 0])
    assert (hard[mask == 0] == (1, 2, 3)).all()


def test_far_person_keeps_their_classes(photos: list[Path]) -> None:
    pixels, mask = photo_and_mask(photos[0])
    behind = np.full((50, 20, 3), (1, 2, 3), np.uint8)
    far, far_mask = far_away(pixels, mask, behind, np.random.default_rng(0))
    assert far.shape == pixels.shape
    assert (far[far_mask == 0] == (1, 2, 3)).all()
    shares = [np.bincount(m[m > 0], minlength=4) / (m > 0).sum() for m in (mask, far_mask)]
    assert np.abs(shares[0] - shares[1]).max() < 0.01
    assert (far_mask > 0).sum() / (mask > 0).sum() == pytest.approx(FAR**2, rel=0.02)


def test_clothes_stand_before_their_own_pixels(photos: list[Path]) -> None:
    pixels, mask = photo_and_mask(photos[0])
    clothes = mask == 3
    hard = before_clothes(pixels, mask, clothes, np.random.default_rng(0))
    assert np.array_equal(hard[mask > 0], pixels[mask > 0])
    own = {tuple(color) for color in pixels[clothes]}
    assert {tuple(color) for color in hard[mask == 0]} <= own
    again = before_clothes(pixels, mask, clothes, np.random.default_rng(0))
    assert np.array_equal(hard, again)


def test_a_garment_of_one_pixel_is_enough() -> None:
    pixels = np.asarray(Image.effect_noise((9, 9), 50).convert("RGB"))
    mask = np.zeros((9, 9), np.uint8)
    mask[4, 4] = 3
    hard = before_clothes(pixels, mask, mask == 3, np.random.default_rng(0))
    assert (hard == pixels[4, 4]).all()


def test_upper_half_ends_within_the_person(photos: list[Path]) -> None:
    pixels, mask = photo_and_mask(photos[0])
    half, half_mask = upper_half(pixels, mask)
    assert half.shape[:2] == half_mask.shape
    assert half_mask[-1].any()
    assert np.array_equal(half, pixels[: len(half)])
    rows = [np.count_nonzero(m.any(axis=1)) for m in (mask, half_mask)]
    assert rows[1] == rows[0] // 2


def test_nobody_has_no_upper_half() -> None:
    pixels, mask = np.zeros((9, 6, 3), np.uint8), np.zeros((9, 6), np.uint8)
    assert upper_half(pixels, mask)[1].shape == (0, 6)
