"""What a weights file says of its generator."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pix2seg.classes import Scheme
from pix2seg.errors import SchemeError, WeightsError
from pix2seg.preprocess.background import Background

FORMAT = "pix2seg.weights/1"

BUILT_IN = "pix2pix-ccp4"
"""The generator that ships with the package."""

DEFAULT_PERSON = "mask-rcnn"
"""The person extractor of generators whose recipe names none."""


@dataclass(frozen=True)
class WeightsInfo:
    """What a weights file says of itself.

    Attributes:
        recipe: the recipe that trained the generator, as plain data.
        scheme: the classes of its map.
        size: (width, height) it was trained at.
        facts: data summary, seed, commit, epoch and scores.
        sha256: of the safetensors file, which an ONNX file made of it keeps; "" before it is
            written.
    """

    recipe: dict[str, Any]
    scheme: Scheme
    size: tuple[int, int]
    facts: dict[str, Any]
    sha256: str = ""

    @property
    def background(self) -> Background:
        """What hides the background of the photos that the generator was trained on."""
        background: Background = self.recipe.get("background", "grey")
        return background

    @property
    def person(self) -> str:
        """The person extractor that the generator was trained to go with."""
        person: str = self.recipe.get("person", DEFAULT_PERSON)
        return person

    @property
    def hide(self) -> bool:
        """Whether the generator knows hidden backgrounds."""
        augmentation = self.recipe.get("augmentation", {})
        return bool(self.recipe.get("hide") or augmentation.get("hide_background"))

    @property
    def metadata(self) -> dict[str, str]:
        """What `read_info` reads."""
        return {
            "format": FORMAT,
            "recipe": json.dumps(self.recipe),
            "scheme": json.dumps(self.scheme.to_dict()),
            "size": json.dumps(self.size),
            "facts": json.dumps(self.facts),
        }

    @property
    def version(self) -> str:
        """Names the generator in palette JSON: the recipe and the start of the file's hash."""
        return f"{self.recipe['name']} {self.sha256[:12]}"


def read_info(path: Path, metadata: Mapping[str, str], sha256: str) -> WeightsInfo:
    """What the metadata of a generator's weights file says.

    Args:
        path: the file, for messages.
        metadata: texts by name.
        sha256: of the safetensors file.

    Raises:
        WeightsError: it is no generator's, or it is broken.
    """
    if metadata.get("format") != FORMAT:
        raise WeightsError(
            f"{path} was not written by pix2seg train (its format is "
            f"{metadata.get('format', 'not given')}, not {FORMAT})"
        )
    try:
        width, height = json.loads(metadata["size"])
        return WeightsInfo(
            recipe=json.loads(metadata["recipe"]),
            scheme=Scheme.from_dict(json.loads(metadata["scheme"])),
            size=(width, height),
            facts=json.loads(metadata["facts"]),
            sha256=sha256,
        )
    except (KeyError, ValueError, SchemeError) as error:
        raise WeightsError(f"{path} has broken metadata ({error}); train it anew") from error
