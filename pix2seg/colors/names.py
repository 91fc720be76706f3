"""Colour names: the entry of a list that is nearest by CIEDE2000."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import resources
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from pix2seg.colors.color import Color
from pix2seg.colors.reach import lab_box
from pix2seg.colors.space import Floats, delta_e, distances, to_lab
from pix2seg.errors import ColorError, near_matches
from pix2seg.preprocess.background import BACKGROUNDS, Background, Rgb

if TYPE_CHECKING:
    from pix2seg.colors.palette import Palette  # whose colours have names

NameList = Literal["css", "xkcd", "basic"]
"""`css`: the 139 named colours of CSS; `xkcd`: the names people gave in the xkcd colour survey;
`basic`: the base colours of a shop's search filter."""

MULTICOLOUR = "multicolour"
"""The base colour of something with many colours and none that leads."""

NAMED_SHARE = 0.1
"""A base colour with a smaller share of a class does not name it."""

SHADED = ("white", "black")
"""What is mostly of these is grey in its shade or shine ..."""

SHADE_SHARE = 1 / 3
"""... and grey with a smaller share does not name it."""

LEADING_SHARE = 0.4
"""Four or more base colours are `multicolour` unless one of them has this share."""

NAVY = re.compile("(?<=navy)blue$")
"""People say so too."""

BASE_REACH = 18.0
"""No sRGB colour is so far (CIEDE2000) from the nearest shade of a base colour."""

# What cloth looks like in photos, not paint: each base colour spans light and shade, pale and
# strong. A name owns all colours that are nearest to one of its anchors. Shade in a street is
# bluish: black, grey and white have anchors of it, and garments in shade are not navy or purple.
BASIC = {
    "black": "#000000 #101012 #1c1c1e #241f1f #28282b #2b2c33 #36373f #1b1822 #1f161f #37322f",
    "white": "#ffffff #f4f4f2 #fbfbf4 #e9e9ea #dcdde6 #dedcda",
    "grey": "#3c4142 #4a4a4c #5a5a5c #6f6f70 #808080 #929591 #a8a8a8 #b8b8b8 #d3d3d3 #95a3a6 "
    "#59656d #978a84 #454b57 #5b5f6c #c8c9d0 #9b9ba9 #a19da8",
    "beige": "#f5f5dc #e6daa6 #d8c8a8 #d2b48c #c8ad7f #e8dcc8 #cbbfa8 #b8a68c",
    "brown": "#653700 #341c02 #8b4513 #a0693a #7f5a3c #5c4033 #4a3728 #ad8150 #8d6e52 #3a2a20 "
    "#9e7f70 #a4857a #ab6b5a #857c60",
    "red": "#ff0000 #c8102e #b22222 #8b0000 #e03c31 #7b1e2b #a83238 #5e1020",
    "pink": "#ffc0cb #ff69b4 #f4a6b8 #de5d83 #e8b4b8 #ff1493 #d98b98 #f7d6dc #a87f90 #a64473 "
    "#fe8484",
    "orange": "#ff7f0e #f97306 #ffa500 #cc5500 #e2725b #ffb07c",
    "yellow": "#ffff00 #ffe135 #fff59d #f7e35f #ffd93b #e8c820 #dcc76f",
    "green": "#008000 #00ff00 #228b22 #2e8b57 #556b2f #6b8e23 #808000 #98c39a #3cb371 #1f3d2b "
    "#4b5a3c #a8c090 #00a693 #5f6f52 #2f4f3f #c0dcb0 #354747",
    "blue": "#0000ff #1e66d0 #4682b4 #6ca0dc #87ceeb #add8e6 #5b7fa6 #3b5b8c #7d94b5 #0095b6 "
    "#008b9b #40e0d0 #2f5d8a #9db8d2 #40566e #a6a8db #9fa9c4 #1a464f #52607e #c0c8df #1c2f9e",
    "navy": "#000080 #01153e #14213d #1b2a4a #1b2a3c #20263a #26304a",
    "purple": "#800080 #6a0dad #9b59b6 #b39ddb #4b0082 #702963 #5b3a6b #cdb5e0 #8e6f9e #3d2647 "
    "#8e4585",
    "gold": "#d4af37 #b59410",
}


