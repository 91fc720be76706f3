"""Base colours: what a person calls cloth that a street's light has coloured."""

from itertools import groupby

import pytest

from pix2seg.colors.color import Color
from pix2seg.colors.names import basic_names, feed_text, name_of
from pix2seg.colors.palette import Palette, Swatch

SHADES = {
    "black": "#373946 #242833 #22232b #343a48 #393430",
    "white": "#dcdde6 #d6d9e4 #d8dbe4 #dedad9",
    "grey": "#434a5a #454854 #5b5f6c #7a7f8d #4f5563 #b1a3a2 #bdaea7 #cbcad2 #9392a0 #a0a3b2",
    "blue": "#a6a8db #b8bae0 #9fa9c4 #2d466f #1a464f #0f3338 #535e7c #536080 #bfc7de #1c2b9e",
    "green": "#354747 #33484a",
    "pink": "#a87f90 #a64473 #c0a5a3",
    "yellow": "#dac67d",
    "purple": "#8e4585",
    "brown": "#9f7b63 #a07f6e #987c6e #aa8e82 #a47f76 #847e5c",
    "navy": "#14213d #1b2a4a #20263a #26304a #21232f #2f3448 #242b47",
}
"""Leading colours of garments, skin and hair in Clothing Co-Parsing, and what they are to the eye;
the yellow is a stripe's, the purple a plum's."""


@pytest.mark.parametrize(
    ("code", "name"), [(code, name) for name, codes in SHADES.items() for code in codes.split()]
)
def test_garments_are_called_what_they_are_in_shade_too(code: str, name: str) -> None:
    assert name_of(Color.from_hex(code), "basic") == name


@pytest.mark.parametrize("code", ["#1a0f1f", "#241a28", "#2b1b2e", "#1f161f", "#15151f"])
def test_what_is_nearly_black_is_black_whatever_its_tint(code: str) -> None:
    assert name_of(Color.from_hex(code), "basic") == "black"


def test_from_black_to_white_each_name_comes_once() -> None:
    greys = [name_of(Color.from_rgb(level, level, level), "basic") for level in range(256)]
    assert [name for name, _ in groupby(greys)] == ["black", "grey", "white"]


def palette_of(**shares: float) -> Palette:
    codes = {"white": "#f4f4f2", "black": "#101012", "grey": "#808080", "red": "#c8102e"}
    colors = {name: Color.from_hex(codes[name]) for name in shares}
    return Palette(tuple(Swatch(colors[n], colors[n], s) for n, s in shares.items()), 0.3)


@pytest.mark.parametrize(
    ("shares", "names"),
    [
        ({"white": 0.7, "grey": 0.3}, ("white",)),
        ({"black": 0.5, "grey": 0.3, "white": 0.2}, ("black", "white")),
        ({"white": 0.6, "grey": 0.4}, ("white", "grey")),
        ({"red": 0.7, "grey": 0.3}, ("red", "grey")),
        ({"grey": 0.5, "red": 0.28, "white": 0.22}, ("grey", "red", "white")),
    ],
)
def test_grey_is_no_colour_of_its_own_in_the_shade_of_white_and_black(
    shares: dict[str, float], names: tuple[str, ...]
) -> None:
    assert basic_names(palette_of(**shares)) == names
    assert feed_text(palette_of(**shares)) == "/".join(name.capitalize() for name in names)
