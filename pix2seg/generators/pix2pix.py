"""The generator of Isola et al. 2017 (arXiv 1611.07004, section 6.1.1): a U-Net.

Strided 4x4 convolutions halve the photo `depth` times, transposed ones bring it back, and skips
join layers of equal size. What it gives is a map, an image in the colours of the classes.
"""

from collections.abc import Iterator
from itertools import pairwise
from typing import Literal, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pix2seg.encoders import EncoderName
from pix2seg.generators.base import Generated, Generator
from pix2seg.generators.garment_namer import GarmentNamer, Named
from pix2seg.generators.heads import GarmentHead, LogitsHead, TanhHead
from pix2seg.generators.settings import WIDE_LEVEL

GARMENT_LEVELS = 4
"""The garment head sees the decoder's features on strides 4, 8, 16 and 32."""

DROPOUT_BLOCKS = 3
"""How many of the innermost decoder blocks have dropout, as in the paper."""


class Residual(nn.Module):
    """Layers whose result is added to what comes in (He et al. 2016, arXiv 1512.03385).

    Args:
        layers: the last normalises.
    """

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.body = nn.Sequential(*layers)

    def forward(self, features: Tensor) -> Tensor:
        return features + cast(Tensor, self.body(features))


class ResidualBlock(Residual):
    """Two 3x3 convolutions through half the channels."""

    def __init__(self, channels: int) -> None:
        hidden = max(channels // 2, 1)
        super().__init__(
            nn.Conv2d(channels, hidden, 3, padding=1, bias=False),
            nn.BatchNorm2d(hidden),
            nn.LeakyReLU(0.2),
            nn.Conv2d(hidden, channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(channels),
        )


class WideBlock(Residual):
    """A 7x7 convolution of each channel alone and two 1x1 ones.

    A block of ConvNeXt (Liu et al. 2022, arXiv 2201.03545, section 2.6), with batch norm, which
    costs nothing once trained. It sees much at little cost: what tells a dress from a shirt with a
    skirt is half a person away.
    """

    def __init__(self, channels: int) -> None:
        hidden = 4 * channels
        super().__init__(
            nn.Conv2d(channels, channels, 7, padding=3, groups=channels, bias=False),
            nn.BatchNorm2d(channels),
            nn.Conv2d(channels, hidden, 1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(hidden, channels, 1, bias=False),
            nn.BatchNorm2d(channels),
        )


class Encoder(nn.Module):
    """Strided 4x4 convolutions; returns the features of every level, largest first."""

    def __init__(self, widths: list[int], residual_blocks: int, wide_blocks: int) -> None:
        super().__init__()
        last = len(widths) - 1
        self.blocks = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(inputs, outputs, 4, stride=2, padding=1, bias=level in (0, last)),
                # The paper normalises neither the first level nor the 1x1 bottleneck.
                nn.BatchNorm2d(outputs) if 0 < level < last else nn.Identity(),
                nn.LeakyReLU(0.2),
                *([ResidualBlock(outputs)] if 0 < level <= residual_blocks else []),
                *(WideBlock(outputs) for _ in range(wide_blocks) if level == WIDE_LEVEL),
            )
            for level, (inputs, outputs) in enumerate(pairwise([3, *widths]))
        )

    def forward(self, photo: Tensor) -> list[Tensor]:
        features = [photo]
        for block in self.blocks:
            features.append(block(features[-1]))
        return features[1:]


class Decoder(nn.Module):
    """Transposed 4x4 convolutions over the features of each level joined with the level below."""

    def __init__(self, widths: list[int], channels: int, dropout: float) -> None:
        super().__init__()
        outputs = [channels, *widths[:-1]]
        self.blocks = nn.ModuleList()
        for level in reversed(range(len(widths))):
            bottleneck = level == len(widths) - 1
            inputs = widths[level] if bottleneck else 2 * widths[level]
            innermost = level >= len(widths) - DROPOUT_BLOCKS
            self.blocks.append(
                nn.Sequential(
                    nn.ConvTranspose2d(
                        inputs, outputs[level], 4, stride=2, padding=1, bias=level == 0
                    ),
                    *_normalised(outputs[level], dropout if innermost else 0.0) if level else [],
                )
            )

    def forward(self, features: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
        """What the head turns into the map, and what each block but the first saw, finest first."""
        *skips, bottleneck = features
        decoded: Tensor = self.blocks[0](bottleneck)
        joined: list[Tensor] = []
        for block, skip in zip(list(self.blocks)[1:], reversed(skips), strict=True):
            joined.insert(0, torch.cat([decoded, skip], 1))
            decoded = block(joined[0])
        return decoded, joined


def _normalised(channels: int, dropout: float) -> Iterator[nn.Module]:
    yield nn.BatchNorm2d(channels)
    if dropout:
        yield nn.Dropout(dropout)
    yield nn.ReLU()


class UNetGenerator(Generator):
    """The U-Net of pix2pix.

    Args:
        head: turns the last features into the map; its `channels` is the decoder's width there.
        width: channels of the first level; each level below has twice as many.
        max_width: no level has more channels than this.
        depth: how many times the photo is halved.
        dropout: probability in the innermost decoder blocks, while training only.
        residual_blocks: how many encoder levels, from the second on, have a residual block.
        wide_blocks: how many wide blocks follow on the encoder's level of stride 32; needs a depth
            of 5.
        garment_width: channels of the garment head, which needs a depth of 3; 0 for none.
        garment_encoder: of the garment namer that takes the head's place, with the same width, and
            looks at the photo at half its size, which needs a depth of 6; `none` for the head.
        opinion: how much of the map's logits are the garment namer's, 0..1. It knows far more
            pictures than the U-Net, which in turn sees finer things.
    """

    def __init__(
        self,
        head: LogitsHead | TanhHead,
        width: int,
        max_width: int,
        depth: int,
        dropout: float,
        residual_blocks: int = 0,
        wide_blocks: int = 0,
        garment_width: int = 0,
        garment_encoder: EncoderName | Literal["none"] = "none",
        opinion: float = 0.0,
    ) -> None:
        super().__init__()
        self.depth = depth
        widths = [min(width * 2**level, max_width) for level in range(depth)]
        self.encoder = Encoder(widths, residual_blocks, wide_blocks)
        self.decoder = Decoder(widths, head.channels, dropout)
        self.head = head
        self.opinion = opinion
        self.garment_head: GarmentHead | None = None
        self.garment_namer: GarmentNamer | None = None
        if garment_width and garment_encoder != "none":
            classes = head.channels if opinion else 0
            self.garment_namer = GarmentNamer(garment_encoder, garment_width, classes)
        elif garment_width:
            seen = widths[:-1][1 : 1 + GARMENT_LEVELS]  # the bottleneck is joined with no skip
            self.garment_head = GarmentHead([2 * count for count in seen], garment_width)
        self.apply(init_weights)

    def forward(self, photo: Tensor) -> Generated:
        """Translate photos, (N, 3, H, W) in [-1, 1], to maps of the same size."""
        decoded, joined = self.decoder(self.encoder(photo))
        if self.garment_namer is not None:
            named = self.name_garments(photo)
            return self._head(decoded, named.opinion)._replace(**named._asdict())
        generated = self._head(decoded)
        if self.garment_head is None:
            return generated
        return generated._replace(garments=self.garment_head(joined[1 : 1 + GARMENT_LEVELS]))

    def _head(self, decoded: Tensor, opinion: Tensor | None = None) -> Generated:
        if opinion is not None:
            size, share = decoded.shape[-2:], self.opinion
            # Scaled while it is small: on the CPU each pass over the whole map takes a millisecond.
            opinion = F.interpolate(share * opinion, size=size, mode="bilinear")
            decoded = (1 - share) * decoded.float() + opinion
        return cast(Generated, self.head(decoded))

    def name_garments(self, photo: Tensor) -> Named:
        """What the garment namer, which there must be, sees in photos, as for `forward`."""
        assert self.garment_namer is not None
        return cast(Named, self.garment_namer(F.avg_pool2d(photo, 2)))


def init_weights(module: nn.Module) -> None:
    """Draw convolution weights from N(0, 0.02), as the paper does (section 6.2).

    A residual block starts as the identity, so that one can be put into a trained generator.
    """
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.normal_(module.weight, 0.0, 0.02)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    elif isinstance(module, nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1.0, 0.02)
        nn.init.zeros_(module.bias)
    elif isinstance(module, Residual):  # visited after its own layers
        nn.init.zeros_(cast(nn.BatchNorm2d, module.body[-1]).weight)
