"""A network in PyTorch."""

import os
from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from pix2seg.device import autocast, choose_device
from pix2seg.engines.base import Precision

if hasattr(os, "register_at_fork"):
    # OpenMP's threads do not follow into a forked process, which would wait for them for ever.
    os.register_at_fork(after_in_child=lambda: torch.set_num_threads(1))


class TorchNetwork:
    """A module that takes and gives named tensors; see `pix2seg.engines.base.Network`.

    Args:
        module: set to evaluation; takes tensors by name and gives a dictionary of tensors.
        metadata: its weights file's.
        device: `auto`, `cpu`, `cuda`, `mps`, ...
        precision: what it computes in.

    Raises:
        Pix2SegError: there is no such device.
    """

    engine = "torch"

    def __init__(
        self,
        module: nn.Module,
        metadata: Mapping[str, str],
        device: str | torch.device = "auto",
        precision: Precision = "auto",
    ) -> None:
        self._device = device if isinstance(device, torch.device) else choose_device(device)
        self.device = str(self._device)
        self.metadata, self._precision = metadata, precision
        self.module = module.to(self._device)

    def run(self, **inputs: Any) -> dict[str, Any]:
        """NumPy arrays by name, for NumPy arrays by name."""
        with torch.inference_mode(), autocast(self._device, self._precision):
            given = {k: torch.from_numpy(v).to(self._device) for k, v in inputs.items()}
            found: dict[str, torch.Tensor] = self.module(**given)
        return {name: tensor.cpu().contiguous().numpy() for name, tensor in found.items()}
