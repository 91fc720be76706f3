"""Weights of person extractors: what this project trained, and torchvision's."""

import hashlib
import json
from pathlib import Path
from typing import Any

from torch import nn

from pix2seg.errors import WeightsError
from pix2seg.preprocess.person.mask_rcnn.info import FORMAT, read_info
from pix2seg.preprocess.person.mask_rcnn.network import build_network
from pix2seg.tensor_file import read_tensors, save_tensors, transposed_weights
from pix2seg.torchvision_weights import read_torchvision_weights


def save_network(path: Path, network: nn.Module, recipe: dict[str, Any], facts: Any) -> None:
    """Write a network in 8 bits, whole or not at all; it finds the same boxes as in 16."""
    metadata = {"format": FORMAT, "recipe": json.dumps(recipe), "facts": json.dumps(facts)}
    save_tensors(path, network.state_dict(), metadata, transposed_weights(network))


def load_network(path: Path) -> tuple[nn.Module, dict[str, str]]:
    """Read a network in single precision, set to evaluation, and its file's metadata.

    The metadata also has the file's hash as `source`.

    Raises:
        WeightsError: no such file, or not one that `save_network` wrote.
    """
    metadata, tensors = read_tensors(path)
    widths = read_info(path, metadata, "").widths
    assert widths
    network = build_network(**widths.model_dump())
    try:
        network.load_state_dict(tensors)
    except RuntimeError as error:
        reason = str(error).splitlines()[0]
        raise WeightsError(f"{path} does not fit its own recipe ({reason})") from error
    source = hashlib.sha256(path.read_bytes()).hexdigest()
    return network.eval(), {**metadata, "source": source}


def load_coco_network() -> nn.Module:
    """The Mask R-CNN (ResNet-50) of torchvision with its COCO weights, downloaded once.

    Raises:
        WeightsError: they cannot be downloaded, or are not torchvision's.
    """
    from torchvision.models.detection import (
        MaskRCNN_ResNet50_FPN_Weights,
        maskrcnn_resnet50_fpn,
    )

    tensors = read_torchvision_weights(MaskRCNN_ResNet50_FPN_Weights.COCO_V1.url)
    network: nn.Module = maskrcnn_resnet50_fpn(weights=None, weights_backbone=None)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eps = 0.0  # as torchvision sets it for these weights
    network.load_state_dict(tensors)
    return network
