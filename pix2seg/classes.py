"""Class schemes: the classes, the data-set labels each merges, and their map colours."""

import os
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from pix2seg.errors import SchemeError, reason_of

ALL_OTHERS = "*"
"""Stands in a class's labels for every label that no class names."""

BACKGROUND = 0
"""The class id of the background in every scheme."""

UNKNOWN = 254
"""Stands in masks to learn from for pixels of which nothing is known."""

SOMEBODY = 255
"""Stands there for pixels of which only this is known: they are not background."""

MAX_CLASSES = UNKNOWN
"""Ids are below those two."""

RESERVED = ("mask", "overlay", "map", "garments", "palette", "person")
"""No class has these names: what segmenting writes is called NAME.mask.png and NAME.CLASS.png."""

COLOR = re.compile("#?[0-9a-fA-F]{6}")


@dataclass(frozen=True)
class SegmentationClass:
    """One class: its name, the data-set labels it merges and its map colour (sRGB, 0..255)."""

    name: str
    labels: tuple[str, ...]
    color: tuple[int, int, int]


@dataclass(frozen=True)
class Scheme:
    """Ordered classes; a class's position is its id, and id 0 is the background.

    Raises:
        SchemeError: names or map colours repeat, a label stands twice, a name can be no file's, or
            there are fewer than 2 or more than `MAX_CLASSES` classes.
    """

    name: str
    classes: tuple[SegmentationClass, ...]

    def __post_init__(self) -> None:
        if not 2 <= len(self.classes) <= MAX_CLASSES:
            raise SchemeError(
                f"scheme '{self.name}' has {len(self.classes)} classes; give it 2 to {MAX_CLASSES}"
            )
        for name in self.names:
            if name in RESERVED or not name.isprintable() or not name or set(name) & set("/\\"):
                raise SchemeError(
                    f"scheme '{self.name}' has a class {name!r}, which can be no part of a file's "
                    "name here; call it something else"
                )
        labels = [label for c in self.classes for label in c.labels]
        for what, values in (
            ("class name", self.names),
            ("map colour", [c.color for c in self.classes]),
            ("label", labels),
        ):
            repeated = {str(value) for value in values if list(values).count(value) > 1}
            if repeated:
                raise SchemeError(
                    f"scheme '{self.name}' uses the {what} {', '.join(sorted(repeated))} twice; "
                    "use each once"
                )

    def __len__(self) -> int:
        return len(self.classes)

    @property
    def names(self) -> tuple[str, ...]:
        """Class names in id order."""
        return tuple(c.name for c in self.classes)

    @property
    def foreground(self) -> tuple[str, ...]:
        """Names of every class but the background."""
        return self.names[1:]

    @cached_property
    def colors(self) -> NDArray[np.uint8]:
        """Map colours, uint8 of shape (classes, 3), sRGB."""
        return np.array([c.color for c in self.classes], np.uint8)

    def id_of(self, name: str) -> int:
        """The id of a class.

        Raises:
            SchemeError: the scheme has no such class.
        """
        if name not in self.names:
            raise SchemeError(
                f"scheme '{self.name}' has no class '{name}'; it has {', '.join(self.names)}"
            )
        return self.names.index(name)

    def lookup(self, labels: Sequence[str]) -> NDArray[np.uint8]:
        """The table that turns label ids into class ids: `mask = scheme.lookup(labels)[label_map]`.

        Args:
            labels: the data set's label names in id order.

        Returns:
            uint8 of shape (len(labels),).

        Raises:
            SchemeError: a class names a label that the data set lacks, or a label falls in no
                class.
        """
        owner = {label: i for i, c in enumerate(self.classes) for label in c.labels}
        unknown = set(owner) - set(labels) - {ALL_OTHERS}
        if unknown:
            raise SchemeError(
                f"scheme '{self.name}' names labels that the data set lacks: "
                f"{', '.join(sorted(unknown))}"
            )
        homeless = [label for label in labels if label not in owner]
        if homeless and ALL_OTHERS not in owner:
            raise SchemeError(
                f"scheme '{self.name}' gives no class to {', '.join(homeless)}; add each to a "
                f'class, or "{ALL_OTHERS}" to one class'
            )
        return np.array([owner.get(label, owner.get(ALL_OTHERS)) for label in labels], np.uint8)

    def merged_into(self, coarse: "Scheme") -> NDArray[np.uint8] | None:
        """The table that turns this scheme's class ids into a coarser scheme's.

        Returns:
            uint8 of shape (len(self),), or None where a class of ours falls into two of theirs,
            or it cannot be told.
        """
        if self == coarse:
            return np.arange(len(self), dtype=np.uint8)
        owner = {label: i for i, c in enumerate(coarse.classes) for label in c.labels}
        table = []
        for own in self.classes:
            into = {owner.get(label, owner.get(ALL_OTHERS)) for label in own.labels}
            if ALL_OTHERS in own.labels or None in into or len(into) != 1:
                return None
            table.append(into.pop())
        return np.array(table, np.uint8)

    def to_dict(self) -> dict[str, Any]:
        """The scheme as plain data, as in its TOML file."""
        return {
            "name": self.name,
            "classes": [
                {
                    "name": c.name,
                    "labels": list(c.labels),
                    "color": "#{:02x}{:02x}{:02x}".format(*c.color),
                }
                for c in self.classes
            ],
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """The inverse of `to_dict`.

        Raises:
            SchemeError: a key is missing or has the wrong type, or one of a class is unknown.
        """
        try:
            classes = tuple(_class_from_dict(c) for c in data["classes"])
            return cls(str(data["name"]), classes)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise SchemeError(
                "a scheme needs a name and [[classes]], each with a name, labels and a color "
                f'such as "#ffff00"; this one is wrong at {error}'
            ) from error


def _class_from_dict(data: Mapping[str, Any]) -> SegmentationClass:
    unknown = set(data) - {"name", "labels", "color"}
    if unknown:
        raise ValueError(f"unknown key {', '.join(sorted(unknown))}")
    name, labels, color = data["name"], data["labels"], data["color"]
    if not isinstance(name, str):
        raise ValueError(f"name {name!r}")
    if not (isinstance(labels, list) and all(isinstance(label, str) for label in labels)):
        raise ValueError(f"labels {labels!r}")
    if not (isinstance(color, str) and COLOR.fullmatch(color)):
        raise ValueError(f"color {color!r}")
    red, green, blue = bytes.fromhex(color.removeprefix("#"))
    return SegmentationClass(name, tuple(labels), (red, green, blue))


def built_in_schemes() -> tuple[str, ...]:
    """Names of the schemes that ship with the package."""
    files = resources.files("pix2seg").joinpath("schemes").iterdir()
    return tuple(sorted(f.name.removesuffix(".toml") for f in files if f.name.endswith(".toml")))


def load_scheme(name_or_file: str | Path) -> Scheme:
    """A scheme by its name, or from a TOML file of one's own.

    Raises:
        SchemeError: neither a known name nor a readable scheme file.
    """
    if str(name_or_file) in built_in_schemes():
        file = resources.files("pix2seg").joinpath(f"schemes/{name_or_file}.toml")
        return Scheme.from_dict(tomllib.loads(file.read_text("utf-8")))
    path = Path(name_or_file)
    if not os.path.isfile(path):  # noqa: PTH113  (Path's own raises for a name that is too long)
        raise SchemeError(
            f"no scheme '{name_or_file}'; take {', '.join(built_in_schemes())} or a TOML file"
        )
    try:
        return Scheme.from_dict(tomllib.loads(path.read_text("utf-8")))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise SchemeError(f"{path} is not a TOML file: {error}") from error
    except OSError as error:
        raise SchemeError(f"cannot read {path}: {reason_of(error)}") from error
