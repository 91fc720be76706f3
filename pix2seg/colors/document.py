"""The palette JSON, `pix2seg.palette/1`; its JSON Schema ships as schemas/palette-1.schema.json."""

import json
import re
from collections.abc import Mapping
from importlib import resources
from typing import Any

from pix2seg.colors.names import name_of
from pix2seg.colors.palette import Palette, Swatch

SCHEMA = "pix2seg.palette/1"


def palette_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) that every palette document passes."""
    file = resources.files("pix2seg").joinpath("schemas/palette-1.schema.json")
    schema: dict[str, Any] = json.loads(file.read_text("utf-8"))
    return schema


def palette_document(
    *,
    image: Mapping[str, Any],
    model: Mapping[str, str],
    person: Mapping[str, Any],
    palettes: Mapping[str, Palette],
) -> dict[str, Any]:
    """The palettes of a photo's classes as plain data, ready for `json.dumps`.

    Args:
        image: file, width, height and sha256 of the photo.
        model: versions of generator and person extractor.
        person: found, score and box.
        palettes: by class name.
    """
    return {
        "schema": SCHEMA,
        "image": dict(image),
        "model": dict(model),
        "person": dict(person),
        "classes": {
            name: {
                "coverage": round(palette.coverage, 6),
                "colors": [_swatch(swatch) for swatch in palette],
            }
            for name, palette in palettes.items()
        },
    }


def document_text(document: Mapping[str, Any]) -> str:
    """A palette document as JSON for people: indented, but a colour's numbers on one line."""
    text = json.dumps(document, indent=2, ensure_ascii=False)
    return re.sub(r"\[[\d\s,.-]+\]", lambda numbers: " ".join(numbers[0].split()), text)


def _swatch(swatch: Swatch) -> dict[str, Any]:
    hue, saturation, value = swatch.color.hsv
    return {
        "hex": swatch.color.hex,
        "rgb": list(swatch.color.rgb),
        "hsv": [round(hue, 1), round(saturation, 3), round(value, 3)],
        "lab": [round(x, 1) + 0.0 for x in swatch.color.lab],  # + 0.0 turns -0.0 into 0.0
        "share": round(swatch.share, 6),
        "name": name_of(swatch.color),
        "mean": swatch.mean.hex,
    }
