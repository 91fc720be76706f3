"""What a table lists of each colour."""

from collections.abc import Iterator, Mapping
from dataclasses import astuple, dataclass, fields
from typing import Any, Self

GARMENTS_CLASS = "clothes"
"""The class under which garments stand."""


@dataclass(frozen=True)
class Row:
    """A colour of a class or, where `garment` is filled, of a garment.

    Attributes:
        file: the photo, relative to what was given.
        sha256: of the photo's bytes.
        class_: the class; its column is called `class`.
        garment: the garment's kind, or empty.
        coverage: the class's or garment's share of the photo, 0..1.
        rank: counts the class's or garment's colours from 1, the largest share first.
        hex: the colour.
        red, green, blue: the same, 0..255.
        L, a, b: the same in CIE L*a*b*, D65, in tenths.
        share: the colour's share of its class or garment, 0..1.
        name: the colour's name.
        basic: the base colours of the class or garment, with slashes between.
        quality: an estimate of the mask's mean IoU, 0..1; None where nothing was segmented.
        review: why somebody should look at the photo's result, or empty.
        score: how likely the garment's kind is, 0..1; None for a class.
        person: the number of the person who alone is meant, from 1; None for all that is kept.
    """

    file: str
    sha256: str
    class_: str
    garment: str
    coverage: float
    rank: int
    hex: str
    red: int
    green: int
    blue: int
    L: float
    a: float
    b: float
    share: float
    name: str
    basic: str
    quality: float | None
    review: str
    score: float | None = None
    person: int | None = None

    def cells(self) -> dict[str, Any]:
        """What stands in each column."""
        return dict(zip(COLUMNS, astuple(self), strict=True))

    @classmethod
    def from_cells(cls, cells: Mapping[str, Any]) -> Self:
        """The row whose columns hold these values, or texts of them.

        Raises:
            KeyError, TypeError, ValueError, OverflowError: a column is missing that may not be
                empty, or one holds what it cannot.
        """
        empty = {name for name in OPTIONAL if cells.get(name) in (None, "")}
        values: list[Any] = [None if n in empty else as_(cells[n]) for n, as_ in COLUMNS.items()]
        return cls(*values)


OPTIONAL: dict[str, Any] = {"quality": float, "score": float, "person": int}
"""The columns that may be empty, and their types."""

COLUMNS: dict[str, Any] = {
    (name := field.name.removesuffix("_")): OPTIONAL.get(name, field.type) for field in fields(Row)
}
"""The columns of a table and their types."""


def rows_of(document: Mapping[str, Any]) -> Iterator[Row]:
    """The rows of a palette document, class by class and then garment by garment.

    Those of each person alone follow, where it has them.
    """
    image = document["image"]
    for number, part in enumerate([document, *document.get("people", ())]):
        person = number or None
        for name, palette in part["classes"].items():
            yield from _rows(image, part, person, name, "", palette)
        for garment in part.get("garments", ()):
            yield from _rows(image, part, person, GARMENTS_CLASS, garment["kind"], garment)


def _rows(
    image: Mapping[str, Any],
    part: Mapping[str, Any],
    person: int | None,
    class_name: str,
    garment: str,
    palette: Mapping[str, Any],
) -> Iterator[Row]:
    for rank, color in enumerate(palette["colors"], 1):
        red, green, blue = color["rgb"]
        lightness, a, b = color["lab"]
        yield Row(
            image["file"], image["sha256"], class_name, garment, palette["coverage"], rank,
            color["hex"], red, green, blue, lightness, a, b,
            color["share"], color["name"], "/".join(palette["basic"]),
            part["quality"], part["review"] or "", palette.get("score"), person,
        )  # fmt: skip
