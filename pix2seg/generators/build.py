"""Generators by name, as recipes and weights files describe them."""

from typing import Any, Literal

from pix2seg.classes import Scheme
from pix2seg.generators.base import Generator
from pix2seg.generators.heads import LogitsHead, TanhHead, map_colors
from pix2seg.generators.library import LibraryNetwork, NetworkGenerator
from pix2seg.generators.pix2pix import UNetGenerator


def build_generator(
    scheme: Scheme,
    architecture: Literal["pix2pix", "unet", "deeplabv3"] = "pix2pix",
    **settings: Any,
) -> Generator:
    """The generator for a scheme, as a recipe's `[generator]` describes it.

    Args:
        scheme: the classes.
        architecture: `pix2pix` is `UNetGenerator`, the others are `library.LibraryNetwork`.
        settings: arguments of theirs; `head` is `logits` or `tanh`.

    Raises:
        TypeError, ValueError: the settings are not those of the architecture.
        WeightsError: a library that the architecture needs is not installed.
    """
    if architecture == "pix2pix":
        tanh = settings.pop("head", "logits") == "tanh"
        return UNetGenerator(TanhHead() if tanh else LogitsHead(map_colors(scheme)), **settings)
    return NetworkGenerator(
        LibraryNetwork(architecture, channels=len(scheme), **settings),
        LogitsHead(map_colors(scheme)),
    )
