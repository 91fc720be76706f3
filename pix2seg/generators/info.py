"""What a weights file says of its generator."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, Json, ValidationError, field_validator

from pix2seg.classes import Scheme
from pix2seg.errors import SchemeError, SizeError, WeightsError, first_fault
from pix2seg.generators.settings import GeneratorSettings
from pix2seg.generators.size import check_size
from pix2seg.preprocess.background import Background

FORMAT = "pix2seg.weights/1"

BUILT_IN = "pix2pix-ccp4"
"""The generator that ships with the package."""

DEFAULT_PERSON = "mask-rcnn"
"""The person extractor of generators whose recipe names none."""


Side = Annotated[int, Field(ge=1, le=8192)]
"""A side of a network's frame, in pixels."""


class TrainedRecipe(BaseModel):
    """The recipe that trained a generator: all of it, of which what uses the weights reads this."""

    model_config = ConfigDict(extra="allow", frozen=True)

    name: Annotated[str, Field(min_length=1, max_length=200)]
    generator: GeneratorSettings
    person: str = DEFAULT_PERSON
    background: Background = "grey"
    hide: bool = False
    augmentation: dict[str, Any] = {}

    @field_validator("generator", mode="before")
    @classmethod
    def _of_first_files(cls, value: Any) -> Any:
        """The first files say neither of these."""
        if isinstance(value, dict) and value.get("architecture", "pix2pix") == "pix2pix":
            return {"architecture": "pix2pix", "residual_blocks": 0, **value}
        return value


class _Metadata(BaseModel):
    recipe: Json[TrainedRecipe]
    scheme: Json[dict[str, Any]]
    size: Json[tuple[Side, Side]]
    facts: Json[dict[str, Any]]


@dataclass(frozen=True)
class WeightsInfo:
    """What a weights file says of itself.

    Attributes:
        recipe: the recipe that trained the generator.
        scheme: the classes of its map.
        size: (width, height) it was trained at.
        facts: data summary, seed, commit, epoch and scores.
        sha256: of the safetensors file, which an ONNX file made of it keeps; "" before it is
            written.
    """

    recipe: TrainedRecipe
    scheme: Scheme
    size: tuple[int, int]
    facts: dict[str, Any]
    sha256: str = ""

    @property
    def background(self) -> Background:
        """What hides the background of the photos that the generator was trained on."""
        return self.recipe.background

    @property
    def person(self) -> str:
        """The person extractor that the generator was trained to go with."""
        return self.recipe.person

    @property
    def hide(self) -> bool:
        """Whether the generator was trained on hidden backgrounds alone."""
        return self.recipe.hide

    @property
    def knows_hidden(self) -> bool:
        """Whether it was trained on hidden backgrounds at all."""
        return self.hide or self.recipe.augmentation.get("hide_background", 0) > 0

    @property
    def metadata(self) -> dict[str, str]:
        """What `read_info` reads."""
        return {
            "format": FORMAT,
            "recipe": self.recipe.model_dump_json(),
            "scheme": json.dumps(self.scheme.to_dict()),
            "size": json.dumps(self.size),
            "facts": json.dumps(self.facts),
        }

    @property
    def version(self) -> str:
        """Names the generator in palette JSON: the recipe and the start of the file's hash."""
        return f"{self.recipe.name} {self.sha256[:12]}"


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
        read = _Metadata.model_validate(metadata)
        check_size(read.size, read.recipe.generator.halvings)
        scheme = Scheme.from_dict(read.scheme)
    except ValidationError as error:
        raise WeightsError(
            f"{path} describes no generator that this version knows ({first_fault(error)}); train "
            "it anew"
        ) from error
    except (SchemeError, SizeError) as error:
        raise WeightsError(f"{path} has broken metadata ({error}); train it anew") from error
    return WeightsInfo(read.recipe, scheme, read.size, read.facts, sha256)
