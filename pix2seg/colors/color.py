"""The one colour type."""

import colorsys
import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np

from pix2seg.colors.space import to_lab
from pix2seg.errors import ColorError


@dataclass(frozen=True)
class Color:
    """An sRGB colour. The three floats (gamma-encoded, 0..1) are the truth, the rest is derived.

    Raises:
        ColorError: a component lies outside 0..1.
    """

    red: float
    green: float
    blue: float

    def __post_init__(self) -> None:
        if not all(0.0 <= component <= 1.0 for component in self.components):
            raise ColorError(f"sRGB components lie in 0..1; these are {self.components}")

    @classmethod
    def from_rgb(cls, red: float, green: float, blue: float) -> Self:
        """From components in 0..255."""
        return cls(float(red) / 255, float(green) / 255, float(blue) / 255)

    @classmethod
    def from_hex(cls, text: str) -> Self:
        """From `#1b2a3c`, `1b2a3c` or `#abc`.

        Raises:
            ColorError: `text` is none of these.
        """
        digits = text.strip().removeprefix("#")
        if len(digits) == 3:
            digits = "".join(digit * 2 for digit in digits)
        if not re.fullmatch("[0-9a-fA-F]{6}", digits):
            raise ColorError(f"'{text}' is not a colour; write it as #1b2a3c")
        return cls.from_rgb(*bytes.fromhex(digits))

    @property
    def components(self) -> tuple[float, float, float]:
        """Red, green and blue in 0..1."""
        return self.red, self.green, self.blue

    @property
    def rgb(self) -> tuple[int, int, int]:
        """Red, green and blue, rounded to 0..255."""
        red, green, blue = (int(component * 255 + 0.5) for component in self.components)
        return red, green, blue

    @property
    def hex(self) -> str:
        """`#rrggbb`, lower case."""
        return "#{:02x}{:02x}{:02x}".format(*self.rgb)

    @property
    def hsv(self) -> tuple[float, float, float]:
        """Hue in degrees, saturation and value in 0..1."""
        hue, saturation, value = colorsys.rgb_to_hsv(*self.components)
        return hue * 360, saturation, value

    @cached_property
    def lab(self) -> tuple[float, float, float]:
        """CIE L*a*b* under D65."""
        lightness, a, b = to_lab(np.array(self.components)).tolist()
        return lightness, a, b

    def to_token(self) -> dict[str, Any]:
        """The colour as a design token's `$type` and `$value` (DTCG 2025.10)."""
        return {
            "$type": "color",
            "$value": {
                "colorSpace": "srgb",
                "components": [round(component, 4) for component in self.components],
                "hex": self.hex,
            },
        }
