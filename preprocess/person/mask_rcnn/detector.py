"""A Mask R-CNN that is ready to run: a photo in, people out."""

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from pix2seg.engines.base import Engine, Network, open_network
from pix2seg.errors import WeightsError
from pix2seg.preprocess.fit import Size
from pix2seg.preprocess.person.mask_rcnn.info import BUILT_IN, COCO, PersonInfo, read_info

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import nn

STRIDE = 32
"""Sides are multiples of the network's coarsest stride."""

PERSON_LABEL = 1


class Detections(NamedTuple):
    """The P people that a Mask R-CNN found, the surest first.

    Attributes:
        boxes: x0, y0, x1, y1 in pixels of the photo it was given, float32 (P, 4).
        scores: how sure it is, float32 (P,), 0..1.
        masks: how sure it is of each pixel, float32 (P, h, w), 0..1, at its own working size.
    """

    boxes: NDArray[np.float32]
    scores: NDArray[np.float32]
    masks: NDArray[np.float32]


class Detector:
    """Finds everybody in a photo.

    Args:
        network: takes a photo, uint8 (h, w, 3), and gives boxes, labels, scores and masks.
        info: what its weights file says of it.
        weights: the file, if there is one.
    """

    def __init__(self, network: Network, info: PersonInfo, weights: Path | None = None) -> None:
        self.network, self.info, self.weights = network, info, weights

    def detect(
        self, pixels: NDArray[np.uint8], *, finer: float = 1.0, mirrored: bool = False
    ) -> Detections:
        """The people in an RGB photo.

        Args:
            pixels: uint8 (H, W, 3).
            finer: how many times as many pixels as usual it sees of it, if it does not resize
                photos itself.
            mirrored: it sees the photo mirrored; what it finds is told as it is in the photo.
        """
        height, width = pixels.shape[:2]
        frame = (width, height)
        if self.info.area:
            frame = shrunk_size(width, height, round(self.info.area * finer))
        small = cv2.resize(pixels, frame, interpolation=cv2.INTER_AREA)
        seen = small[:, ::-1] if mirrored else small
        found = self.network.run(photo=np.ascontiguousarray(seen))
        people = found["labels"] == PERSON_LABEL
        boxes, masks = found["boxes"][people], found["masks"][people, 0]
        if mirrored:
            boxes = np.stack(
                [frame[0] - boxes[:, 2], boxes[:, 1], frame[0] - boxes[:, 0], boxes[:, 3]], 1
            )
            masks = np.ascontiguousarray(masks[..., ::-1])
        scale = np.tile([width / frame[0], height / frame[1]], 2).astype(np.float32)
        return Detections(boxes * scale, found["scores"][people], masks)


def load_detector(
    weights: str | Path | None = None, *, engine: Engine = "auto", device: str = "auto"
) -> Detector:
    """A detector from a weights file.

    Args:
        weights: a safetensors or ONNX file, by default the network in the box; or `coco` for
            torchvision's ResNet-50 trained on COCO, which torchvision downloads once (170 MB).
        engine: which engine is to run it.
        device: `auto`, `cpu`, `cuda`, `mps`, ...

    Raises:
        WeightsError: the weights cannot be used or downloaded.
        Pix2SegError: the engine is not installed, or there is no such device.
    """
    if weights == COCO:
        return _load_coco(engine, device)
    # Boxes and outlines are finer than what bfloat16 can count.
    network, path = open_network(
        Path(weights) if weights else None,
        BUILT_IN,
        _load,
        engine=engine,
        device=device,
        precision="fp32",
    )
    metadata = network.metadata
    return Detector(network, read_info(path, metadata, metadata.get("source", "")), path)


def shrunk_size(width: int, height: int, area: int) -> Size:
    """The (width, height) nearest in shape to a photo's that has about `area` pixels.

    Both are multiples of `STRIDE`; photos more than twice as long as wide are squeezed to that,
    for the network has seen none.
    """
    ratio = min(max(width / height, 0.5), 2.0)
    sides = (area * ratio) ** 0.5, (area / ratio) ** 0.5
    across, down = (max(round(side / STRIDE), 1) * STRIDE for side in sides)
    return across, down


def _load(path: Path) -> "tuple[nn.Module, Mapping[str, str]]":
    from pix2seg.preprocess.person.mask_rcnn.inference import load

    return load(path)


def _load_coco(engine: Engine, device: str) -> Detector:
    if engine == "onnx":
        raise WeightsError("torchvision's coco weights run in PyTorch alone; take --engine torch")
    from pix2seg.engines.torch.network import TorchNetwork
    from pix2seg.preprocess.person.mask_rcnn.inference import PhotoToPeople
    from pix2seg.preprocess.person.mask_rcnn.weights import load_coco_network

    network = TorchNetwork(PhotoToPeople(load_coco_network().eval()), {}, device, "fp32")
    return Detector(network, PersonInfo("mask-rcnn coco", None))  # it resizes photos itself
