"""Which sizes a network can halve."""

from pix2seg.errors import SizeError


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
