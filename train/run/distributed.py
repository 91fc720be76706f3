"""Training by several processes, as `torchrun` starts them: each takes its share of every batch.

Gradients, batch statistics and the Dice sums are those of the whole batch, so that any number of
processes trains what one would. Only the first process, the writer, writes files and messages.
"""

import importlib
import os
from collections.abc import Iterable
from typing import Any, TypeVar, cast

import torch
import torch.distributed as dist
from torch import Tensor, nn

from pix2seg.device import choose_device


def join(device: str = "auto") -> torch.device:
    """Join the other processes, if `torchrun` started this one; returns the device to train on.

    Args:
        device: as for `choose_device`; on a machine with GPUs each process takes its own.

    Raises:
        Pix2SegError: no such device here.
    """
    if "LOCAL_RANK" not in os.environ:
        return choose_device(device)
    chosen = choose_device(device)
    if str(chosen) == "cuda":
        chosen = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
        torch.cuda.set_device(chosen)
    if not dist.is_initialized():
        # Optimisers import this. Imported after joining it holds the group beyond `leave`, and
        # gloo's threads, still running as the process ends, now and then abort it.
        importlib.import_module("torch._dynamo")
        dist.init_process_group("nccl" if chosen.type == "cuda" else "gloo")
    return chosen


def leave() -> None:
    """Part from the other processes, if there are any, and end the threads that joined them."""
    if dist.is_initialized():
        dist.destroy_process_group()


def rank() -> int:
    """Which of the processes this is, from 0 on."""
    return dist.get_rank() if dist.is_initialized() else 0


def world_size() -> int:
    """How many processes train together."""
    return dist.get_world_size() if dist.is_initialized() else 1


def is_writer() -> bool:
    """Whether this process writes files and messages."""
    return rank() == 0


def sum_over_processes(tensor: Tensor) -> Tensor:
    """The sum of a tensor over all processes; gradients flow back to each."""
    if world_size() == 1:
        return tensor
    return cast(Tensor, _SumOverProcesses.apply(tensor))


Module = TypeVar("Module", bound=nn.Module)


class _SumOverProcesses(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, tensor: Tensor) -> Tensor:
        summed = tensor.clone(memory_format=torch.contiguous_format)
        dist.all_reduce(summed)
        return summed

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        return cast(Tensor, _SumOverProcesses.apply(gradients[0]))


def average_gradients(parameters: Iterable[nn.Parameter]) -> None:
    """Give all processes the mean of their gradients."""
    if world_size() == 1:
        return
    gradients = [p.grad for p in parameters if p.grad is not None]
    # All in one message: many small ones would take longer than the step.
    mean = torch.cat([gradient.reshape(-1) for gradient in gradients])
    dist.all_reduce(mean)
    mean /= world_size()
    start = 0
    for gradient in gradients:
        gradient.copy_(mean[start : start + gradient.numel()].view_as(gradient))
        start += gradient.numel()


def average(numbers: dict[str, float], device: torch.device) -> dict[str, float]:
    """The mean of each number over all processes, which give the same names."""
    if world_size() == 1:
        return numbers
    values = sum_over_processes(torch.tensor(list(numbers.values()), device=device)) / world_size()
    return dict(zip(numbers, values.tolist(), strict=True))


def anyone(flag: bool, device: torch.device) -> bool:
    """Whether the flag is up in any process."""
    return bool(average({"flag": float(flag)}, device)["flag"])


def share_batch_norm(network: Module) -> Module:
    """Let every batch normalisation of a network see the whole batch, in place."""
    if world_size() == 1:
        return network
    for module in network.modules():
        if type(module) is nn.BatchNorm2d:
            module.__class__ = SharedBatchNorm2d
    return network


class SharedBatchNorm2d(nn.BatchNorm2d):
    """Batch normalisation over the shares of all processes.

    torch's own SyncBatchNorm needs GPUs. Shares may be of unlike size, even empty, as those of a
    Mask R-CNN's heads are where few pictures show people. The variance is taken around the mean: as
    E[x²] - E[x]² it would lose what is small beside the mean.
    """

    def forward(self, features: Tensor) -> Tensor:
        """Normalise (N, C, H, W)."""
        if not self.training:
            return super().forward(features)
        wide = features.float()
        own = wide.new_tensor([features.numel() // features.shape[1]])
        sums = sum_over_processes(torch.cat([wide.sum((0, 2, 3)), own]))  # both in one message
        count = sums[-1].detach().clamp(min=1)
        mean = sums[:-1] / count
        centred = wide - mean[:, None, None]
        variance = sum_over_processes(centred.square().sum((0, 2, 3))) / count
        self._remember(mean.detach(), variance.detach() * count / (count - 1).clamp(min=1))
        scale = self.weight * (variance + self.eps).rsqrt()
        normalised: Tensor = centred * scale[:, None, None] + self.bias[:, None, None]
        return normalised.to(features.dtype)

    @torch.no_grad()
    def _remember(self, mean: Tensor, variance: Tensor) -> None:
        assert self.running_mean is not None
        assert self.running_var is not None
        assert self.num_batches_tracked is not None
        assert self.momentum is not None
        self.running_mean.lerp_(mean, self.momentum)
        self.running_var.lerp_(variance, self.momentum)
        self.num_batches_tracked += 1
