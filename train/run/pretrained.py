"""Encoders that begin with what ImageNet, or a run before, taught them."""

from collections.abc import Iterable

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from pix2seg.efficientnet_lite import EfficientNetLite

KEPT_STAGES = 2
"""Stages on strides 2 and 4."""


def keep_finest_stages(encoder: EfficientNetLite) -> None:
    """Leave an encoder's norms, and what it sees on strides 2 and 4, as they are.

    As Detectron2 does it (`freeze_at`): edges and blobs are the same everywhere, and a third of a
    training step would go into them.
    """
    for layer in encoder.modules():
        if isinstance(layer, _BatchNorm):
            layer.eval()
    for part in (encoder.stem, *encoder.stages[:KEPT_STAGES]):
        part.requires_grad_(False)


def keep_all_but_garments(generator: nn.Module) -> None:
    """Leave all of a generator but its garment namer as it is."""
    for name, part in generator.named_children():
        if name != "garment_namer":
            part.eval().requires_grad_(False)


def split_off(
    network: nn.Module, encoder: nn.Module | None
) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
    """What is trained of a network beside its encoder, and of the encoder."""
    inside = _trained(encoder.parameters()) if encoder else []
    names = {id(parameter) for parameter in inside}
    return [p for p in _trained(network.parameters()) if id(p) not in names], inside


def _trained(parameters: Iterable[nn.Parameter]) -> list[nn.Parameter]:
    return [parameter for parameter in parameters if parameter.requires_grad]
