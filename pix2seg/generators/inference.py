"""A generator as an engine runs it: uint8 photos in, named outputs out."""

from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from pix2seg.device import to_input
from pix2seg.engines.torch.network import TorchNetwork
from pix2seg.generators.base import Generator
from pix2seg.generators.weights import load_generator


class PhotosToMaps(nn.Module):
    """A generator between uint8 photos and what `Prediction` holds, less what it does not give."""

    def __init__(self, generator: Generator) -> None:
        super().__init__()
        self.generator = generator

    def forward(self, photos: Tensor) -> dict[str, Tensor]:
        """Outputs by name for photos, uint8 (N, H, W, 3)."""
        generated = self.generator(to_input(photos))
        levels = ((generated.map + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)
        found = {"map": levels.permute(0, 2, 3, 1)}
        if generated.logits is not None:
            found["probabilities"] = generated.logits.softmax(1)
        if generated.garments is not None:
            found["garments"] = generated.garments
        if generated.opinion is not None:
            found["opinion"] = generated.opinion.softmax(1)
        return found


def load(path: Path) -> tuple[nn.Module, Mapping[str, str]]:
    """The module of a safetensors file and its metadata, with the file's hash as `source`.

    Raises:
        WeightsError: see `load_generator`.
    """
    generator, info = load_generator(path)
    module = PhotosToMaps(fused(generator)).eval().to(memory_format=torch.channels_last)
    return module, {**info.metadata, "source": info.sha256}


def generate(
    generator: Generator, photos: NDArray[np.uint8], device: torch.device
) -> Mapping[str, NDArray[Any]]:
    """What a generator under training gives, by the names of `Prediction`'s fields.

    Args:
        generator: in evaluation mode.
        photos: at network size, uint8 (N, H, W, 3).
        device: where the generator is.
    """
    return TorchNetwork(PhotosToMaps(generator), {}, device).run(photos=photos)


def fused(generator: Generator) -> Generator:
    """Fold each batch normalisation into the convolution before it: the same map, sooner."""
    for block in generator.modules():
        if not isinstance(block, nn.Sequential):
            continue
        for i, (layer, norm) in enumerate(pairwise(block)):
            # What stands before it may also be, as in DenseNet, a block of layers.
            if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d) and isinstance(
                norm, nn.BatchNorm2d
            ):
                transposed = isinstance(layer, nn.ConvTranspose2d)
                block[i] = fuse_conv_bn_eval(layer, norm, transpose=transposed)
                block[i + 1] = nn.Identity()
    return generator
