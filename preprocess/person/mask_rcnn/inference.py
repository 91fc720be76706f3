"""A Mask R-CNN as an engine runs it: a uint8 photo in, named outputs out."""

from collections.abc import Mapping
from pathlib import Path

from torch import Tensor, nn

from pix2seg.preprocess.person.mask_rcnn.straight import StraightMaskRCNN
from pix2seg.preprocess.person.mask_rcnn.weights import load_network


class PhotoToPeople(nn.Module):
    """Any of torchvision's Mask R-CNNs between a uint8 photo and what `Detector` reads.

    Args:
        network: set to evaluation.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, photo: Tensor) -> dict[str, Tensor]:
        """Boxes, labels, scores and masks for a photo, uint8 (H, W, 3)."""
        found: dict[str, Tensor] = self.network([photo.permute(2, 0, 1).float() / 255])[0]
        return found


def load(path: Path) -> tuple[nn.Module, Mapping[str, str]]:
    """The module of a safetensors file and its metadata, with the file's hash as `source`.

    Raises:
        WeightsError: see `load_network`.
    """
    network, metadata = load_network(path)
    return StraightMaskRCNN(network), metadata
