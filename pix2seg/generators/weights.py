"""Weights files: safetensors whose metadata says what the numbers are and where they come from."""

import hashlib
from pathlib import Path

import torch

from pix2seg.errors import WeightsError
from pix2seg.generators.base import Generator
from pix2seg.generators.build import build_generator
from pix2seg.generators.info import WeightsInfo, read_info
from pix2seg.tensor_file import read_tensors, save_tensors, transposed_weights


def save_generator(path: Path, generator: Generator, info: WeightsInfo) -> None:
    """Write a generator in 8 bits, whole or not at all; see `save_tensors`."""
    transposed = transposed_weights(generator)
    save_tensors(path, generator.state_dict(), info.metadata, transposed)


def load_generator(path: Path) -> tuple[Generator, WeightsInfo]:
    """Read a generator in single precision, set to evaluation.

    Raises:
        WeightsError: no such file, not a pix2seg weights file, or tensors that do not fit the
            generator its metadata describes.
    """
    metadata, tensors = read_tensors(path)
    info = read_info(path, metadata, hashlib.sha256(path.read_bytes()).hexdigest())
    settings = info.recipe.generator.model_dump()
    try:
        with torch.device("meta"):  # takes no memory, which what it describes may not fit into
            expected = build_generator(info.scheme, **settings).state_dict()
    except (TypeError, ValueError) as error:
        raise WeightsError(
            f"{path} describes no generator that this version knows ({error}); train it anew"
        ) from error
    _check_tensors(path, expected, tensors)
    generator = build_generator(info.scheme, **settings)
    generator.load_state_dict(tensors)
    return generator.eval(), info


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
