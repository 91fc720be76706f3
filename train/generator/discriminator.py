"""The PatchGAN discriminator of Isola et al. 2017 (arXiv 1611.07004, section 6.1.2)."""

import torch
from torch import Tensor, nn

from pix2seg.generators.pix2pix import init_weights


class PatchDiscriminator(nn.Module):
    """Judges overlapping patches of a photo and its map, true or generated.

    With `layers` = 3 each patch is 70x70 pixels.

    Args:
        width: channels of the first layer; each strided layer has twice as many.
        layers: strided 4x4 convolutions; two more with stride 1 follow.
    """

    def __init__(self, width: int, layers: int) -> None:
        super().__init__()
        blocks: list[nn.Module] = [nn.Conv2d(6, width, 4, stride=2, padding=1), nn.LeakyReLU(0.2)]
        channels = width
        for layer in range(1, layers + 1):
            outputs = width * 2 ** min(layer, 3)
            stride = 2 if layer < layers else 1
            blocks += [
                nn.Conv2d(channels, outputs, 4, stride=stride, padding=1, bias=False),
                nn.BatchNorm2d(outputs),
                nn.LeakyReLU(0.2),
            ]
            channels = outputs
        blocks.append(nn.Conv2d(channels, 1, 4, stride=1, padding=1))
        self.blocks = nn.Sequential(*blocks)
        self.apply(init_weights)

    def forward(self, photo: Tensor, map: Tensor) -> Tensor:
        """Logits per patch, (N, 1, h, w), higher where the map looks true.

        Args:
            photo: (N, 3, H, W) in [-1, 1].
            map: (N, 3, H, W) in [-1, 1].
        """
        logits: Tensor = self.blocks(torch.cat([photo, map], 1))
        return logits.float()
