"""The Mask R-CNN in the box, and torchvision's with its COCO weights."""

from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from pix2seg.preprocess.fit import Box
from pix2seg.preprocess.person.base import Person, choose
from pix2seg.preprocess.person.mask_rcnn.weights import BUILT_IN, load_coco_network, load_network

STRIDE = 32
"""Sides are multiples of the network's coarsest stride."""

LEAST_SCORE = 0.5
"""Detections that are less sure are dropped."""

PERSON_LABEL = 1


class MaskRCNN:
    """Finds people with a Mask R-CNN (He et al. 2017, arXiv 1703.06870).

    Args:
        weights: a file that `pix2seg train --recipe person-mask-rcnn` wrote, by default the one
            in the box; or `coco` for torchvision's ResNet-50 trained on COCO, which torchvision
            downloads once (170 MB).
        everyone: take all people instead of the main one.
        box: take the person whose box overlaps this one the most.
        device: where to run it; by default the CPU.

    Raises:
        WeightsError: the weights cannot be used or downloaded.
    """

    def __init__(
        self,
        weights: str | Path | None = None,
        everyone: bool = False,
        box: Box | None = None,
        device: torch.device | str = "cpu",
    ) -> None:
        if weights == "coco":
            # torchvision's own resizes photos itself
            network, area, self.version = load_coco_network(), None, "mask-rcnn coco"
        else:
            network, area, self.version = load_network(Path(weights) if weights else BUILT_IN)
        self.area: int | None = area
        self.device = torch.device(device)
        self.network = network.eval().to(self.device)
        self.everyone, self.box = everyone, box

    def find(self, pixels: NDArray[np.uint8]) -> Person:
        """The person, with the detection's score."""
        people = find_people(self.network, pixels, self.device, self.area)
        return choose(people, pixels.shape, everyone=self.everyone, box=self.box)


def find_people(
    network: nn.Module, pixels: NDArray[np.uint8], device: torch.device, area: int | None
) -> list[Person]:
    """Everybody in a photo, the surest first.

    Args:
        network: a Mask R-CNN of torchvision's kind, set to evaluation.
        pixels: RGB uint8 (H, W, 3).
        device: where the network is.
        area: how many pixels the photo is shrunk to; None leaves its size to the network.
    """
    height, width = pixels.shape[:2]
    frame = shrunk_size(width, height, area) if area else (width, height)
    small = cv2.resize(pixels, frame, interpolation=cv2.INTER_AREA)
    image = torch.from_numpy(np.asarray(small)).to(device).permute(2, 0, 1).float() / 255
    with torch.inference_mode():
        found: dict[str, Tensor] = network([image])[0]
    sure = (found["scores"] >= LEAST_SCORE) & (found["labels"] == PERSON_LABEL)
    masks = found["masks"][sure, 0].cpu().numpy()
    scores = found["scores"][sure].cpu().numpy()
    return [
        Person.from_mask(_enlarged(mask, width, height), float(score))
        for mask, score in zip(masks, scores, strict=True)
    ]


def shrunk_size(width: int, height: int, area: int) -> tuple[int, int]:
    """The (width, height) nearest in shape to a photo's that has about `area` pixels.

    Both are multiples of `STRIDE`; photos more than twice as long as wide are squeezed to that,
    for the network has seen none.
    """
    ratio = min(max(width / height, 0.5), 2.0)
    sides = (area * ratio) ** 0.5, (area / ratio) ** 0.5
    across, down = (max(round(side / STRIDE), 1) * STRIDE for side in sides)
    return across, down


def _enlarged(mask: NDArray[np.float32], width: int, height: int) -> NDArray[np.bool_]:
    full = cv2.resize(mask, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(np.asarray(full) >= 0.5)
