from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from pix2seg.cutouts import REACH, cutout, edge_filter, foreground_colors, put_before, soft_alpha
from pix2seg.photo import read_photo

FRONT, BEHIND = np.array([170, 40, 60]), np.array([40, 170, 70])


@pytest.fixture
def disc() -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """A red disc with soft edges on green, and its true alpha."""
    alpha = np.zeros((400, 480), np.float32)
    cv2.circle(alpha, (240, 200), 120, 1.0, -1)
    alpha = cv2.GaussianBlur(alpha, (0, 0), 2)
    mixed = alpha[..., None] * FRONT + (1 - alpha[..., None]) * BEHIND
    return mixed.round().astype(np.uint8), alpha


def test_the_old_background_leaves_no_fringe(
    disc: tuple[NDArray[np.uint8], NDArray[np.float32]],
) -> None:
    pixels, alpha = disc
    edge = (alpha > 0.1) & (alpha < 0.9)
    before = np.abs(pixels[edge] - FRONT).mean()
    after = np.abs(foreground_colors(pixels, alpha)[edge] - FRONT).mean()
    assert after < 0.1 * before
    blue = np.full_like(pixels, (0, 0, 250))
    true = alpha[..., None] * FRONT + (1 - alpha[..., None]) * blue
    assert np.abs(put_before(pixels, alpha, blue) - true).mean() < 1


def test_the_foreground_itself_is_unchanged(
    disc: tuple[NDArray[np.uint8], NDArray[np.float32]],
) -> None:
    pixels, alpha = disc
    alpha = np.where(alpha > 0.5, alpha, 0).astype(np.float32)
    rgba = cutout(pixels, alpha)
    assert np.array_equal(rgba[alpha == 1][:, :3], pixels[alpha == 1])
    assert not rgba[alpha == 0].any()
    assert np.array_equal(rgba[..., 3], (alpha * 255).round().astype(np.uint8))


def test_alpha_moves_to_the_edge_of_the_photo(
    disc: tuple[NDArray[np.uint8], NDArray[np.float32]],
) -> None:
    pixels, alpha = disc
    coarse = cv2.GaussianBlur(np.roll(alpha, 2, axis=1), (0, 0), 4)
    moved = soft_alpha(edge_filter(pixels), coarse.__getitem__, coarse >= 0.5)
    assert moved.dtype == np.float32
    assert np.abs(moved - alpha).mean() < 0.6 * np.abs(coarse - alpha).mean()


def test_nothing_is_cut_out_far_from_the_mask(photos: list[Path]) -> None:
    for photo in photos:
        pixels, ids = read_photo(photo).pixels, np.asarray(Image.open(photo.with_suffix(".png")))
        follow_edges = edge_filter(pixels)
        for class_id in np.unique(ids)[1:]:
            mask = ids == class_id
            blurred = cv2.GaussianBlur(mask * np.float32(1), (0, 0), 3)
            alpha = soft_alpha(follow_edges, blurred.__getitem__, mask)
            seen = alpha > 0
            away = cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_C, 3)
            reach = round(REACH * max(mask.shape))
            assert away[seen].max() <= reach
            inside = cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_C, 3)
            assert (alpha[inside > reach + 1] == 1).all()
            count, parts = cv2.connectedComponents(seen.astype(np.uint8))
            assert all(mask[parts == part].any() for part in range(1, count))


def test_the_mask_is_believed_where_it_differs() -> None:
    pixels = np.full((100, 120, 3), 90, np.uint8)
    probability = np.zeros((100, 120), np.float32)
    probability[20:40, 20:40] = probability[60:80, 60:80] = 0.95
    mask = np.zeros((100, 120), bool)
    mask[20:40, 20:40] = mask[60:80, 20:40] = True
    alpha = soft_alpha(edge_filter(pixels), probability.__getitem__, mask)
    assert alpha[30, 30] > 0.9
    assert alpha[70, 30] == 1
    assert alpha[70, 70] == 0


@pytest.mark.parametrize("size", [(1, 1), (1, 700), (3, 2), (900, 700)])
def test_any_size_of_photo(size: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (*size, 3), dtype=np.uint8)
    mask = rng.random(size) < 0.5
    alpha = soft_alpha(edge_filter(pixels), mask.astype(np.float32).__getitem__, mask)
    assert alpha.shape == size
    assert (alpha >= 0).all()
    assert (alpha <= 1).all()
    assert cutout(pixels, alpha).shape == (*size, 4)
    whole = np.ones(size, np.float32)
    assert np.array_equal(put_before(pixels, whole, np.zeros_like(pixels)), pixels)


def test_an_empty_mask_has_no_alpha() -> None:
    pixels, mask = np.full((40, 30, 3), 90, np.uint8), np.zeros((40, 30), bool)
    alpha = soft_alpha(edge_filter(pixels), np.zeros((40, 30), np.float32).__getitem__, mask)
    assert alpha.shape == (40, 30)
    assert not alpha.any()
