"""What a weights file says of its Mask R-CNN."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, Json, ValidationError

from pix2seg.encoders import EncoderName
from pix2seg.errors import WeightsError, first_fault

FORMAT = "pix2seg.person/1"

BUILT_IN = "person-mask-rcnn"
"""The Mask R-CNN that ships with the package."""

COCO = "coco"
"""Stands for torchvision's weights in place of a file."""


Width = Annotated[int, Field(ge=1, le=1024)]


class NetworkWidths(BaseModel):
    """A Mask R-CNN's widths; see `preprocess.person.mask_rcnn.network`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    encoder: EncoderName
    pyramid: Width
    box_head: Width
    mask_head: Width
    mask_layers: Annotated[int, Field(ge=1, le=16)]


class _TrainedRecipe(BaseModel):
    name: Annotated[str, Field(min_length=1, max_length=200)]
    network: NetworkWidths
    size: tuple[Annotated[int, Field(ge=1, le=8192)], Annotated[int, Field(ge=1, le=8192)]]


class _Metadata(BaseModel):
    recipe: Json[_TrainedRecipe]


class PersonInfo(NamedTuple):
    """A Mask R-CNN's facts.

    Attributes:
        version: its recipe's name and the start of the safetensors file's hash.
        area: how many pixels photos are shrunk to; None leaves their size to the network.
        widths: of the network that this project trained.
    """

    version: str
    area: int | None
    widths: NetworkWidths | None = None


def read_info(path: Path, metadata: Mapping[str, str], sha256: str) -> PersonInfo:
    """What the metadata of a person extractor's weights file says.

    Args:
        path: the file, for messages.
        metadata: texts by name.
        sha256: of the safetensors file.

    Raises:
        WeightsError: it is no person extractor's, or it is broken.
    """
    if metadata.get("format") != FORMAT:
        raise WeightsError(
            f"{path} holds no person extractor (its format is "
            f"{metadata.get('format', 'not given')}, not {FORMAT})"
        )
    try:
        recipe = _Metadata.model_validate(metadata).recipe
    except ValidationError as error:
        raise WeightsError(
            f"{path} has broken metadata ({first_fault(error)}); train it anew"
        ) from error
    width, height = recipe.size
    return PersonInfo(f"{recipe.name} {sha256[:12]}", width * height, recipe.network)
