import numpy as np
import pytest

from pix2seg.colors.color import Color
from pix2seg.colors.palette import Palette, Swatch
from pix2seg.colors.swatches import BAR, MARGIN, PANEL, SHEET, TITLE, percent, swatches

PHOTO = np.full((600, 400, 3), (10, 200, 30), np.uint8)
RED, NAVY, WHITE = (200, 30, 40), (27, 42, 60), (255, 255, 255)


def palette(*shares: tuple[tuple[int, int, int], float]) -> Palette:
    colors = [(Color.from_rgb(*rgb), share) for rgb, share in shares]
    return Palette(tuple(Swatch(color, color, share) for color, share in colors), 0.25)


def bar(sheet: np.ndarray, top: int = MARGIN) -> list[tuple[tuple[int, ...], int]]:
    """The colours of a palette's bar from left to right, and how many pixels wide each is."""
    left = sheet.shape[1] - PANEL - MARGIN
    row = sheet[top + TITLE + BAR // 2, left + 1 : left + PANEL - 1]
    changes = np.flatnonzero((row[1:] != row[:-1]).any(1)) + 1
    return [(tuple(map(int, run[0])), len(run)) for run in np.split(row, changes)]


def test_bars_are_as_wide_as_shares() -> None:
    sheet = swatches(PHOTO, {"clothes": palette((NAVY, 0.75), (RED, 0.25))})
    (first, wide), (second, narrow) = bar(sheet)
    assert (first, second) == (NAVY, RED)
    assert wide == pytest.approx(0.75 * PANEL, abs=2)
    assert narrow == pytest.approx(0.25 * PANEL, abs=2)


@pytest.mark.parametrize(
    ("share", "digits", "text"),
    [(0, 0, "0%"), (0.004, 0, "<1%"), (0.006, 0, "1%"), (0.0004, 1, "<0.1%"), (1, 1, "100.0%")],
)
def test_a_small_share_is_not_nothing(share: float, digits: int, text: str) -> None:
    assert percent(share, digits) == text


def test_a_share_of_no_width_is_no_error() -> None:
    # A white picture with a small red square made its second colour narrower than a pixel.
    tiny = 20 * 20 / (800 * 1000)
    sheet = swatches(PHOTO, {"photo": palette((WHITE, 1 - tiny), (RED, tiny))})
    assert [color for color, _ in bar(sheet)] == [WHITE]
    assert (sheet == RED).all(2).any()  # its chip


@pytest.mark.parametrize("count", [1, 7, 64])
def test_bars_of_many_colors_are_filled_to_the_end(count: int) -> None:
    shares = [((3 * i, 255 - 3 * i, i), 1 / count) for i in range(count)]
    assert sum(width for _, width in bar(swatches(PHOTO, {"a": palette(*shares)}))) == PANEL - 2


def test_the_photo_stands_whole_at_the_left() -> None:
    sheet = swatches(PHOTO, {"clothes": palette((NAVY, 1.0))})
    assert len(sheet) == SHEET
    rows, columns = np.nonzero((sheet == PHOTO[0, 0]).all(2))
    assert (np.ptp(rows) + 1, np.ptp(columns) + 1) == (SHEET, SHEET * 400 // 600)
    assert columns.min() == 0


def test_palettes_that_do_not_fit_below_each_other_stand_beside() -> None:
    one = palette(*[((40 * i, 0, 0), 0.2) for i in range(5)])
    narrow = swatches(PHOTO, {"clothes": one, "skin": Palette((), 0.0)})
    wide = swatches(PHOTO, dict.fromkeys("abcdefg", one))
    assert len(narrow) == len(wide) == SHEET
    assert wide.shape[1] == narrow.shape[1] + 3 * (PANEL + MARGIN)
    assert [color for color, _ in bar(wide)] == [s.color.rgb for s in one]


def test_colors_are_called_by_their_base_color_first() -> None:
    alice = palette(((240, 248, 255), 1.0))
    sheets = [swatches(PHOTO, {"top": alice}, names) for names in ("css", "basic")]
    line = slice(MARGIN + TITLE + BAR + 12, MARGIN + TITLE + BAR + 52)
    dark = [(sheet[line] < 60).all(2).sum() for sheet in sheets]
    faint = [(sheet[line] == (120, 120, 126)).all(2).sum() for sheet in sheets]
    assert dark[0] == dark[1]  # hex and "white", in ink
    assert faint[0] > faint[1]  # "aliceblue" stands behind, in grey
