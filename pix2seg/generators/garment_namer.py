"""A network that names garments, beside a generator and in its weights file."""

from typing import NamedTuple, cast

from torch import Tensor, nn
from torch.nn import functional as F

from pix2seg.efficientnet_lite import EfficientNetLite
from pix2seg.encoders import EncoderName
from pix2seg.generators.settings import GARMENT_KINDS

FIRST_LEVEL = 1
"""The finest of the encoder's levels that garments are named by: stride 4."""

FINE_WIDTH = 32
"""Channels on stride 2, where classes are told apart: hair is a matter of few pixels."""

DROPOUT = 0.1


class Named(NamedTuple):
    """What a garment namer sees in N photos.

    Attributes:
        garments: logits of the kinds, (N, kinds, H/4, W/4).
        opinion: logits of the generator's classes, (N, classes, H/2, W/2), or None.
    """

    garments: Tensor
    opinion: Tensor | None


class GarmentNamer(nn.Module):
    """Which kind of garment each pixel shows, if it shows one.

    What tells a dress from a shirt with a skirt takes more photos than people have labelled pixel
    by pixel, so an encoder that knows ImageNet looks, and a feature pyramid (Lin et al. 2017, arXiv
    1612.03144) brings what it sees to stride 4. The photo's mean is told to every place: who wears
    a dress mostly wears no skirt.

    Args:
        encoder: which encoder.
        width: channels of the pyramid.
        classes: of which it has an opinion, too; 0 for none.
    """

    def __init__(self, encoder: EncoderName, width: int, classes: int = 0) -> None:
        super().__init__()
        self.encoder = EfficientNetLite(encoder)
        channels = self.encoder.channels[FIRST_LEVEL:]
        self.laterals = nn.ModuleList(_layers(count, width, 1) for count in channels)
        self.context = nn.Linear(width, width)
        self.joined = nn.ModuleList(_layers(width, width, 3) for _ in channels[1:])
        self.dropout = nn.Dropout2d(DROPOUT)
        self.kinds = nn.Conv2d(width, GARMENT_KINDS, 1)
        self.opinion = OpinionHead(width, self.encoder.channels[0], classes) if classes else None

    def forward(self, photo: Tensor) -> Named:
        """Look at photos, (N, 3, H, W) in [-1, 1]."""
        features = self.encoder(photo)
        *finer, coarsest = (
            lateral(feature)
            for lateral, feature in zip(self.laterals, features[FIRST_LEVEL:], strict=True)
        )
        seen = coarsest + self.context(coarsest.mean((2, 3)))[..., None, None]
        for lateral, join in zip(finer[::-1], self.joined, strict=True):
            seen = join(F.interpolate(seen, scale_factor=2.0) + lateral)
        seen = self.dropout(seen)
        opinion = self.opinion(seen, features[0]) if self.opinion else None
        return Named(self.kinds(seen).float(), opinion)


class OpinionHead(nn.Module):
    """Logits of a generator's classes from what a garment namer sees.

    Args:
        width: channels of what it sees on stride 4.
        finest: of what its encoder sees on stride 2.
        classes: how many there are.
    """

    def __init__(self, width: int, finest: int, classes: int) -> None:
        super().__init__()
        self.seen = _layers(width, FINE_WIDTH, 1)
        self.lateral = _layers(finest, FINE_WIDTH, 1)
        self.joined = _layers(FINE_WIDTH, FINE_WIDTH, 3)
        self.classes = nn.Conv2d(FINE_WIDTH, classes, 1)

    def forward(self, seen: Tensor, finest: Tensor) -> Tensor:
        """Logits, (N, classes, 2h, 2w), of features (N, width, h, w) and (N, finest, 2h, 2w)."""
        joined = F.interpolate(self.seen(seen), scale_factor=2.0) + self.lateral(finest)
        return cast(Tensor, self.classes(self.joined(joined))).float()


def _layers(inputs: int, outputs: int, kernel: int) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, bias=False),
        nn.BatchNorm2d(outputs),
        nn.LeakyReLU(0.2),
    )