# CSS and xkcd name paints: their khaki is a pale yellow, and shops sell none of it.
CLOTH = {
    "khaki": "#b3a583 #c3b091 #8f8562",
    "cream": "#efe6d3 #f5ecd7 #fff8e1",
    "ivory": "#f4efe1 #fffff0",
    "camel": "#c19a6b #b88a5a",
    "nude": "#e3bc9a #d9b59c #ecd0b8",
    "taupe": "#8b7d6b #a39382",
    "mustard": "#c99a2e #d8a838 #b07d1e",
    "rust": "#a8502a #b7552d",
    "burgundy": "#5e1020 #6d1a2d #4a0e1a",
    "olive": "#57573c #6b6b45 #4b5320",
    "mint": "#b9dccb #98d8b9",
    "turquoise": "#35b5b0 #40c5c0",
    "lilac": "#c3b1d6 #c8a2c8",
    "charcoal": "#36373f #464649",
}
"""What shops call cloth, in two or three shades each."""


@lru_cache(maxsize=1024)
def name_of(color: Color, names: NameList = "css") -> str:
    """The name of the list that is nearest by CIEDE2000; the first of equally near ones."""
    listed, labs = _listed(names)
    return listed[int(np.argmin(distances(color.lab, labs)))]


@dataclass(frozen=True)
class BaseColor:
    """A base colour, or the dark or light part of it: all colours that are called by its name.

    Attributes:
        names: one of `BASIC`, or several that together are meant.
        low, high: the L* that it has.
    """

    names: tuple[str, ...]
    low: float = -np.inf
    high: float = np.inf

    @property
    def anchors(self) -> tuple[Color, ...]:
        """The shades that `BASIC` gives it."""
        return tuple(Color.from_hex(code) for name in self.names for code in BASIC[name].split())

    def holds(self, labs: Floats) -> NDArray[np.bool_]:
        """Which L*a*b* colours, shape (N, 3), are of it: bool (N,)."""
        kept = np.flatnonzero((labs[:, 0] >= self.low) & (labs[:, 0] <= self.high))
        own, others = _shades(self.names)
        gaps = distances(labs[kept], own).min(axis=1)
        for other, (low, high) in others:  # the nearest first: most colours of others soon go
            inside = np.flatnonzero(((labs[kept] >= low) & (labs[kept] <= high)).all(axis=1))
            away = inside[delta_e(labs[kept[inside]], other) < gaps[inside]]
            kept, gaps = np.delete(kept, away), np.delete(gaps, away)
        held = np.zeros(len(labs), np.bool_)
        held[kept] = True
        return held


def base_named(text: str) -> BaseColor | None:
    """The base colour that a text means, such as `navy` or `dark green`; None for no base colour.

    `dark` takes the darkest third of the range of L* that the shades have, `light` and `pale` the
    lightest third.

    Args:
        text: in any case, with spaces and hyphens or without.
    """
    found = re.fullmatch(f"(dark|light|pale)?({'|'.join(BASIC)})", NAVY.sub("", plain(text)))
    if not found:
        return None
    name = found[2]
    whole = BaseColor((name,))
    lightness = [color.lab[0] for color in whole.anchors]
    third = (max(lightness) - min(lightness)) / 3
    if found[1] == "dark":
        both = (name, "navy") if name == "blue" else (name,)  # to a shop navy is a dark blue
        return BaseColor(both, high=min(lightness) + third)
    return BaseColor((name,), low=max(lightness) - third) if found[1] else whole


def colors_named(text: str, names: NameList | None = None) -> tuple[Color, ...]:
    """The colours that a text means: one for a hex code, all shades for a base colour.

    Args:
        text: `#1b2a3c` or `1b2a3c`, or a name in any case, with spaces and hyphens or without.
        names: the list that has the name; by default the first that does of base colours, CSS
            and xkcd, and what `CLOTH` has beside. `navy` is a shop's navy, the cloth, and in CSS
            the paint #000080.

    Raises:
        ColorError: no list has the name, or the hex code is none.
    """
    word = plain(text)
    if word.startswith("#"):
        return (Color.from_hex(word),)
    base = base_named(text) if names in (None, "basic") else None
    if base:
        return base.anchors
    lists: tuple[NameList, ...] = (names,) if names else ("basic", "css", "xkcd")
    listed = ({plain(name): c for name, c in _codes(each).items()}.get(word, []) for each in lists)
    paint = next(filter(None, listed), [])
    cloth = [] if names else CLOTH.get(word, "").split()
    if cloth or paint:
        return tuple(Color.from_hex(code) for code in (*cloth, *paint))
    if re.fullmatch("[0-9a-f]{6}|[0-9a-f]{3}", word):
        return (Color.from_hex(word),)
    known = sorted({name for each in lists for name in _codes(each)})
    raise ColorError(f"no colour '{text}'; {near_matches(text, known) or 'write it as #1b2a3c'}")


