"""From a weights file of either network to an ONNX file; needs PyTorch."""

from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from pix2seg.engines.onnx.export import export_module
from pix2seg.errors import WeightsError
from pix2seg.generators import inference as generators
from pix2seg.generators.info import read_info
from pix2seg.preprocess.fit import Size
from pix2seg.preprocess.person.mask_rcnn import inference as mask_rcnn
from pix2seg.preprocess.person.mask_rcnn.info import FORMAT as PERSON

GREY, SKIN, HAIR, CLOTHES = (127, 127, 127), (210, 160, 130), (60, 40, 30), (40, 60, 120)


def export_to_onnx(weights: Path, path: Path) -> float:
    """Write a generator or a Mask R-CNN as ONNX, whole or not at all, checked against PyTorch.

    The file holds the weights file's metadata, and its hash as `source`.

    Args:
        weights: a safetensors file.
        path: the ONNX file.

    Returns:
        The largest difference between the engines, as a share of an output's largest number.

    Raises:
        WeightsError: the weights cannot be used, or the two engines' results differ.
        OutputError: the file cannot be written.
    """
    if _format_of(weights) == PERSON:
        module, metadata = mask_rcnn.load(weights)
        free = {"photo": {0: "height", 1: "width"}}
        return export_module(module, metadata, {"photo": figure((256, 384))}, free, path)
    module, metadata = generators.load(weights)
    photos = figure(read_info(weights, metadata, "").size)[None]
    outputs = module(torch.from_numpy(photos))
    free = {name: {0: "photos"} for name in ("photos", *outputs)}
    return export_module(module, metadata, {"photos": photos}, free, path)


def figure(size: Size) -> NDArray[np.uint8]:
    """A crude person before grey, RGB uint8 (H, W, 3), for networks to see."""
    width, height = size
    picture = np.full((height, width, 3), GREY, np.uint8)
    for top, bottom, half, color in (
        (0.05, 0.2, 0.07, HAIR), (0.08, 0.2, 0.05, SKIN), (0.2, 0.6, 0.15, CLOTHES),
        (0.6, 0.9, 0.1, SKIN), (0.9, 0.95, 0.12, HAIR),
    ):  # fmt: skip
        center = round(width / 2), round((top + bottom) / 2 * height)
        axes = round(half * height), round((bottom - top) / 2 * height * 1.1)
        cv2.ellipse(picture, center, axes, 0, 0, 360, color, cv2.FILLED)
    return picture


def _format_of(weights: Path) -> str:
    if not weights.is_file():
        raise WeightsError(f"no weights file {weights}")
    try:
        with safe_open(weights, framework="np") as file:
            return str((file.metadata() or {}).get("format", ""))
    except (SafetensorError, OSError) as error:
        raise WeightsError(f"{weights} is not a whole safetensors file ({error})") from error
