import json
import re
import struct

import numpy as np
import pytest

from pix2seg.colors.export import to_ase, to_css, to_gpl, to_tokens
from pix2seg.colors.photo_colors import PhotoColors, photo_colors
from pix2seg.photo import read_photo


@pytest.fixture
def colors() -> PhotoColors:
    pixels = np.zeros((40, 40, 3), np.uint8)
    pixels[:20], pixels[20:30], pixels[30:] = (27, 42, 60), (200, 30, 40), (235, 200, 170)
    clothes = np.zeros((40, 40), bool)
    clothes[:30] = True
    return photo_colors(read_photo(pixels), {"clothes": clothes, "skin": ~clothes})


EXPECTED = [("clothes", (27, 42, 60)), ("clothes", (200, 30, 40)), ("skin", (235, 200, 170))]


def test_gimp_palette(colors: PhotoColors) -> None:
    lines = to_gpl(colors).decode().splitlines()
    assert lines[0] == "GIMP Palette"
    entries = [line.split("\t") for line in lines[lines.index("#") + 1 :]]
    read = [(name.split(":")[0], tuple(map(int, numbers.split()))) for numbers, name in entries]
    assert read == EXPECTED


def test_adobe_swatch_exchange(colors: PhotoColors) -> None:
    data = to_ase(colors)
    signature, major, minor, count = struct.unpack_from(">4sHHI", data)
    assert (signature, major, minor) == (b"ASEF", 1, 0)
    offset, read = 12, []
    for _ in range(count):
        kind, length = struct.unpack_from(">HI", data, offset)
        body = data[offset + 6 : offset + 6 + length]
        assert kind == 1
        characters = struct.unpack_from(">H", body)[0]
        name = body[2 : 2 + 2 * characters].decode("utf-16-be")
        assert name.endswith("\0")
        model, *components = struct.unpack_from(">4s3f", body, 2 + 2 * characters)
        assert model == b"RGB "
        read.append((name.split(":")[0], tuple(round(c * 255) for c in components)))
        offset += 6 + length
    assert offset == len(data)
    assert read == EXPECTED


def test_css_custom_properties(colors: PhotoColors) -> None:
    css = to_css(colors).decode()
    read = dict(re.findall(r"--([a-z]+-\d): (#[0-9a-f]{6});", css))
    assert read == {"clothes-1": "#1b2a3c", "clothes-2": "#c81e28", "skin-1": "#ebc8aa"}
    assert css.count("{") == css.count("}") == 1


def test_design_tokens(colors: PhotoColors) -> None:
    tokens = json.loads(to_tokens(colors))
    first = tokens["clothes"]["1"]
    assert first["$type"] == "color"
    assert first["$value"]["colorSpace"] == "srgb"
    assert first["$value"]["hex"] == "#1b2a3c"
    assert first["$value"]["components"] == pytest.approx([27 / 255, 42 / 255, 60 / 255], abs=1e-4)
    assert first["$extensions"]["org.pix2seg"]["share"] == pytest.approx(2 / 3, abs=0.01)
    # A group or token name must not begin with $ nor hold . { }, says the format.
    names = [n for n in tokens if not n.startswith("$")]
    assert names == ["clothes", "skin"]


def test_names_of_classes_are_such_as_the_formats_allow(colors: PhotoColors) -> None:
    names = ("shoes & bags", "a.b", "$c", "été")
    odd = PhotoColors(colors.photo, dict.fromkeys(names, colors.palettes["skin"]), None, "css")
    properties = re.findall(r"  --(.*): #", to_css(odd).decode())
    assert properties == ["shoes---bags-1", "a-b-1", "-c-1", "été-1"]
    groups = [name for name in json.loads(to_tokens(odd)) if not name.startswith("$")]
    assert groups == ["shoes & bags", "a-b", "-c", "été"]


def test_name_of_the_photo_cannot_break_out(colors: PhotoColors) -> None:
    photo = colors.photo.__class__(colors.photo.pixels, None, "a */ b\nc.jpg", colors.photo.sha256)
    odd = PhotoColors(photo, colors.palettes, {}, "css")
    assert to_css(odd).decode().splitlines()[0] == "/* a * / b c.jpg */"
    assert to_gpl(odd).decode().splitlines()[1] == "Name: a */ b c.jpg"
