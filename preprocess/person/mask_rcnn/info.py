"""What a weights file says of its Mask R-CNN."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from pix2seg.errors import WeightsError

FORMAT = "pix2seg.person/1"

BUILT_IN = "person-mask-rcnn"
"""The Mask R-CNN that ships with the package."""

COCO = "coco"
"""Stands for torchvision's weights in place of a file."""


class PersonInfo(NamedTuple):
    """A Mask R-CNN's facts.

    Attributes:
        version: its recipe's name and the start of the safetensors file's hash.
        area: how many pixels photos are shrunk to; None leaves their size to the network.
    """

    version: str
    area: int | None


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
        recipe = json.loads(metadata["recipe"])
        width, height = recipe["size"]
        return PersonInfo(f"{recipe['name']} {sha256[:12]}", int(width) * int(height))
    except (KeyError, TypeError, ValueError) as error:
        raise WeightsError(f"{path} has broken metadata ({error}); train it anew") from error