def named_background(text: str, others: Sequence[str] = ()) -> Background | Rgb:
    """The background that a text names: one by its name, or the colour of a code or a CSS name.

    Args:
        text: the name.
        others: what else the caller takes, to tell of.

    Raises:
        ColorError: there is no such background.
    """
    name = plain(text)
    for background in BACKGROUNDS:
        if name == background:
            return background
    try:
        (color,) = colors_named(text, "css")
    except ColorError:
        known = [*BACKGROUNDS, *others]
        meant = near_matches(text, [*known, *_codes("css")])
        raise ColorError(
            f"'{text}' is none of {', '.join(known)} and a colour as #1b2a3c or CSS names it"
            f"{meant and f'; {meant}'}"
        ) from None
    return color.rgb


def plain(name: str) -> str:
    """A name as it is compared: without case, spaces and hyphens, and grey spelt so."""
    return re.sub(r"[\s-]", "", name.lower()).replace("gray", "grey")


def basic_names(palette: "Palette") -> tuple[str, ...]:
    """The base colours by which a search filter should find the palette, most first.

    Base colours under a tenth are left out, and grey under a third where white or black leads,
    for it is their shade or shine; where four or more are left and none has 40 %, the one name is
    `multicolour`.
    """
    shares = _basic_shares(palette)
    if len(shares) >= 4 and max(shares.values()) < LEADING_SHARE:
        return (MULTICOLOUR,)
    return tuple(shares)


def feed_text(palette: "Palette") -> str:
    """A shop feed's colour: up to three base colours, most first, such as `Navy/White`.

    Fits Google Merchant's `color` and schema.org's `Product.color`, which want colours a buyer
    knows; so a multicoloured garment is told by its three largest.
    """
    return "/".join(name.capitalize() for name in list(_basic_shares(palette))[:3])


def _basic_shares(palette: "Palette") -> dict[str, float]:
    """The base colours that name a palette, most first; the largest one in any case."""
    shares: dict[str, float] = {}
    for swatch in palette:
        name = name_of(swatch.color, "basic")
        shares[name] = shares.get(name, 0.0) + swatch.share
    ordered = sorted(shares.items(), key=lambda item: -item[1])
    first = ordered[0][0] if ordered else None
    least = {"grey": SHADE_SHARE} if first in SHADED else {}
    return {n: s for n, s in ordered if n == first or s >= least.get(n, NAMED_SHARE)}


@cache
def _shades(names: tuple[str, ...]) -> tuple[Floats, list[tuple[Floats, Floats]]]:
    """The L*a*b* of some base colours' shades, float (N, 3), and of all others with their boxes.

    A box holds the colours that are within `BASE_REACH` of its shade. The others that are nearest
    to the base colours come first.
    """
    listed, labs = _listed("basic")
    are_own = np.isin(listed, names)
    own, others = labs[are_own], labs[~are_own]
    order = distances(others, own).min(axis=1).argsort()
    return own, [(lab, lab_box(lab, BASE_REACH)) for lab in others[order]]


@cache
def _codes(names: NameList) -> dict[str, list[str]]:
    """The hex codes of each name of a list.

    Raises:
        ColorError: there is no such list.
    """
    if names not in get_args(NameList):
        raise ColorError(f"no list of names '{names}'; take {', '.join(get_args(NameList))}")
    if names == "css":
        from PIL.ImageColor import colormap, getrgb  # which turns codes that it read into numbers

        return {name: [Color.from_rgb(*getrgb(name)[:3]).hex] for name in tuple(colormap)}
    if names == "xkcd":
        lines = resources.files("pix2seg.colors").joinpath("xkcd.txt").read_text("utf-8")
        pairs = [line.split("\t") for line in lines.splitlines() if not line.startswith("#")]
        return {name: [code] for name, code in pairs}
    return {name: codes.split() for name, codes in BASIC.items()}


@cache
def _listed(names: NameList) -> tuple[list[str], Floats]:
    """Names and their colours in L*a*b*, float (N, 3); a name may stand there more than once."""
    entries = [(name, code) for name, codes in _codes(names).items() for code in codes]
    if names == "css":
        # CSS spells grey both ways and has two names each for cyan and magenta: the last stays.
        entries = [(name, code) for code, name in {c: n for n, c in sorted(entries)}.items()]
    colors = [Color.from_hex(code) for _, code in entries]
    return [name for name, _ in entries], to_lab([color.components for color in colors])
