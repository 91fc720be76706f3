"""Which photos train and which judge: drawn by name, so that adding photos moves none."""

import hashlib
from dataclasses import dataclass
from typing import Literal, Self, get_args

Split = Literal["train", "val"]

SPLITS: tuple[Split, ...] = get_args(Split)


@dataclass(frozen=True)
class Fold:
    """The photos that validate: one of equal parts of all names.

    Attributes:
        number: which part, from 1 on.
        parts: how many there are; each photo is in exactly one.
    """

    number: int
    parts: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """From text such as "2/5".

        Raises:
            ValueError: it is none, or there is no such part.
        """
        number, _, parts = text.partition("/")
        if not (number.isdecimal() and parts.isdecimal() and 1 <= int(number) <= int(parts) > 1):
            raise ValueError(f"'{text}' is no fold; write the second of five parts as 2/5")
        return cls(int(number), int(parts))

    def __str__(self) -> str:
        """Text that `parse` takes."""
        return f"{self.number}/{self.parts}"


FIRST_TENTH = Fold(1, 10)
"""What validates where nobody says otherwise."""


def split_of(name: str, fold: Fold = FIRST_TENTH) -> Split:
    """The side of the split that a photo belongs to.

    Args:
        name: the photo's name in its data set, without extension, such as "women/0594".
        fold: the photos that validate.

    Returns:
        "train" or "val", the same on every machine and in every run.
    """
    return "val" if draw(name) * fold.parts >> 64 == fold.number - 1 else "train"


def draw(name: str) -> int:
    """A number that a photo's name draws, 0..2^64 - 1, the same everywhere."""
    digest = hashlib.sha256(name.encode(errors="surrogateescape")).digest()
    return int.from_bytes(digest[:8], "big")
