"""What is looked for: colours of classes and garments, as people say it."""

import re
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass

from pix2seg.colors.color import Color
from pix2seg.colors.names import NameList, colors_named
from pix2seg.errors import ColorError

AND = re.compile(r"\s*[,&+](?:\s*and\b)?\s*|\s*\band\b\s*", re.IGNORECASE)

ARTICLES = ("a", "an", "some", "the")
"""What may stand before a colour."""


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
        text: colours, each with a class or garment or without, with `and` or commas between; each
            may have an article.
        known: the classes and garments that there are.
        of: which of them is meant where the text says none.
        names: the list of colour names; see `colors_named`.

    Raises:
        ColorError: a colour, or the class behind it, is unknown or missing.
    """
    wanted = []
    for part in AND.split(text.strip()):
        words = part.split()
        if words and words[0].lower() in ARTICLES:
            del words[0]
        if not words:
            raise ColorError(f"a colour is missing in '{text}'; write such as 'navy and white top'")
        named = _known_as(words[-1], known) if len(words) > 1 else None
        if named:
            del words[-1]
        try:
            colors = colors_named(" ".join(words), names)
        except ColorError:
            _refuse_class(words, known, names)
            raise
        wanted.append(Wanted(part, colors, named or of))
    return wanted


def _refuse_class(words: Sequence[str], known: Collection[str], names: NameList | None) -> None:
    """Refuse words of which the first alone are a colour.

    Raises:
        ColorError: names what follows them, and the classes that there are.
    """
    for count in range(len(words) - 1, 0, -1):
        with suppress(ColorError):
            colors_named(" ".join(words[:count]), names)
            break
    else:
        return
    raise ColorError(
        f"no colour '{' '.join(words)}', and no class '{' '.join(words[count:])}'; there are "
        + (", ".join(known) or "none")
    )


def _known_as(word: str, known: Collection[str]) -> str | None:
    """The class or garment that a word names, in singular or plural."""
    word = word.lower()
    forms = {word, word + "s", word.removesuffix("s"), word.removesuffix("es")}
    forms.add(re.sub("ves$", "f", word))  # scarves
    return next((name for name in known if name in forms), None)
