"""What is looked for: colours of classes and garments, as people say it."""

import re
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache

from pix2seg.classes import load_scheme
from pix2seg.colors.color import Color
from pix2seg.colors.names import (
    MULTICOLOUR,
    BaseColor,
    NameList,
    base_named,
    colors_named,
    plain,
)
from pix2seg.colors.photo_colors import FEW_COLORED
from pix2seg.errors import ColorError

AND = re.compile(r"\s*[,&+](?:\s*and\b)?\s*|\s*\band\b\s*", re.IGNORECASE)

NO_GARMENTS = (
    "what is searched was made without --garments; make it anew with it, or ask for clothes"
)
"""Why there is no garment of a kind."""

# Beside the labels of the scheme `garments`, which are those of CCP.
ALSO_CALLED = {
    "hat": "beanie beret bonnet cap",
    "eyewear": "eyeglasses shades spectacles",
    "top": "camisole gilet jersey knitwear polo pullover tank tee tunic turtleneck waistcoat",
    "outerwear": "anorak bomber kimono overcoat parka poncho raincoat trench windbreaker",
    "dress": "gown jumpsuit playsuit sundress",
    "trousers": "chinos culottes joggers slacks sweatpants",
    "hosiery": "pantyhose",
    "shoes": "brogues espadrilles footwear mules stilettos trainers",
    "bag": "backpack clutch handbag rucksack satchel tote",
    "scarf": "necktie shawl",
    "accessories": "bangle brooch jewellery jewelry",
}
"""What people call garments."""

CUTS = (
    "ankle baseball bomber cargo cotton crop cropped denim evening heeled high knit knitted "
    "leather leg linen long maxi midi mini pleated puffer polo satin short shoulder silk skinny "
    "sleeved sleeveless slim suede summer tank track trench wide winter wool"
)
"""What may stand between a colour and a garment, and tells nothing of either."""

SHADES = ("dark", "light", "pale")

ARTICLES = ("a", "an", "some", "the")
"""What may stand before a colour."""


@dataclass(frozen=True)
class Wanted:
    """One colour that a photo shall show.

    Attributes:
        text: as it was asked for.
        colors: any of these will do.
        of: the class or the garment that shall have it; None for any but skin and hair.
        base: the base colour that it shall be of, whose shades `colors` are; or None.
        name: the name of CSS or xkcd that it was asked for by, to `plain`; or None.
    """

    text: str
    colors: tuple[Color, ...]
    of: str | None = None
    base: BaseColor | None = None
    name: str | None = None


def parse_wanted(
    text: str, known: Collection[str], of: str | None = None, names: NameList | None = None
) -> list[Wanted]:
    """What a text such as `navy trousers and white top` asks for.

    Args:
        text: colours, each with a class or garment or without, with `and` or commas between; each
            may have an article, and hyphens for spaces.
        known: the classes and garments that there are.
        of: which of them is meant where the text says none.
        names: the list of colour names; see `colors_named`.

    Raises:
        ColorError: a colour, or the class behind it, is unknown or missing.
    """
    wanted = []
    for part in AND.split(text.strip()):
        words = part.replace("-", " ").split()
        if words and words[0].lower() in ARTICLES:
            del words[0]
        if not words:
            raise ColorError(f"a colour is missing in '{text}'; write such as 'navy and white top'")
        words, named = _without_kind(words, known)
        if named and named not in known:
            raise ColorError(f"no garment for '{part}': {NO_GARMENTS}")
        color = " ".join(words)
        try:
            colors = colors_named(color, names)
        except ColorError:
            _refuse(words, known, names)
            raise
        base = base_named(color) if names in (None, "basic") else None
        name = None if base or color.startswith("#") else plain(color)
        wanted.append(Wanted(part, colors, named or of, base, name))
    return wanted


def kind_named(text: str, known: Collection[str]) -> str | None:
    """The class or garment that a text names: `Jeans` are trousers. None where it names none.

    Args:
        text: a class, a kind of garment, one of the kind's labels in the scheme `garments`, or of
            `ALSO_CALLED`; in any case, in singular or plural, with hyphens and spaces or without.
        known: the classes and garments that there are. A garment that is not among them is named
            all the same: garments were not looked for.
    """
    forms = _forms(plain(text))
    named = {plain(name): name for name in known}
    both = (*named.items(), *_garments().items())
    return next((name for word, name in both if word in forms), None)


def _without_kind(words: list[str], known: Collection[str]) -> tuple[list[str], str | None]:
    """The words of a colour, and the class or garment that stood behind them."""
    for count in (2, 1):  # t shirt
        kind = kind_named(" ".join(words[-count:]), known)
        if kind and len(words) > count:
            return _without_cut(words[:-count]), kind
        if kind:
            break
    return words, None


def _without_cut(words: list[str]) -> list[str]:
    """The words of a colour without those of `CUTS` behind it.

    As they are where nothing else is there, or what is left tells of those: dark denim is no dark.
    """
    end = next((i for i in range(len(words), 0, -1) if words[i - 1].lower() not in CUTS.split()), 0)
    return words if not end or words[end - 1].lower() in SHADES else words[:end]


def _refuse(words: Sequence[str], known: Collection[str], names: NameList | None) -> None:
    """Refuse words that are no colour, where it can be told what is wrong with them.

    Raises:
        ColorError: they are a class, or many colours, or a colour and what is no class.
    """
    text = " ".join(words)
    if kind_named(text, known):
        raise ColorError(f"a colour is missing before '{text}'; write such as 'navy {text}'")
    if text.lower().startswith(("multicolo", "multi colo")):
        raise ColorError(
            f"'{text}' is many colours; tables and catalogues say '{MULTICOLOUR}' in `basic`, so "
            "filter by that"
        )
    for count in range(len(words) - 1, 0, -1):
        with suppress(ColorError):
            colors_named(" ".join(words[:count]), names)
            break
    else:
        return
    raise ColorError(
        f"no colour '{text}', and no class '{' '.join(words[count:])}'; there are "
        + (", ".join(sorted(known)) or "none")
    )


@cache
def _garments() -> dict[str, str]:
    """The kind of each kind's and label's name in the scheme `garments`."""
    kinds = [c for c in load_scheme("garments").classes[1:] if c.name not in FEW_COLORED]
    return {
        plain(name): kind.name
        for kind in kinds
        for name in (kind.name, *kind.labels, *ALSO_CALLED.get(kind.name, "").split())
    }


def _forms(word: str) -> set[str]:
    """A word in singular and plural, among others that are none."""
    forms = {word, word + "s", word.removesuffix("s"), word.removesuffix("es")}
    return forms | {re.sub("ves$", "f", word), re.sub("y$", "ies", word)}  # scarves, accessory
