"""What every generator is and gives: photos in, maps out."""

from typing import NamedTuple

from torch import Tensor, nn


class Generated(NamedTuple):
    """What a generator gives for a batch of N photos.

    Attributes:
        map: (N, 3, H, W), the colour map in [-1, 1].
        logits: (N, classes, H, W), or None where the head has none.
        garments: (N, kinds, H / 4, W / 4), or half of that, logits of the kinds of garments (ids 3
            to 15 of the scheme `garments`), or None where the generator names none.
        opinion: (N, classes, H / 4, W / 4), the logits that the garment namer alone would give, or
            None where it has no say.
    """

    map: Tensor
    logits: Tensor | None
    garments: Tensor | None = None
    opinion: Tensor | None = None


class Generator(nn.Module):
    """From photo to map.

    Attributes:
        depth: how many times a photo is halved, so what its sides must be divisible by.
    """

    depth: int

    def forward(self, photo: Tensor) -> Generated:
        """Translate photos, (N, 3, H, W) in [-1, 1], to maps of the same size."""
        raise NotImplementedError
