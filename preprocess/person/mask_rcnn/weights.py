"""Weights of person extractors: what this project trained, and torchvision's."""

import hashlib
import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from pix2seg.errors import WeightsError
from pix2seg.files import atomic_write
from pix2seg.preprocess.person.mask_rcnn.info import FORMAT, read_info
from pix2seg.preprocess.person.mask_rcnn.network import build_network

SCALE = ".scale"
"""Ends the name of the tensor that holds the step sizes of an 8-bit tensor."""


def save_network(path: Path, network: nn.Module, recipe: dict[str, Any], facts: Any) -> None:
    """Write a network, whole or not at all.

    Convolutions and linear layers are stored in 8 bits with a step size for each output channel,
    the rest in half precision: half the size of all in half precision, and the same boxes.
    """
    tensors: dict[str, Tensor] = {}
    for name, tensor in network.state_dict().items():
        tensor = tensor.cpu()
        if tensor.dim() > 1:
            steps = tensor.flatten(1).abs().amax(1).clamp(min=1e-12) / 127
            shape = (-1, *[1] * (tensor.dim() - 1))
            tensors[name] = (tensor / steps.view(shape)).round().to(torch.int8).contiguous()
            tensors[name + SCALE] = steps
        else:
            tensors[name] = tensor.half() if tensor.is_floating_point() else tensor
    metadata = {"format": FORMAT, "recipe": json.dumps(recipe), "facts": json.dumps(facts)}
    with atomic_write(path) as temporary:
        temporary.write_bytes(save(tensors, metadata))


def _in_single_precision(stored: dict[str, Tensor]) -> dict[str, Tensor]:
    tensors = {}
    for name, tensor in stored.items():
        if name.endswith(SCALE):
            continue
        if (steps := stored.get(name + SCALE)) is not None:
            tensor = tensor.float() * steps.view(-1, *[1] * (tensor.dim() - 1))
        tensors[name] = tensor
    return tensors


def load_network(path: Path) -> tuple[nn.Module, dict[str, str]]:
    """Read a network in single precision, set to evaluation, and its file's metadata.

    The metadata also has the file's hash as `source`.

    Raises:
        WeightsError: no such file, or not one that `save_network` wrote.
    """
    if not path.is_file():
        raise WeightsError(f"no person weights {path}; give a file, or coco")
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise WeightsError(f"{path} is not a whole safetensors file ({error})") from error
    read_info(path, metadata, "")
    try:
        network = build_network(**json.loads(metadata["recipe"])["network"])
        network.load_state_dict(_in_single_precision(tensors))
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise WeightsError(f"{path} does not fit its own recipe ({reason})") from error
    source = hashlib.sha256(path.read_bytes()).hexdigest()
    return network.eval(), {**metadata, "source": source}


def load_coco_network() -> nn.Module:
    """The Mask R-CNN (ResNet-50) of torchvision with its COCO weights, downloaded once.

    Raises:
        WeightsError: they cannot be downloaded.
    """
    from urllib.error import URLError

    from torchvision.models.detection import (
        MaskRCNN_ResNet50_FPN_Weights,
        maskrcnn_resnet50_fpn,
    )

    weights = MaskRCNN_ResNet50_FPN_Weights.COCO_V1
    try:
        network: nn.Module = maskrcnn_resnet50_fpn(weights=weights, progress=False)
    except (URLError, OSError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise WeightsError(
            f"cannot get torchvision's COCO weights from {weights.url} ({reason}); download that "
            "file into ~/.cache/torch/hub/checkpoints, or use the extractor in the box"
        ) from error
    return network
