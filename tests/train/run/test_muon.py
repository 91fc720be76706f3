"""Muon: steps along all directions of a kernel alike."""

import time
from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from pix2seg.train.run.muon import KernelMuon, take_wide_kernels

sides = st.integers(8, 24)


def kernel(outputs: int, inputs: int, size: int, seed: int) -> nn.Parameter:
    values = torch.randn(outputs, inputs, size, size, generator=torch.manual_seed(seed))
    return nn.Parameter(values.contiguous(memory_format=torch.channels_last))


def moved_by(parameter: nn.Parameter, gradient: Tensor, rate: float) -> Tensor:
    before = parameter.detach().clone()
    muon = KernelMuon([parameter])
    muon.param_groups[0]["lr"] = rate
    parameter.grad = gradient
    muon.step()
    return (parameter.detach() - before).flatten(1)


@settings(max_examples=25, deadline=None)
@given(sides, sides, st.sampled_from([1, 3, 4]), st.integers(0, 1000))
def test_a_step_goes_along_all_directions_alike(
    outputs: int, inputs: int, size: int, seed: int
) -> None:
    parameter = kernel(outputs, inputs, size, seed)
    gradient = kernel(outputs, inputs, size, seed + 1).detach()
    gradient[0] *= 100  # Adam's momentum would follow this row almost alone
    step = moved_by(parameter, gradient, rate=0.01)
    strengths = torch.linalg.svdvals(step)
    most = strengths[: max(min(step.shape) - 2, 1)]
    assert most.max() < 3 * most.min()
    assert float((step * gradient.flatten(1)).sum()) < 0
    length = 0.2 * 0.01 * (max(step.shape) * min(step.shape)) ** 0.5  # as Adam's, entry by entry
    assert 0.5 * length < float(step.norm()) < 1.3 * length


@pytest.mark.parametrize("of_gradient", [torch.contiguous_format, torch.channels_last])
def test_memory_layout_changes_nothing(of_gradient: torch.memory_format) -> None:
    there = kernel(16, 8, 3, 0)
    here = nn.Parameter(there.detach().contiguous())
    gradient = kernel(16, 8, 3, 1).detach()
    expected = moved_by(there, gradient, rate=0.1)
    found = moved_by(here, gradient.contiguous(memory_format=of_gradient), rate=0.1)
    assert torch.allclose(found, expected, atol=1e-3)
    assert expected.abs().mean() > 1e-2


def test_a_kernel_without_gradient_stays() -> None:
    parameter = kernel(8, 8, 3, 0)
    before = parameter.detach().clone()
    KernelMuon([parameter]).step()
    assert torch.equal(parameter, before)


def test_steps_are_those_of_torchs_own_muon() -> None:
    ours, gradients = kernel(24, 16, 3, 0), [kernel(24, 16, 3, seed).detach() for seed in (1, 2)]
    theirs = nn.Parameter(ours.detach().flatten(1).clone())
    muon = KernelMuon([ours])
    other = torch.optim.Muon([theirs], weight_decay=0.0, adjust_lr_fn="match_rms_adamw")
    start = theirs.detach().clone()
    for gradient in gradients:
        ours.grad, theirs.grad = gradient, gradient.flatten(1)
        muon.step()
        other.step()
    difference = ours.detach().flatten(1) - theirs.detach()
    assert difference.norm() < 0.02 * (theirs.detach() - start).norm()  # it counts in bfloat16


def test_a_step_costs_little_whatever_the_cpu_can() -> None:
    wide = nn.Parameter(torch.randn(256, 256, 3, 3))
    muon = KernelMuon([wide])
    wide.grad = torch.randn_like(wide)
    matrix = wide.detach().flatten(1)

    def seconds(work: Callable[[], object]) -> float:
        began = time.process_time()
        for _ in range(3):
            work()
        return time.process_time() - began

    muon.step()
    products = seconds(lambda: [matrix @ matrix.T for _ in range(15)])
    assert seconds(muon.step) < 10 * products


def test_layers_of_photo_and_classes_and_depthwise_ones_are_left_to_adam() -> None:
    narrow = [nn.Conv2d(3, 32, 3), nn.Conv2d(32, 4, 1), nn.Conv2d(32, 32, 7, groups=32)]
    parameters = [p for layer in narrow for p in layer.parameters()]
    wide = nn.ConvTranspose2d(64, 32, 4)
    muon, others = take_wide_kernels([*parameters, *wide.parameters()], muon_rate=1.5)
    assert muon is not None
    assert [id(p) for p in muon.param_groups[0]["params"]] == [id(wide.weight)]
    assert len(others) == len(parameters) + 1
