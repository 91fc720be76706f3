"""Tensors in safetensors files: 8 bits with a step size for each output channel.

Half the size of 16 bits. Nothing in such a file runs as it is read.
"""

from collections.abc import Collection, Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from pix2seg.errors import WeightsError
from pix2seg.files import atomic_write

SCALE = ".scale"
"""Ends the name of the tensor that holds the step sizes of an 8-bit tensor."""


def save_tensors(
    path: Path,
    tensors: Mapping[str, Tensor],
    metadata: Mapping[str, str],
    transposed: Collection[str] = (),
) -> None:
    """Write tensors by name, whole or not at all.

    What has two dimensions or more, as weights of layers have, is stored in 8 bits, other numbers
    in 16 bits, or in 32 where these do not reach, and whole numbers as they are.

    Args:
        path: the file.
        tensors: output channels first.
        metadata: texts that the file is to hold.
        transposed: those whose output channels come second; see `transposed_weights`.

    Raises:
        OutputError: the file cannot be written.
    """
    stored: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        tensor = tensor.detach().cpu()
        if tensor.is_floating_point() and tensor.dim() > 1:
            others = [axis for axis in range(tensor.dim()) if axis != (name in transposed)]
            steps = tensor.abs().amax(others, keepdim=True).clamp(min=1e-12) / 127
            stored[name] = (tensor / steps).round().to(torch.int8).contiguous()
            stored[name + SCALE] = steps if name in transposed else steps.flatten()
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
            beside = _beside(steps, tensor)
            if beside is None:
                raise WeightsError(
                    f"{path} is broken: tensor {name} is {tuple(tensor.shape)}, which its "
                    f"{steps.numel()} step sizes do not fit"
                )
            tensor = tensor.float() * beside
        if tensor.is_floating_point():
            tensor = tensor.float()
            if not tensor.isfinite().all():
                raise WeightsError(f"{path} is broken: tensor {name} holds no numbers")
        tensors[name] = tensor
    return metadata, tensors


def transposed_weights(network: nn.Module) -> set[str]:
    """The names of a network's tensors whose output channels come second."""
    return {
        f"{name}.weight"
        for name, layer in network.named_modules()
        if isinstance(layer, nn.ConvTranspose2d)
    }


def _beside(steps: Tensor, tensor: Tensor) -> Tensor | None:
    """One step size for each output channel, in a shape that goes with a tensor; None if none."""
    if steps.shape == tensor.shape[:1]:
        return steps.view(-1, *[1] * (tensor.dim() - 1))
    if steps.shape == (1, *tensor.shape[1:2], *[1] * (tensor.dim() - 2)):
        return steps
    return None
