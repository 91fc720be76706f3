"""Which sizes a network can halve."""

from pix2seg.errors import SizeError


def check_size(size: tuple[int, int], depth: int) -> None:
    """Refuse a network size that `depth` halvings do not divide.

    Args:
        size: (width, height) in pixels.
        depth: how many times the network halves.

    Raises:
        SizeError: says which sizes and depths fit.
    """
    step = 2**depth
    if any(length % step for length in size):
        raise SizeError(
            f"a network size of {size[0]}x{size[1]} cannot be halved {depth} times; take multiples "
            f"of {step} in the shape of the data, or where a recipe says generator.depth "
            f"{_deepest(size)} or less there"
        )


def _deepest(size: tuple[int, int]) -> int:
    depth = 0
    while all(length % 2 ** (depth + 1) == 0 for length in size):
        depth += 1
    return depth
