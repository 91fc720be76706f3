"""Other libraries' segmentation networks, for the recipes of earlier systems.

U-Nets with a VGG encoder (Ronneberger et al. 2015, Simonyan and Zisserman 2015) come from
segmentation_models_pytorch, DeepLabv3 (Chen et al. 2017, arXiv 1706.05587) from torchvision.
"""

from typing import Literal, cast

import torch
from torch import Tensor, nn

from pix2seg.errors import WeightsError
from pix2seg.generators.base import Generated, Generator
from pix2seg.generators.heads import LogitsHead
from pix2seg.generators.settings import STRIDE_HALVINGS, Normalise
from pix2seg.torchvision_weights import read_torchvision_weights

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of RGB in 0..1, for networks that were pretrained on ImageNet."""

BATCH_NORM_MOMENTUM = 0.1
"""What each batch adds to the running statistics. torchvision's MobileNetV3 has 0.01, after which a
hundred steps leave a third of their start in them: a network that learns then validates as if it
had learned nothing."""


class LibraryNetwork(nn.Module):
    """A network that takes photos in [-1, 1] and gives one channel a class.

    Args:
        architecture: `unet` or `deeplabv3`.
        encoder: `vgg16`, `vgg19`, ... or, for DeepLab, `mobilenet_v3_large`, `resnet50`, ...
        channels: how many channels come out.
        normalise: what the photos become before they enter: `mean` subtracts each channel's mean
            over the training photos, which `set_mean` is told.

    Raises:
        WeightsError: segmentation_models_pytorch is not installed.
        ValueError: the library has no such encoder.
    """

    def __init__(
        self,
        architecture: Literal["unet", "deeplabv3"],
        encoder: str,
        channels: int,
        normalise: Normalise,
    ) -> None:
        super().__init__()
        build = _unet if architecture == "unet" else _deeplabv3
        self.body = build(encoder, channels)
        mean, std = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)
        if normalise == "imagenet":
            mean = tuple(2 * value - 1 for value in IMAGENET_MEAN)  # type: ignore[assignment]
            std = tuple(2 * value for value in IMAGENET_STD)  # type: ignore[assignment]
        self.mean: Tensor
        self.std: Tensor
        self.register_buffer("mean", torch.tensor(mean)[:, None, None])
        self.register_buffer("std", torch.tensor(std)[:, None, None])

    def set_mean(self, mean: Tensor) -> None:
        """Subtract this from each channel, (3,) in [-1, 1], from now on."""
        self.mean.copy_(mean[:, None, None])

    def forward(self, photo: Tensor) -> Tensor:
        """(N, channels, H, W) for photos (N, 3, H, W) in [-1, 1]."""
        features = self.body((photo - self.mean) / self.std)
        return cast(Tensor, features["out"] if isinstance(features, dict) else features)


class NetworkGenerator(Generator):
    """Another library's network with the logits head.

    Args:
        network: gives the head's channels at the photo's size.
        head: turns them into the map.
    """

    depth = STRIDE_HALVINGS

    def __init__(self, network: LibraryNetwork, head: LogitsHead) -> None:
        super().__init__()
        self.network, self.head = network, head

    def forward(self, photo: Tensor) -> Generated:
        """Translate photos, (N, 3, H, W) in [-1, 1], to maps of the same size."""
        generated: Generated = self.head(self.network(photo))
        return generated


def _unet(encoder: str, channels: int) -> nn.Module:
    try:
        import segmentation_models_pytorch as smp
    except ImportError:
        raise WeightsError(
            "a U-Net with a VGG encoder needs segmentation_models_pytorch: pip install '.[train]' "
            "in the checkout of pix2seg"
        ) from None
    try:
        return cast(nn.Module, smp.Unet(encoder, encoder_weights=None, classes=channels))
    except KeyError:
        raise ValueError(f"segmentation_models_pytorch has no encoder '{encoder}'") from None


def _deeplabv3(encoder: str, channels: int) -> nn.Module:
    from torchvision.models import get_model

    network: nn.Module = get_model(
        f"deeplabv3_{encoder}", weights=None, weights_backbone=None, num_classes=channels
    )
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.momentum = BATCH_NORM_MOMENTUM
    return network


def pretrained_deeplabv3(encoder: str) -> dict[str, Tensor]:
    """DeepLabv3 weights of torchvision, trained on the VOC classes of COCO.

    torchvision downloads them once, into its own cache.

    Args:
        encoder: `mobilenet_v3_large`, `resnet50` or `resnet101`.

    Returns:
        The tensors as a `LibraryNetwork` names them.

    Raises:
        WeightsError: they cannot be downloaded, or are not torchvision's.
    """
    from torchvision.models import get_model_weights

    weights = get_model_weights(f"deeplabv3_{encoder}").DEFAULT
    tensors = read_torchvision_weights(weights.url)
    return {f"body.{name}": tensor for name, tensor in tensors.items()}
