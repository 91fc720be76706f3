"""The swatch sheet: a photo and its palettes in one picture."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from pix2seg.colors.names import NameList, name_of
from pix2seg.colors.palette import Palette

SHEET = 960
"""Height of a swatch sheet in pixels, unless its palettes need more."""

INK, PAPER, FAINT = (32, 32, 36), (255, 255, 255), (120, 120, 126)


def swatches(
    pixels: NDArray[np.uint8], palettes: Mapping[str, Palette], names: NameList = "css"
) -> NDArray[np.uint8]:
    """A sheet with the photo at the left and each class's palette at the right.

    A class has a bar in which each colour is as wide as its share, and under it a line for each
    colour with chip, hex code, name and share.

    Args:
        pixels: RGB uint8 (H, W, 3).
        palettes: class name to palette; empty ones are left out.
        names: the list that names the colours.

    Returns:
        RGB uint8.
    """
    shown = {name: palette for name, palette in palettes.items() if len(palette)}
    margin, title, bar, line, panel = 36, 44, 64, 40, 460
    block = {name: title + bar + 12 + line * len(palette) + 28 for name, palette in shown.items()}
    height = max(SHEET, sum(block.values()) + 2 * margin - 28)
    photo = _fitted(pixels, 2 * SHEET, height)
    left = photo.width + margin
    sheet = Image.new("RGB", (left + panel + margin, height), PAPER)
    sheet.paste(photo, (0, (height - photo.height) // 2))
    draw = ImageDraw.Draw(sheet)
    large, small = ImageFont.load_default(26), ImageFont.load_default(21)
    top = margin
    for name, palette in shown.items():
        draw.text((left, top), name, INK, large)
        draw.text((left + panel, top + 4), f"{palette.coverage:.1%}", FAINT, small, anchor="ra")
        _draw_bar(draw, palette, (left, top + title, left + panel, top + title + bar))
        for i, swatch in enumerate(palette):
            y = top + title + bar + 12 + i * line
            chip = (left, y + 4, left + 30, y + 34)
            draw.rounded_rectangle(chip, 6, swatch.color.rgb, FAINT)
            draw.text((left + 44, y + 7), swatch.color.hex, INK, small)
            draw.text((left + 150, y + 7), name_of(swatch.color, names), INK, small)
            draw.text((left + panel, y + 7), f"{swatch.share:.0%}", FAINT, small, anchor="ra")
        top += block[name]
    return np.asarray(sheet)


def _fitted(pixels: NDArray[np.uint8], width: int, height: int) -> Image.Image:
    """The photo as large as fits into width and height."""
    rows, columns = pixels.shape[:2]
    scale = min(width / columns, height / rows)
    size = max(1, round(columns * scale)), max(1, round(rows * scale))
    return Image.fromarray(pixels).resize(size, Image.Resampling.LANCZOS)


def _draw_bar(draw: ImageDraw.ImageDraw, palette: Palette, box: tuple[int, int, int, int]) -> None:
    left, top, right, bottom = box
    start = 0.0
    for swatch in palette:
        end = start + swatch.share
        edges = [round(left + (right - left) * share) for share in (start, end)]
        draw.rectangle((edges[0], top, max(edges) - 1, bottom), swatch.color.rgb)
        start = end
    draw.rectangle((left, top, right - 1, bottom), None, FAINT)
