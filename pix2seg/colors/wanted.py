"""What is looked for: colours of classes and garments, as people say it."""

import re
from collections.abc import Collection
from dataclasses import dataclass

from pix2seg.colors.color import Color
from pix2seg.colors.names import NameList, colors_named

AND = re.compile(r"\s+and\s+|\s*[,&+]\s*")


@dataclass(frozen=True)
class Wanted:
    """One colour that a photo shall show.

    Attributes:
        text: as it was asked for.
        colors: any of these will do.
        of: the class or the garment that shall have it; None for any.
    """

    text: str
    colors: tuple[Color, ...]
    of: str | None = None


def parse_wanted(
    text: str, known: Collection[str], of: str | None = None, names: NameList | None = None
) -> list[Wanted]:
    """What a text such as `navy trousers and white top` asks for.

    Args:
        text: colours, each with a class or garment or without, with `and` or commas between.
        known: the classes and garments that there are.
        of: which of them is meant where the text says none.
        names: the list of colour names; see `colors_named`.

    Raises:
        ColorError: a colour is unknown.
    """
    wanted = []
    for part in AND.split(text.strip()):
        words = part.split()
        named = _known_as(words[-1], known) if len(words) > 1 else None
        color = " ".join(words[:-1] if named else words)
        wanted.append(Wanted(part, colors_named(color, names), named or of))
    return wanted


def _known_as(word: str, known: Collection[str]) -> str | None:
    """The class or garment that a word names, in singular or plural."""
    word = word.lower()
    forms = {word, word + "s", word.removesuffix("s")}
    return next((name for name in known if name in forms), None)
