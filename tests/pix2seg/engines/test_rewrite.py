"""What is said in other operators gives the same."""

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from torch import Tensor, nn

from pix2seg.engines.onnx.export import export_module
from pix2seg.engines.onnx.network import OnnxNetwork


class Enlarging(nn.Module):
    """Two layers joined, enlarged by two, the share of each channel, and a blend of these."""

    def __init__(self, bias: bool) -> None:
        super().__init__()
        self.near = nn.Conv2d(3, 5, 3, padding=1)
        self.far = nn.Conv2d(3, 4, 3, padding=1)
        self.enlarge = nn.ConvTranspose2d(9, 6, 4, stride=2, padding=1, bias=bias)
        self.register_buffer("colors", torch.randn(6, 3))

    def forward(self, photos: Tensor) -> dict[str, Tensor]:
        joined = torch.cat([self.near(photos), self.far(photos)], 1)
        enlarged: Tensor = self.enlarge(joined)
        shares = enlarged.softmax(1)
        blend = torch.einsum("nkhw,kc->nchw", shares, self.colors)
        return {"enlarged": enlarged, "shares": shares, "blend": blend, "joined": joined}


@pytest.mark.parametrize("bias", [True, False])
def test_results_stay(bias: bool, tmp_path: Path) -> None:
    torch.manual_seed(0)
    module, path = Enlarging(bias).eval(), tmp_path / "enlarging.onnx"
    photos = np.random.default_rng(0).normal(size=(1, 3, 5, 7)).astype(np.float32)
    free = {name: {0: "photos"} for name in ("photos", "enlarged", "shares", "blend", "joined")}
    assert export_module(module, {}, {"photos": photos}, free, path) < 1e-3
    kinds = [node.op_type for node in onnx.load(path).graph.node]
    assert "ConvTranspose" not in kinds
    assert "Softmax" not in kinds
    assert "Einsum" not in kinds
    assert kinds.count("Concat") == 1  # one of the outputs
    many = np.concatenate([photos, 2 * photos, -photos])
    found = OnnxNetwork(path).run(photos=many)
    with torch.inference_mode():
        for name, expected in module(torch.from_numpy(many)).items():
            assert np.allclose(found[name], expected, atol=2e-3)


def test_other_sizes_are_enlarged_as_they_are(tmp_path: Path) -> None:
    torch.manual_seed(0)

    class Named(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.enlarge = nn.ConvTranspose2d(3, 4, 2, stride=2)

        def forward(self, photos: Tensor) -> dict[str, Tensor]:
            return {"enlarged": self.enlarge(photos)}

    photos = np.ones((1, 3, 4, 4), np.float32)
    path = tmp_path / "other.onnx"
    assert export_module(Named().eval(), {}, {"photos": photos}, {}, path) < 1e-3
    assert "ConvTranspose" in [node.op_type for node in onnx.load(path).graph.node]
