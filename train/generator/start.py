"""What a generator under training takes over from trained weights, of its own classes or others."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pix2seg.classes import Scheme
from pix2seg.efficientnet_lite import IMAGENET, read_imagenet_weights
from pix2seg.encoders import EncoderName
from pix2seg.errors import TrainingError
from pix2seg.generators.library import pretrained_deeplabv3
from pix2seg.generators.settings import NetworkGeneratorSettings
from pix2seg.generators.weights import load_generator
from pix2seg.train.recipe import SegmentationRecipe

PHOTO_STATISTICS = ("network.mean", "network.std")
"""What another library's network takes off photos before they enter, by tensor."""

CLASS_ROWS = ("network.body.segmentation_head.", "network.body.classifier.4.")
"""What has a row for each class, by the start of its name: a U-Net's last layer and DeepLab's."""

GARMENTS = "garment_"
"""Begins the names of what names garments in a pix2pix generator."""

LEAST_SHARE = 1e-6
"""As much of the pixels as a class has at least that no photo shows."""


def starting_tensors(
    init: str | Path,
    recipe: SegmentationRecipe,
    scheme: Scheme,
    shares: NDArray[np.float64],
    ours: Mapping[str, Tensor],
) -> dict[str, Tensor]:
    """The tensors to start from, by the names that the generator has for them.

    Of weights for other classes all is taken over but what has a row for each class. Those rows
    are taken over too, where each of our classes falls into one of theirs.

    Args:
        init: a weights file, `imagenet` for a garment encoder, or `voc` for torchvision's DeepLab.
        recipe: of the run that starts.
        scheme: its classes.
        shares: (classes,), each class's share of the training pixels.
        ours: the generator's tensors as they would start otherwise.

    Raises:
        TrainingError: the weights are of another kind of generator.
        WeightsError: they cannot be read.
    """
    mine = recipe.generator
    if isinstance(mine, NetworkGeneratorSettings):
        return _fitting_tensors(init, recipe.name, mine, scheme, shares, ours)
    encoder = mine.garment_encoder
    if init == IMAGENET:
        if encoder == "none":
            raise TrainingError(
                "nothing here begins with ImageNet: the recipe has no garment encoder, or the data "
                "names no garments; leave --init imagenet out"
            )
        return _imagenet_tensors(encoder)
    generator, info = load_generator(Path(init))
    settings, theirs = mine.model_dump(), info.recipe.generator.model_dump()
    # Dropout has no weights, a block that the weights lack starts as identity, and what names
    # garments starts afresh where they lack it or have another: an encoder with ImageNet.
    blocks = {"residual_blocks", "wide_blocks"}
    free = {"dropout", "garment_width", "garment_encoder", "opinion"} | blocks
    differing = {key for key in settings.keys() - free if settings[key] != theirs.get(key)}
    differing |= {key for key in blocks if theirs.get(key, 0) > settings[key]}
    if differing:
        raise _other_kind(init, recipe.name, theirs, settings, differing)
    kept = {
        name: tensor
        for name, tensor in generator.state_dict().items()
        if name in ours and not (name.startswith(GARMENTS) and tensor.shape != ours[name].shape)
    }
    if encoder != "none" and encoder != theirs["garment_encoder"]:
        kept |= _imagenet_tensors(encoder)
    if info.scheme == scheme:
        return kept
    last = f"decoder.blocks.{mine.depth - 1}.0."
    weight, bias = kept.pop(f"{last}weight"), kept.pop(f"{last}bias")
    into = scheme.merged_into(info.scheme)
    if mine.head == "tanh" or into is None:
        return kept
    finer_weight = _finer(weight.transpose(0, 1), into, shares).transpose(0, 1)
    return kept | {f"{last}weight": finer_weight, f"{last}bias": _finer(bias, into, shares)}


def _imagenet_tensors(encoder: EncoderName) -> dict[str, Tensor]:
    """What ImageNet taught a garment encoder, by the generator's names."""
    found = read_imagenet_weights(encoder)
    return {f"garment_namer.encoder.{name}": tensor for name, tensor in found.items()}


def _finer(tensor: Tensor, into: NDArray[np.uint8], shares: NDArray[np.float64]) -> Tensor:
    """A row for each of our classes, that of the class it falls into, of (their classes, ...).

    A bias also tells which of those that fall into the same are common.
    """
    rows = tensor[torch.from_numpy(into).long()]
    return rows + _prior(into, shares) if tensor.ndim == 1 else rows


def _prior(into: NDArray[np.uint8], shares: NDArray[np.float64]) -> Tensor:
    """The log of each class's share of the pixels of all that fall into the same, (classes,)."""
    shares = shares.clip(LEAST_SHARE)
    return torch.from_numpy(np.log(shares / np.bincount(into, shares)[into])).float()


def _fitting_tensors(
    init: str | Path,
    recipe: str,
    mine: NetworkGeneratorSettings,
    scheme: Scheme,
    shares: NDArray[np.float64],
    ours: Mapping[str, Tensor],
) -> dict[str, Tensor]:
    """The tensors of a trained network of our kind, as far as they fit."""
    if init == "voc" and mine.architecture == "deeplabv3":
        found = pretrained_deeplabv3(mine.encoder)
        tensors = {f"network.{name}": tensor for name, tensor in found.items()}
    else:
        generator, info = load_generator(Path(init))
        theirs = info.recipe.generator.model_dump()
        kind = ("architecture", "encoder")
        if differing := {key for key in kind if theirs.get(key) != getattr(mine, key)}:
            raise _other_kind(init, recipe, theirs, mine.model_dump(), differing)
        tensors = generator.state_dict()
        into = scheme.merged_into(info.scheme)
        if into is not None:
            tensors |= {
                name: _finer(tensors[name], into, shares)
                for name in tensors
                if name.startswith(CLASS_ROWS)
            }
    # What is taken off photos is the recipe's and the data's to say.
    needed = {name: tensor for name, tensor in ours.items() if name not in PHOTO_STATISTICS}
    fitting = {n: t for n, t in tensors.items() if n in needed and t.shape == needed[n].shape}
    for name in needed.keys() - fitting.keys():
        if name not in tensors or tensors[name].shape[1:] != needed[name].shape[1:]:
            raise TrainingError(
                f"{init} does not fit recipe {recipe}: it has no tensor {name} of "
                f"{tuple(needed[name].shape)}"
            )
    return fitting


def _other_kind(
    init: str | Path,
    recipe: str,
    theirs: Mapping[str, Any],
    mine: Mapping[str, Any],
    differing: Iterable[str],
) -> TrainingError:
    named = ", ".join(f"{key} {theirs.get(key)}, not {mine[key]}" for key in sorted(differing))
    return TrainingError(
        f"{init} holds a generator of another kind than recipe {recipe} trains ({named}); give "
        "--init weights of the same [generator]"
    )
