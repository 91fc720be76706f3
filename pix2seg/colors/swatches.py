"""The swatch sheet: a photo and its palettes in one picture."""

from collections.abc import Mapping

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from pix2seg.colors.names import NameList, name_of
from pix2seg.colors.palette import Palette, Swatch

SHEET = 960
"""Height of a swatch sheet in pixels, unless one of its palettes needs more."""

MARGIN, PANEL = 36, 460
"""Around what is on the sheet, and how wide a palette is, in pixels."""

TITLE, BAR, LINE, GAP = 44, 64, 40, 28
"""Heights of a palette's title, of its bar, of a colour's line, and between two palettes."""

INK, PAPER, FAINT = (32, 32, 36), (255, 255, 255), (120, 120, 126)


def swatches(
    pixels: NDArray[np.uint8], palettes: Mapping[str, Palette], names: NameList = "css"
) -> NDArray[np.uint8]:
    """A sheet with the photo at the left and the palettes at the right, in columns.

    A palette has a bar in which each colour is as wide as its share, and under it a line for each
    colour with chip, hex code, names and share.

    Args:
        pixels: RGB uint8 (H, W, 3).
        palettes: by the name of a class or garment; empty ones are left out.
        names: the list that names the colours, after their base colours.

    Returns:
        RGB uint8.
    """
    shown = {name: palette for name, palette in palettes.items() if len(palette)}
    height = max([SHEET - 2 * MARGIN, *(_height(palette) for palette in shown.values())])
    places, columns = _places(shown, height)
    photo = _fitted(pixels, 2 * SHEET, height + 2 * MARGIN)
    width = photo.width + MARGIN + columns * (PANEL + MARGIN)
    sheet = Image.new("RGB", (width, height + 2 * MARGIN), PAPER)
    sheet.paste(photo, (0, (sheet.height - photo.height) // 2))
    draw = ImageDraw.Draw(sheet)
    for name, (column, top) in places.items():
        left = photo.width + MARGIN + column * (PANEL + MARGIN)
        _draw_palette(draw, name, shown[name], (left, MARGIN + top), names)
    return np.asarray(sheet)


def _height(palette: Palette) -> int:
    return TITLE + BAR + 12 + LINE * len(palette)


def _places(palettes: Mapping[str, Palette], height: int) -> tuple[dict[str, tuple[int, int]], int]:
    """The column of each palette and its top in it, and how many columns there are."""
    places, column, top = {}, 0, 0
    for name, palette in palettes.items():
        if top + _height(palette) > height:
            column, top = column + 1, 0
        places[name] = column, top
        top += _height(palette) + GAP
    return places, column + 1


def _fitted(pixels: NDArray[np.uint8], width: int, height: int) -> Image.Image:
    """The photo as large as fits into width and height."""
    rows, columns = pixels.shape[:2]
    scale = min(width / columns, height / rows)
    size = max(1, round(columns * scale)), max(1, round(rows * scale))
    interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return Image.fromarray(np.asarray(cv2.resize(pixels, size, interpolation=interpolation)))


def _draw_palette(
    draw: ImageDraw.ImageDraw, name: str, palette: Palette, at: tuple[int, int], names: NameList
) -> None:
    left, top = at
    right, bar = left + PANEL, top + TITLE
    large, small = ImageFont.load_default(26), ImageFont.load_default(21)
    draw.text((left, top), name, INK, large)
    draw.text((right, top + 4), percent(palette.coverage, 1), FAINT, small, anchor="ra")
    _draw_bar(draw, palette, (left, bar, right, bar + BAR))
    for i, swatch in enumerate(palette):
        y = bar + BAR + 12 + i * LINE
        draw.rounded_rectangle((left, y + 4, left + 30, y + 34), 6, swatch.color.rgb, FAINT)
        draw.text((left + 44, y + 7), swatch.color.hex, INK, small)
        _draw_names(draw, swatch, (left + 150, y + 7), names)
        draw.text((right, y + 7), percent(swatch.share), FAINT, small, anchor="ra")


def percent(share: float, digits: int = 0) -> str:
    """A share as people write it, such as `12%`, and `<1%` for what would round to nothing."""
    least = 10.0**-digits
    return f"<{least:g}%" if 0 < 100 * share < least / 2 else f"{share:.{digits}%}"


def _draw_names(
    draw: ImageDraw.ImageDraw, swatch: Swatch, at: tuple[int, int], names: NameList
) -> None:
    """The base colour, and behind it what the list calls the colour if that says more."""
    font = ImageFont.load_default(21)
    basic, listed = name_of(swatch.color, "basic"), name_of(swatch.color, names)
    draw.text(at, basic, INK, font)
    if listed != basic:
        draw.text((at[0] + draw.textlength(basic, font) + 10, at[1]), listed, FAINT, font)


def _draw_bar(draw: ImageDraw.ImageDraw, palette: Palette, box: tuple[int, int, int, int]) -> None:
    left, top, right, bottom = box
    ends = np.cumsum([0.0, *(swatch.share for swatch in palette)])
    edges = [round(left + (right - left) * min(end, 1.0)) for end in ends]
    for swatch, start, end in zip(palette, edges, edges[1:], strict=False):
        if end > start:  # a share under half a pixel has no width
            draw.rectangle((start, top, end - 1, bottom), swatch.color.rgb)
    draw.rectangle((left, top, right - 1, bottom), None, FAINT)
