"""Muon for convolution kernels (Jordan et al. 2024, kellerjordan.github.io/posts/muon)."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

FEW_CHANNELS = 8
"""Kernels from or to fewer channels, such as depthwise ones, are left to Adam."""


class KernelMuon(torch.optim.Muon):
    """Moves each kernel by its momentum with all singular values made equal.

    Adam's steps go mostly along the few strongest directions of a kernel; these go along all of
    them alike. A kernel counts as a matrix of a row for each first channel. A step is as long as
    Adam's at the same rate (Liu et al. 2025, arXiv 2502.16982, section 2.2).

    Args:
        kernels: (channels, channels, height, width) each, in memory as `torch.channels_last`, and
            not moved from there afterwards.

    Raises:
        RuntimeError: a kernel lies otherwise in memory.
    """

    def __init__(self, kernels: list[nn.Parameter]) -> None:
        self.kernels = kernels
        # Matrices that share the kernels' memory, for torch's Muon takes nothing else.
        self.matrices = [
            nn.Parameter(_rows(kernel.data).view(len(kernel), -1)) for kernel in kernels
        ]
        super().__init__(self.matrices, weight_decay=0.0, adjust_lr_fn="match_rms_adamw")

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Move the kernels by the gradients that they have."""
        for kernel, matrix in zip(self.kernels, self.matrices, strict=True):
            matrix.grad = None if kernel.grad is None else _rows(kernel.grad).flatten(1)
        loss = super().step(closure)  # type: ignore[no-untyped-call]
        self.zero_grad(set_to_none=True)
        return loss


def is_wide_kernel(parameter: Tensor) -> bool:
    """Whether a parameter is the kernel of a convolution from many channels to many."""
    return parameter.ndim == 4 and min(parameter.shape[:2]) >= FEW_CHANNELS


def _rows(kernel: Tensor) -> Tensor:
    return kernel.permute(0, 2, 3, 1)
