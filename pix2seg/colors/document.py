"""The palette JSON, `pix2seg.palette/1`; its JSON Schema ships as schemas/palette-1.schema.json."""

import json
import re
from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Any

from pix2seg.colors.names import NameList, basic_names, feed_text, name_of
from pix2seg.colors.palette import Palette, Swatch
from pix2seg.colors.regions import Region
from pix2seg.colors.skin import MONK_TONES, nearest_tones

SCHEMA = "pix2seg.palette/1"

SKIN = "skin"
"""The class whose colours are set beside the Monk tones."""


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
    regions: Mapping[str, Sequence[Region]] | None = None,
    names: NameList = "css",
) -> dict[str, Any]:
    """The palettes of a photo's classes as plain data, ready for `json.dumps`.

    Args:
        image: file, width, height and sha256 of the photo.
        model: versions of generator and person extractor.
        person: found, score and box.
        palettes: by class name.
        regions: by class name, for the classes that were parted into regions.
        names: the list that names the colours.
    """
    classes: dict[str, Any] = {}
    for name, palette in palettes.items():
        classes[name] = {
            "coverage": round(palette.coverage, 6),
            "basic": list(basic_names(palette)),
            "feed": feed_text(palette),
            "colors": _colors(palette, names, name),
        }
        if regions and name in regions:
            classes[name]["regions"] = [
                {
                    "box": list(region.box),
                    "share": round(region.share, 6),
                    "colors": _colors(region.palette, names, name),
                }
                for region in regions[name]
            ]
    return {
        "schema": SCHEMA,
        "image": dict(image),
        "model": dict(model),
        "person": dict(person),
        "classes": classes,
    }


def document_text(document: Mapping[str, Any]) -> str:
    """A palette document as JSON for people: indented, but a colour's numbers on one line."""
    text = json.dumps(document, indent=2, ensure_ascii=False)
    return re.sub(r"\[[\d\s,.-]+\]", lambda numbers: " ".join(numbers[0].split()), text)


def _colors(palette: Palette, names: NameList, class_name: str) -> list[dict[str, Any]]:
    colors = [_color(swatch, names) for swatch in palette]
    if class_name == SKIN:
        for color, swatch in zip(colors, palette, strict=True):
            color["monk"] = [
                {
                    "tone": near.tone,
                    "hex": MONK_TONES[near.tone - 1],
                    "ciede2000": round(near.distance, 2),
                }
                for near in nearest_tones(swatch.color)
            ]
    return colors


def _color(swatch: Swatch, names: NameList) -> dict[str, Any]:
    hue, saturation, value = swatch.color.hsv
    return {
        "hex": swatch.color.hex,
        "rgb": list(swatch.color.rgb),
        "hsv": [round(hue, 1), round(saturation, 3), round(value, 3)],
        "lab": [round(x, 1) + 0.0 for x in swatch.color.lab],  # + 0.0 turns -0.0 into 0.0
        "share": round(swatch.share, 6),
        "name": name_of(swatch.color, names),
        "mean": swatch.mean.hex,
    }
