import numpy as np
import pytest

from pix2seg.classes import load_scheme
from pix2seg.garments import kinds
from pix2seg.render import LEAST_LETTER, overlay

FOUR = load_scheme("four")
SKIN, CLOTHES = FOUR.id_of("skin"), FOUR.id_of("clothes")
BLUE = (40, 60, 160)


def scene(width: int, height: int) -> tuple[np.ndarray, np.ndarray]:
    """Noise with somebody in blue in the middle, the head skin."""
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    mask = np.zeros((height, width), np.uint8)
    mask[height // 4 : -height // 8, width // 3 : -width // 3] = CLOTHES
    mask[height // 8 : height // 4, width // 3 : -width // 3] = SKIN
    pixels[mask > 0] = BLUE
    return pixels, mask


def eroded(mask: np.ndarray, by: int) -> np.ndarray:
    inner = mask.copy()
    for axis in (0, 1):
        for shift in (-by, by):
            inner &= np.roll(mask, shift, axis)
    return inner


@pytest.mark.parametrize("size", [(60, 90), (400, 600), (1200, 1800)])
def test_what_is_in_a_class_keeps_its_colors(size: tuple[int, int]) -> None:
    pixels, mask = scene(*size)
    picture = overlay(pixels, mask, FOUR)
    assert picture.shape == pixels.shape
    inside = eroded(mask == CLOTHES, 4 + max(size) // 600)
    assert (picture[inside] == BLUE).all()
    assert inside.any()


def test_the_background_gives_way() -> None:
    pixels, mask = scene(400, 600)
    picture = overlay(pixels, mask, FOUR)
    far = picture[560:]
    assert (np.ptp(far.astype(int), axis=2) == 0).all()
    assert far.std() < 0.6 * pixels[560:].std()
    assert far.mean() > pixels[560:].mean()


@pytest.mark.parametrize("size", [(60, 90), (400, 600), (1200, 1800)])
def test_outlines_lie_on_the_edge_and_are_as_thin_as_the_photo_is_small(
    size: tuple[int, int],
) -> None:
    pixels, mask = scene(*size)
    picture = overlay(pixels, mask, FOUR).astype(int)
    red, green, blue = picture[size[1] // 2].T
    colored = np.flatnonzero((red > green + 80) & (blue > green + 80))
    left, right = size[0] // 3, size[0] - size[0] // 3 - 1
    width = max(1, round(max(size) / 500))
    assert abs(colored - left).min() <= 1
    assert abs(colored - right).min() <= 1
    assert len(colored) <= 2 * (width + 2)
    assert ((colored >= left) & (colored <= right)).all()  # within what they outline
    assert np.minimum(abs(colored - left), abs(colored - right)).max() <= width


def test_where_two_garments_meet_each_outline_has_its_own_color() -> None:
    pixels = np.full((900, 600, 3), 128, np.uint8)
    mask = np.zeros((900, 600), np.uint8)
    mask[200:700, 150:300], mask[200:700, 300:450] = 1, 3
    beside = overlay(pixels, mask, FOUR)[450, 299:301]
    assert abs(beside.astype(int) - FOUR.colors[[1, 3]]).max() <= 1


def test_the_legend_names_the_classes_shown_and_hides_nothing() -> None:
    pixels, mask = scene(400, 600)
    plain = overlay(pixels, np.where(mask == SKIN, 0, mask).astype(np.uint8), FOUR)
    both = overlay(pixels, mask, FOUR)
    for picture, classes in ((plain, ("clothes",)), (both, ("skin", "clothes"))):
        corner = picture[:100, :100].reshape(-1, 3)
        for name in ("skin", "hair", "clothes"):
            color = FOUR.classes[FOUR.id_of(name)].color
            assert (corner == color).all(1).any() == (name in classes)
    assert (both[0, 0] == 255).all()
    mask[:200, :200] = CLOTHES
    moved = overlay(pixels, mask, FOUR)
    assert not (moved[2:60, 2:60] == 255).all(2).any()
    assert (moved[0, -1] == 255).all()


def test_photos_too_small_for_a_legend_have_none() -> None:
    pixels, mask = scene(60, 90)
    assert not (overlay(pixels, mask, FOUR) == 255).all(2).any()


def test_a_photo_of_nobody_is_all_background() -> None:
    pixels, _ = scene(60, 90)
    picture = overlay(pixels, np.zeros((90, 60), np.uint8), FOUR)
    assert (np.ptp(picture.astype(int), axis=2) == 0).all()


@pytest.mark.parametrize("size", [(512, 288), (1920, 1080)])
def test_a_landscape_photo_has_room_for_the_names_of_all_garments(size: tuple[int, int]) -> None:
    garments, (width, height) = kinds(), size
    mask = np.zeros((height, width), np.uint8)
    for kind in range(1, len(garments)):
        top = height * kind // (len(garments) + 1)
        mask[top : top + 4, width * 3 // 4 : width * 3 // 4 + 9] = kind
    picture = overlay(np.zeros((height, width, 3), np.uint8), mask, garments)
    corner = picture[: height // 2, : width // 2].reshape(-1, 3)
    assert (corner == 255).all(1).any()
    for kind in garments.classes[1:]:
        assert (corner == kind.color).all(1).sum() >= (LEAST_LETTER - 2) ** 2, kind.name
