import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from pix2seg.preprocess.fit import (
    LARGEST_PERSON,
    PADDING_COLOR,
    Fit,
    crop_around,
    enlarge_decided,
    parse_box,
    parse_size,
)

lengths = st.integers(1, 90)
sizes = st.tuples(lengths, lengths)

WHOLE = slice(None), slice(None)


def random_mask(size: tuple[int, int], seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 4, size[::-1], dtype=np.uint8)


@given(sizes, sizes)
def test_photo_fills_the_frame_in_one_direction_and_stays_inside(
    photo: tuple[int, int], frame: tuple[int, int]
) -> None:
    fit = Fit(photo, frame)
    rows, columns = fit.placed
    assert fit.fitted_size == (columns.stop - columns.start, rows.stop - rows.start)
    assert 0 <= columns.start < columns.stop <= frame[0]
    assert 0 <= rows.start < rows.stop <= frame[1]
    assert fit.fitted_size[0] == frame[0] or fit.fitted_size[1] == frame[1]


@given(sizes, sizes, st.floats(0, 1))
def test_somebody_seen_from_near_fills_no_more_of_the_frame_than_others(
    photo: tuple[int, int], frame: tuple[int, int], share: float
) -> None:
    mask = np.zeros(photo[::-1], bool)
    mask[: round(share * photo[1])] = True
    fit = Fit.of_person(mask, frame)
    width, height = fit.fitted_size
    filled = mask.mean() * width * height / (frame[0] * frame[1])
    rounding = (width + 1) * (height + 1) / (width * height)
    assert filled <= LARGEST_PERSON * rounding or (width, height) == (1, 1) or mask.all()
    largest = Fit(photo, frame)
    if mask.all() or mask.mean() * np.prod(largest.fitted_size) <= LARGEST_PERSON * np.prod(frame):
        assert fit == largest


def on_photo(fit: Fit, framed: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """What the frame has of the photo, at the photo's size."""
    width, height = fit.photo_size
    drawn = np.zeros((height, width, 3), np.uint8)
    fit.draw_map(framed, drawn)
    return drawn


@given(sizes, sizes, st.integers(0, 99))
def test_masks_gain_no_class_but_background(
    photo: tuple[int, int], frame: tuple[int, int], seed: int
) -> None:
    mask = random_mask(photo, seed)
    fit = Fit(photo, frame)
    framed = fit.mask(mask)
    assert framed.shape == frame[::-1]
    assert set(np.unique(framed)) <= set(np.unique(mask)) | {0}


def test_photo_of_the_frame_s_size_passes_unchanged() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (96, 64, 3), dtype=np.uint8)
    fit = Fit((64, 96), (64, 96))
    assert np.array_equal(fit.photo(pixels), pixels)
    assert np.array_equal(on_photo(fit, pixels), pixels)


def test_padding_is_grey_and_is_cut_off_again() -> None:
    white = np.full((50, 200, 3), 255, np.uint8)
    fit = Fit((200, 50), (64, 96))
    framed = fit.photo(white)
    assert tuple(framed[0, 0]) == PADDING_COLOR
    assert np.array_equal(on_photo(fit, framed), white)


def test_shrinking_and_enlarging_does_not_shift() -> None:
    ramp = np.tile(np.arange(100, dtype=np.uint8), (150, 1))
    pixels = np.dstack([ramp] * 3)
    fit = Fit((100, 150), (50, 75))
    back = on_photo(fit, fit.photo(pixels)).astype(int)
    assert abs((back - pixels)[:, 5:-5].mean()) < 0.1


def test_parse_size() -> None:
    assert parse_size("512x768") == (512, 768)
    for wrong in ("512", "512x", "0x768", "axb", "512*768", "-1x5"):
        with pytest.raises(ValueError, match="width x height"):
            parse_size(wrong)


spans = st.tuples(st.integers(0, 900), st.integers(1, 900))


