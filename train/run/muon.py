"""Muon for convolution kernels (Jordan et al. 2024, kellerjordan.github.io/posts/muon)."""

from collections.abc import Callable, Iterable
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
        kernels: (channels, channels, ...) each, not moved in memory afterwards.

    Raises:
        RuntimeError: a kernel has gaps in memory.
    """

    def __init__(self, kernels: list[nn.Parameter]) -> None:
        self.kernels = kernels
        # Matrices that share the kernels' memory, for torch's Muon takes nothing else.
        self.matrices = [nn.Parameter(_matrix(kernel.data)) for kernel in kernels]
        super().__init__(self.matrices, weight_decay=0.0, adjust_lr_fn="match_rms_adamw")

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Move the kernels by the gradients that they have."""
        for kernel, matrix in zip(self.kernels, self.matrices, strict=True):
            if kernel.grad is not None:  # which may lie otherwise in memory than the kernel
                matrix.grad = _matrix(torch.empty_like(kernel).copy_(kernel.grad))
        loss = super().step(closure)  # type: ignore[no-untyped-call]
        self.zero_grad(set_to_none=True)
        return loss


def take_wide_kernels(
    parameters: Iterable[nn.Parameter], muon_rate: float
) -> tuple[KernelMuon | None, list[nn.Parameter]]:
    """Muon for the kernels of layers from many channels to many, and all that it leaves to Adam.

    That is everything where `muon_rate` is 0 or no kernel is wide.
    """
    wide: list[nn.Parameter] = []
    others: list[nn.Parameter] = []
    for parameter in parameters:
        is_wide = parameter.ndim > 1 and min(parameter.shape[:2]) >= FEW_CHANNELS
        (wide if muon_rate and is_wide else others).append(parameter)
    return KernelMuon(wide) if wide else None, others


def _matrix(kernel: Tensor) -> Tensor:
    """A kernel as a row for each first channel, which shares its memory."""
    if kernel.ndim == 4 and kernel.is_contiguous(memory_format=torch.channels_last):
        kernel = kernel.permute(0, 2, 3, 1)
    return kernel.view(len(kernel), -1)
