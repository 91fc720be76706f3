"""Weights files: safetensors whose metadata says what the numbers are and where they come from."""

import hashlib
import json
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from pix2seg.classes import Scheme
from pix2seg.errors import SchemeError, WeightsError
from pix2seg.files import atomic_write
from pix2seg.generators.base import Generator
from pix2seg.generators.build import build_generator
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
        sha256: of the file; "" before it is written.
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
        """Whether the generator was trained on hidden backgrounds alone."""
        hide: bool = self.recipe.get("hide", False)
        return hide

    @property
    def version(self) -> str:
        """Names the generator in palette JSON: the recipe and the start of the file's hash."""
        return f"{self.recipe['name']} {self.sha256[:12]}"


def built_in_weights() -> Path:
    """The generator in the box.

    Raises:
        WeightsError: this installation has none.
    """
    path = Path(str(resources.files("pix2seg").joinpath(f"weights/{BUILT_IN}.safetensors")))
    if not path.is_file():
        raise WeightsError(f"{path} is missing; install pix2seg anew or give --weights FILE")
    return path


def save_generator(path: Path, generator: Generator, info: WeightsInfo) -> None:
    """Write a generator in half precision, whole or not at all."""
    tensors = {
        name: (tensor.half() if tensor.is_floating_point() else tensor).cpu().contiguous()
        for name, tensor in generator.state_dict().items()
    }
    metadata = {
        "format": FORMAT,
        "recipe": json.dumps(info.recipe),
        "scheme": json.dumps(info.scheme.to_dict()),
        "size": json.dumps(info.size),
        "facts": json.dumps(info.facts),
    }
    with atomic_write(path) as temporary:
        temporary.write_bytes(save(tensors, metadata))


def load_generator(path: Path) -> tuple[Generator, WeightsInfo]:
    """Read a generator in single precision, set to evaluation.

    Raises:
        WeightsError: no such file, not a pix2seg weights file, or tensors that do not fit the
            generator its metadata describes.
    """
    metadata, tensors = _read(path)
    info = _info(path, metadata)
    try:
        generator = build_generator(info.scheme, **info.recipe["generator"])
    except (KeyError, TypeError, ValueError) as error:
        raise WeightsError(
            f"{path} describes no generator that this version knows ({error}); train it anew"
        ) from error
    _check_tensors(path, generator.state_dict(), tensors)
    generator.load_state_dict(tensors)
    return generator.eval(), info


def _read(path: Path) -> tuple[dict[str, str], dict[str, torch.Tensor]]:
    if not path.is_file():
        raise WeightsError(f"no weights file {path}")
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            return metadata, {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise WeightsError(f"{path} is not a whole safetensors file ({error})") from error


def _info(path: Path, metadata: dict[str, str]) -> WeightsInfo:
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
            sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        )
    except (KeyError, ValueError, SchemeError) as error:
        raise WeightsError(f"{path} has broken metadata ({error}); train it anew") from error


def _check_tensors(
    path: Path, expected: dict[str, torch.Tensor], found: dict[str, torch.Tensor]
) -> None:
    for name in sorted(set(expected) | set(found)):
        shapes = [tuple(d[name].shape) if name in d else None for d in (expected, found)]
        if shapes[0] != shapes[1]:
            raise WeightsError(
                f"{path} does not fit its own recipe: tensor {name} is {shapes[1] or 'missing'}, "
                f"not {shapes[0] or 'expected'}"
            )
