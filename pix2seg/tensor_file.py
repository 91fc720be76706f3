"""Tensors in safetensors files: 8 bits with a step size for each output channel.

Half the size of 16 bits. Nothing in such a file runs as it is read.
"""

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from pix2seg.errors import WeightsError
from pix2seg.files import atomic_write

SCALE = ".scale"
"""Ends the name of the tensor that holds the step sizes of an 8-bit tensor."""


def save_tensors(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> None:
    """Write tensors by name, whole or not at all.

    What has two dimensions or more, as weights of layers have, is stored in 8 bits, other numbers
    in 16 bits, or in 32 where these do not reach, and whole numbers as they are.

    Raises:
        OutputError: the file cannot be written.
    """
    stored: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        tensor = tensor.detach().cpu()
        if tensor.is_floating_point() and tensor.dim() > 1:
            steps = tensor.flatten(1).abs().amax(1).clamp(min=1e-12) / 127
            stored[name] = (tensor / _beside(steps, tensor)).round().to(torch.int8).contiguous()
            stored[name + SCALE] = steps
        else:
            short = tensor.half() if tensor.is_floating_point() else tensor
            stored[name] = short if short.isfinite().all() else tensor
    with atomic_write(path) as temporary:
        temporary.write_bytes(save(stored, dict(metadata)))


def read_tensors(path: Path) -> tuple[dict[str, str], dict[str, Tensor]]:
    """A file's metadata, and its tensors by name, floating ones in single precision.

    Raises:
        WeightsError: no such file, it is not a whole safetensors file, step sizes do not fit, or a
            number is none or infinite.
    """
    if not path.is_file():
        raise WeightsError(f"no weights file {path}")
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            stored = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise WeightsError(f"{path} is not a whole safetensors file ({error})") from error
    tensors = {}
    for name, tensor in stored.items():
        if name.endswith(SCALE):
            continue
        if (steps := stored.get(name + SCALE)) is not None:
            if steps.shape != tensor.shape[:1]:
                raise WeightsError(
                    f"{path} is broken: tensor {name} is {tuple(tensor.shape)}, which its "
                    f"{len(steps)} step sizes do not fit"
                )
            tensor = tensor.float() * _beside(steps, tensor)
        if tensor.is_floating_point():
            tensor = tensor.float()
            if not tensor.isfinite().all():
                raise WeightsError(f"{path} is broken: tensor {name} holds no numbers")
        tensors[name] = tensor
    return metadata, tensors


def _beside(steps: Tensor, tensor: Tensor) -> Tensor:
    """One step size for each first index of a tensor, in a shape that goes with it."""
    return steps.view(-1, *[1] * (tensor.dim() - 1))