@given(spans, spans, st.integers(0, 900), st.integers(0, 900))
def test_crop_holds_the_person_in_the_frame_s_shape(
    across: tuple[int, int], down: tuple[int, int], right_of: int, below: int
) -> None:
    (x0, x1), (y0, y1) = ((start, start + length) for start, length in (across, down))
    width, height = x1 + right_of, y1 + below
    left, top, right, bottom = crop_around((x0, y0, x1, y1), (width, height), (512, 768))
    assert 0 <= left <= x0 < x1 <= right <= width
    assert 0 <= top <= y0 < y1 <= bottom <= height
    if left and top and right < width and bottom < height:
        assert right - left == pytest.approx((bottom - top) * 2 / 3, abs=2)


def test_crop_around_the_whole_photo_is_the_whole_photo() -> None:
    assert crop_around((0, 0, 550, 830), (550, 830), (512, 768)) == (0, 0, 550, 830)
    assert crop_around((200, 300, 260, 450), (2000, 1000), (512, 768)) == (175, 292, 285, 458)


@given(sizes, sizes, st.integers(1, 5), st.integers(1, 5))
def test_soft_layers_of_any_size_lie_where_the_photo_lies(
    photo: tuple[int, int], frame: tuple[int, int], columns: int, rows: int
) -> None:
    # A ramp over the frame: what comes back says of each pixel where in the frame it lies.
    fit = Fit(photo, frame)
    width, height = frame[0] / columns, frame[1] / rows
    x = (np.arange(columns, dtype=np.float32) + 0.5) * width
    y = (np.arange(rows, dtype=np.float32) + 0.5) * height
    (down, across), (fit_width, fit_height) = fit.placed, fit.fitted_size
    wanted_x = across.start + (np.arange(photo[0]) + 0.5) * fit_width / photo[0]
    wanted_y = down.start + (np.arange(photo[1]) + 0.5) * fit_height / photo[1]
    found_x = fit.invert_soft(np.tile(x, (rows, 1)))
    found_y = fit.invert_soft(np.tile(y[:, None], (1, columns)))
    assert found_x.shape == found_y.shape == photo[::-1]
    # OpenCV counts in 32nds of a layer's pixel; beyond the outer centres the ramp is flat.
    assert np.allclose(found_x, np.clip(wanted_x, x[0], x[-1]), atol=width / 16)
    assert np.allclose(found_y, np.clip(wanted_y, y[0], y[-1])[:, None], atol=height / 16)


def test_soft_layers_reach_photos_of_any_length() -> None:
    layer = Fit((40_000, 3), (512, 768)).invert_soft(np.ones((192, 128), np.float32))
    assert layer.shape == (3, 40_000)
    assert layer.min() == 1


@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 300), st.integers(1, 300))
def test_what_is_decided_in_strips_is_what_the_enlarged_layer_decides(
    rows: int, columns: int, height: int, width: int
) -> None:
    layer = np.random.default_rng(rows * 41 + columns).random((rows, columns), np.float32)
    enlarged = cv2.resize(layer, (width, height), interpolation=cv2.INTER_LINEAR)
    clear = np.abs(enlarged - 0.5) > 1e-5
    decided = enlarge_decided(layer, (width, height))
    assert decided.shape == (height, width)
    assert np.array_equal(decided[clear], enlarged[clear] >= 0.5)


@pytest.mark.parametrize("size", [(30, 40), (900, 700)])
def test_a_small_layer_comes_into_the_frame_as_if_it_was_enlarged(size: tuple[int, int]) -> None:
    width, height = size
    layer = np.random.default_rng(0).random((20, 16), np.float32)
    part = slice(height // 5, height), slice(width // 7, width // 2)
    fit = Fit((width // 2 - width // 7, height - height // 5), (64, 96))
    enlarged = cv2.resize(layer, size, interpolation=cv2.INTER_LINEAR)
    direct = fit.soft(np.ascontiguousarray(enlarged[part]), enlarged[part].shape, WHOLE)
    assert np.abs(fit.soft(layer, (height, width), part) - direct).max() < 1e-5


def test_parse_box() -> None:
    assert parse_box("40,10, 300,700") == (40, 10, 300, 700)
    for wrong in (
        "",
        "1,2,3",
        "1,2,3,4,5",
        "a,b,c,d",
        "-1,0,3,4",
        "5,5,5,9",
        "1.5,0,3,4",
        f"0,0,{9**99},9",
    ):
        with pytest.raises(ValueError, match="is no box"):
            parse_box(wrong)
