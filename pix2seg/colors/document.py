"""The palette JSON, `pix2seg.palette/2`; its JSON Schema ships as schemas/palette-2.schema.json."""

import json
import re
from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Any

from pix2seg.colors.names import NameList, basic_names, feed_text, name_of
from pix2seg.colors.palette import Palette, Swatch
from pix2seg.colors.skin import MONK_TONES, nearest_tones
from pix2seg.garments import Garment

SCHEMA = "pix2seg.palette/2"

SHARE_DIGITS = 6
"""Decimals of a colour's share."""

SKIN = "skin"
"""The class whose colours are set beside the Monk tones."""


def palette_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) that every palette document passes."""
    file = resources.files("pix2seg").joinpath("schemas/palette-2.schema.json")
    schema: dict[str, Any] = json.loads(file.read_text("utf-8"))
    return schema


def palette_document(
    *,
    image: Mapping[str, Any],
    model: Mapping[str, str],
    person: Mapping[str, Any],
    palettes: Mapping[str, Palette],
    garments: Sequence[Garment] | None = None,
    quality: float | None = None,
    review: str | None = None,
    people: Sequence[Mapping[str, Any]] = (),
    names: NameList = "css",
) -> dict[str, Any]:
    """The palettes of a photo's classes and garments as plain data, ready for `json.dumps`.

    Args:
        image: file, width, height and sha256 of the photo.
        model: versions of generator and person extractor, and the engine.
        person: found, score and box.
        palettes: by class name.
        garments: the largest first; None where nobody asked for them.
        quality: an estimate of the mask's mean IoU, or None where nothing was segmented.
        review: why somebody should look at the result, or None.
        people: the documents of each person alone, where everyone was asked for.
        names: the list that names the colours.
    """
    document: dict[str, Any] = {
        "schema": SCHEMA,
        "image": dict(image),
        "model": dict(model),
        "person": dict(person),
        "quality": None if quality is None else round(quality, 4),
        "review": review,
        "classes": {
            name: {"coverage": round(palette.coverage, 6), **_colors(palette, names, name == SKIN)}
            for name, palette in palettes.items()
        },
    }
    if garments is not None:
        document["garments"] = [
            {
                "kind": garment.kind,
                "coverage": round(garment.coverage, 6),
                "score": round(garment.score, 4),
                "box": list(garment.box),
                **_colors(garment.palette, names),
            }
            for garment in garments
        ]
    if people:
        document["people"] = [_of_person(one) for one in people]
    return document


def _of_person(document: Mapping[str, Any]) -> dict[str, Any]:
    """What a photo's document says of a person, from the person's own document."""
    person, own = document["person"], ("quality", "review", "classes", "garments")
    return {
        "box": person["box"],
        "score": person["score"],
        **{key: document[key] for key in own if key in document},
    }


def document_text(document: Mapping[str, Any]) -> str:
    """A palette document as JSON for people: indented, but a colour's numbers on one line."""
    text = json.dumps(document, indent=2, ensure_ascii=False)
    # A list begins a new line, as no text within quotes can.
    return re.sub(r"\[\n[\d\s,.-]+\]", lambda numbers: " ".join(numbers[0].split()), text)


def _colors(palette: Palette, names: NameList, skin: bool = False) -> dict[str, Any]:
    colors = [_color(swatch, names) for swatch in palette]
    for largest in colors[:1]:  # what rounding leaves, for the shares' sum is 1
        largest["share"] = round(1.0 - sum(color["share"] for color in colors[1:]), SHARE_DIGITS)
    if skin:
        for color, swatch in zip(colors, palette, strict=True):
            color["monk"] = [
                {
                    "tone": near.tone,
                    "hex": MONK_TONES[near.tone - 1],
                    "ciede2000": round(near.distance, 2),
                }
                for near in nearest_tones(swatch.color)
            ]
    return {
        "basic": list(basic_names(palette)),
        "feed": feed_text(palette),
        "colors": colors,
    }


def _color(swatch: Swatch, names: NameList) -> dict[str, Any]:
    hue, saturation, value = swatch.color.hsv
    return {
        "hex": swatch.color.hex,
        "rgb": list(swatch.color.rgb),
        "hsv": [round(hue, 1), round(saturation, 3), round(value, 3)],
        "lab": [round(x, 1) + 0.0 for x in swatch.color.lab],  # + 0.0 turns -0.0 into 0.0
        "share": round(swatch.share, SHARE_DIGITS),
        "name": name_of(swatch.color, names),
        "basic": name_of(swatch.color, "basic"),
        "mean": swatch.mean.hex,
    }
