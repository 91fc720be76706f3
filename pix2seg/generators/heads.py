"""Heads: from a network's last features to the map, and to the kinds of garments."""

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pix2seg.classes import Scheme
from pix2seg.generators.base import Generated
from pix2seg.generators.settings import GARMENT_KINDS


class LogitsHead(nn.Module):
    """The map as the classes' colours blended by probability: `softmax(logits) @ colors`.

    Three tanh channels trained with L1 settle on the majority colour and never find small
    classes; logits can be trained with cross-entropy, and the blend stays in the hull of the
    class colours.

    Args:
        colors: (classes, 3) map colours in [-1, 1].
    """

    def __init__(self, colors: Tensor) -> None:
        super().__init__()
        self.channels = len(colors)
        self.register_buffer("colors", colors, persistent=False)

    def forward(self, features: Tensor) -> Generated:
        logits = features.float()
        return Generated(torch.einsum("nkhw,kc->nchw", logits.softmax(1), self.colors), logits)


class TanhHead(nn.Module):
    """Three tanh channels, the plain pix2pix head."""

    channels = 3

    def forward(self, features: Tensor) -> Generated:
        return Generated(features.float().tanh(), None)


class GarmentHead(nn.Module):
    """Which kind of garment each pixel shows, if it shows one.

    A sleeve looks alike on a dress and a shirt: only a wide view tells them apart. So the features
    of several strides are projected to one width, enlarged and added, as in semantic FPN
    (Kirillov et al. 2019, arXiv 1901.02446, section 3).

    Args:
        channels: of the features, from the finest stride to the coarsest.
        width: of what they are projected to.
    """

    def __init__(self, channels: Sequence[int], width: int) -> None:
        super().__init__()
        self.projections = nn.ModuleList(nn.Conv2d(count, width, 1) for count in channels)
        self.body = nn.Sequential(
            nn.LeakyReLU(0.2),
            nn.Conv2d(width, width, 3, padding=1, bias=False),
            nn.BatchNorm2d(width),
            nn.LeakyReLU(0.2),
            nn.Conv2d(width, GARMENT_KINDS, 1),
        )

    def forward(self, features: list[Tensor]) -> Tensor:
        """Logits, (N, kinds, h, w), at the size of the first of the features."""
        joined: Tensor = self.projections[0](features[0])
        for projection, coarse in zip(list(self.projections)[1:], features[1:], strict=True):
            joined = joined + F.interpolate(
                projection(coarse), size=joined.shape[-2:], mode="bilinear", align_corners=False
            )
        return cast(Tensor, self.body(joined)).float()


def map_colors(scheme: Scheme) -> Tensor:
    """A scheme's colours as the generator draws them: float32 (classes, 3) in [-1, 1]."""
    return torch.from_numpy(scheme.colors).float() / 127.5 - 1
