"""Muon for convolution kernels (Jordan et al. 2024, kellerjordan.github.io/posts/muon)."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from pix2seg.device import multiplies_bfloat16

FEW_CHANNELS = 8
"""Kernels from or to fewer channels, such as depthwise ones, are left to Adam."""

MOMENTUM = 0.95

COEFFICIENTS = (3.4445, -4.7750, 2.0315)
"""Of the polynomial that brings singular values near 1, from Jordan et al."""

ITERATIONS = 5


class KernelMuon(torch.optim.Optimizer):
    """Moves each kernel by its momentum with all singular values made equal.

    Adam's steps go mostly along the few strongest directions of a kernel; these go along all of
    them alike. A kernel counts as a matrix of a row for each first channel. A step is as long as
    Adam's at the same rate (Liu et al. 2025, arXiv 2502.16982, section 2.2).

    torch's own Muon takes matrices alone, and always multiplies them in bfloat16, which on a CPU
    without hardware for it takes thirty times as long as float32.

    Args:
        kernels: (channels, channels, ...) each.
    """

    def __init__(self, kernels: list[nn.Parameter]) -> None:
        super().__init__(kernels, {"lr": 1e-3})

    @torch.no_grad()
    def step(self) -> None:  # type: ignore[override]  # no closure: nobody gives one
        """Move the kernels by the gradients that they have."""
        for group in self.param_groups:
            for kernel in group["params"]:
                if kernel.grad is not None:
                    direction = orthogonalised(self._nesterov(kernel).flatten(1))
                    rate = 0.2 * group["lr"] * max(direction.shape) ** 0.5
                    kernel.add_(direction.view(kernel.shape), alpha=-rate)

    def _nesterov(self, kernel: nn.Parameter) -> Tensor:
        """The gradient, carried on by the momentum that it has just added to."""
        state, gradient = self.state[kernel], kernel.grad
        assert gradient is not None
        if "momentum_buffer" not in state:
            state["momentum_buffer"] = torch.zeros_like(gradient)
        momentum: Tensor = state["momentum_buffer"]
        momentum.lerp_(gradient, 1 - MOMENTUM)
        return gradient.lerp(momentum, MOMENTUM)


def orthogonalised(matrix: Tensor) -> Tensor:
    """A matrix of the same directions whose singular values are near 1.

    Newton and Schulz's iteration, of fifth order; in bfloat16 where the device has hardware for it.

    Args:
        matrix: float32 (rows, columns).

    Returns:
        float32 (rows, columns).
    """
    rows, columns = matrix.shape
    tall = rows > columns
    fast = torch.bfloat16 if multiplies_bfloat16(matrix.device) else torch.float32
    found = (matrix.T if tall else matrix).to(fast)
    found = found / found.norm().clamp(min=1e-7)
    first, third, fifth = COEFFICIENTS
    for _ in range(ITERATIONS):
        gram = found @ found.T
        found = torch.addmm(
            found, torch.addmm(gram, gram, gram, beta=third, alpha=fifth), found, beta=first
        )
    return (found.T if tall else found).to(matrix.dtype).contiguous()


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
