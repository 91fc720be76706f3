"""Palettes for other programs: GIMP, Adobe, style sheets and design tokens."""

import json
import re
import struct
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from pix2seg.colors.color import Color
from pix2seg.colors.names import name_of
from pix2seg.colors.photo_colors import PhotoColors

EXTENSION = "org.pix2seg"
"""The key of our own facts in a design token's `$extensions`."""


def to_gpl(colors: PhotoColors) -> bytes:
    """A GIMP palette (.gpl), which Inkscape and Krita read too."""
    lines = ["GIMP Palette", f"Name: {_one_line(colors.photo.file)}", "Columns: 1", "#"]
    for label, color in _labelled(colors):
        lines.append("{:3} {:3} {:3}\t{}".format(*color.rgb, label))
    return ("\n".join(lines) + "\n").encode()


def to_ase(colors: PhotoColors) -> bytes:
    """An Adobe Swatch Exchange file (.ase), version 1.0: a global RGB colour for each swatch."""
    blocks = []
    for label, color in _labelled(colors):
        name = (label + "\0").encode("utf-16-be")
        body = struct.pack(">H", len(name) // 2) + name
        body += b"RGB " + struct.pack(">3f", *color.components) + struct.pack(">H", 0)
        blocks.append(struct.pack(">HI", 1, len(body)) + body)
    return b"ASEF" + struct.pack(">HHI", 1, 0, len(blocks)) + b"".join(blocks)


def to_css(colors: PhotoColors) -> bytes:
    """CSS custom properties such as `--clothes-1: #1b2a3c;`."""
    lines = [f"/* {_one_line(colors.photo.file).replace('*/', '* /')} */", ":root {"]
    for name, palette in colors.all_palettes().items():
        as_property = re.sub(r"[^\w-]", "-", name)
        for rank, swatch in enumerate(palette, 1):
            named = name_of(swatch.color, colors.names)
            lines.append(
                f"  --{as_property}-{rank}: {swatch.color.hex}; /* {named}, {swatch.share:.0%} */"
            )
    return ("\n".join([*lines, "}"]) + "\n").encode()


def to_tokens(colors: PhotoColors) -> bytes:
    """Design tokens (DTCG 2025.10): a group for each class and garment, a color token a swatch."""
    tokens: dict[str, Any] = {
        "$description": f"Colours of {colors.photo.file}",
        "$extensions": {EXTENSION: {"sha256": colors.photo.sha256}},
    }
    for name, palette in colors.all_palettes().items():
        tokens[re.sub(r"^\$|[.{}]", "-", name)] = {
            str(rank): {
                **swatch.color.to_token(),
                "$description": name_of(swatch.color, colors.names),
                "$extensions": {EXTENSION: {"share": round(swatch.share, 6)}},
            }
            for rank, swatch in enumerate(palette, 1)
        }
    return (json.dumps(tokens, indent=2, ensure_ascii=False) + "\n").encode()


class Export(NamedTuple):
    """A format: the suffix of its files, their media type, and what writes one."""

    suffix: str
    media_type: str
    write: Callable[[PhotoColors], bytes]


EXPORTS = {
    "gpl": Export(".gpl", "text/plain; charset=utf-8", to_gpl),
    "ase": Export(".ase", "application/octet-stream", to_ase),
    "css": Export(".css", "text/css; charset=utf-8", to_css),
    "tokens": Export(".tokens.json", "application/json", to_tokens),
}


def _labelled(colors: PhotoColors) -> Iterator[tuple[str, Color]]:
    for name, palette in colors.all_palettes().items():
        for swatch in palette:
            yield f"{name}: {name_of(swatch.color, colors.names)}", swatch.color


def _one_line(text: str) -> str:
    return re.sub(r"\s+", " ", text)
