"""Muon: steps along all directions of a kernel alike."""

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


def test_a_kernel_with_gaps_is_refused() -> None:
    with pytest.raises(RuntimeError, match="view"):
        KernelMuon([nn.Parameter(torch.randn(8, 9, 3, 6)[..., :3])])


def test_layers_of_photo_and_classes_and_depthwise_ones_are_left_to_adam() -> None:
    narrow = [nn.Conv2d(3, 32, 3), nn.Conv2d(32, 4, 1), nn.Conv2d(32, 32, 7, groups=32)]
    parameters = [p for layer in narrow for p in layer.parameters()]
    wide = nn.ConvTranspose2d(64, 32, 4)
    muon, others = take_wide_kernels([*parameters, *wide.parameters()], muon_rate=1.5)
    assert muon is not None
    assert [id(p) for p in muon.kernels] == [id(wide.weight)]
    assert len(others) == len(parameters) + 1
