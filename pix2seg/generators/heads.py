"""Heads: from a network's last features to the map."""

import torch
from torch import Tensor, nn

from pix2seg.classes import Scheme
from pix2seg.generators.base import Generated


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


def map_colors(scheme: Scheme) -> Tensor:
    """A scheme's colours as the generator draws them: float32 (classes, 3) in [-1, 1]."""
    return torch.from_numpy(scheme.colors).float() / 127.5 - 1
