"""What every generator is and gives: photos in, maps out."""

from typing import NamedTuple

from torch import Tensor, nn

from pix2seg.errors import SizeError


class Generated(NamedTuple):
    """What a generator gives for a batch of N photos.

    Attributes:
        map: (N, 3, H, W), the colour map in [-1, 1].
        logits: (N, classes, H, W), or None where the head has none.
        garments: (N, kinds, H / 4, W / 4), logits of the kinds of garments (ids 3 to 15 of the
            scheme `garments`), or None where the generator names none.
    """

    map: Tensor
    logits: Tensor | None
    garments: Tensor | None = None


class Generator(nn.Module):
    """From photo to map.

    Attributes:
        depth: how many times a photo is halved, so what its sides must be divisible by.
    """

    depth: int

    def forward(self, photo: Tensor) -> Generated:
        """Translate photos, (N, 3, H, W) in [-1, 1], to maps of the same size."""
        raise NotImplementedError


def check_size(size: tuple[int, int], depth: int) -> None:
    """Refuse a network size that `depth` halvings do not divide.

    Args:
        size: (width, height) in pixels.
        depth: how many times the network halves.

    Raises:
        SizeError: names the nearest size that fits.
    """
    step = 2**depth
    if any(length % step for length in size):
        width, height = (max(round(length / step), 1) * step for length in size)
        raise SizeError(
            f"a network size of {size[0]}x{size[1]} cannot be halved {depth} times; take multiples "
            f"of {step}, such as {width}x{height}, or a depth of {_deepest(size)} or less"
        )


def _deepest(size: tuple[int, int]) -> int:
    depth = 0
    while all(length % 2 ** (depth + 1) == 0 for length in size):
        depth += 1
    return depth
