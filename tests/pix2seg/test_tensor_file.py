from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pix2seg.errors import WeightsError
from pix2seg.tensor_file import read_tensors, save_tensors


@settings(max_examples=30)
@given(st.integers(0, 1000), st.floats(1e-6, 1e4), st.booleans())
def test_numbers_come_back_within_half_a_step(
    tmp_path_factory: pytest.TempPathFactory, seed: int, scale: float, transposed: bool
) -> None:
    drawn = torch.Generator().manual_seed(seed)
    weight = torch.randn(5, 3, 4, 4, generator=drawn) * scale
    weight[1] *= 50
    weight[2] = 0
    stored = weight.transpose(0, 1) if transposed else weight
    path = tmp_path_factory.mktemp("tensors") / "file.safetensors"
    save_tensors(path, {"weight": stored}, {"a": "b"}, ["weight"] if transposed else ())
    metadata, tensors = read_tensors(path)
    found = tensors["weight"].transpose(0, 1) if transposed else tensors["weight"]
    assert metadata == {"a": "b"}
    steps = weight.flatten(1).abs().amax(1) / 127
    apart = (found - weight).flatten(1).abs().amax(1)
    assert (apart <= steps * 0.501).all()


def test_vectors_keep_half_precision_and_counts_are_exact(tmp_path: Path) -> None:
    bias, count = torch.linspace(-1, 1, 7), torch.tensor(2**40)
    save_tensors(tmp_path / "f", {"bias": bias, "count": count}, {})
    _, tensors = read_tensors(tmp_path / "f")
    assert torch.equal(tensors["bias"], bias.half().float())
    assert tensors["count"] == count


def test_what_half_precision_cannot_hold_comes_back(tmp_path: Path) -> None:
    variance = torch.tensor([70_000.0, 1.0])
    save_tensors(tmp_path / "f", {"variance": variance}, {})
    assert torch.equal(read_tensors(tmp_path / "f")[1]["variance"], variance)


def test_weights_take_a_byte_each(tmp_path: Path) -> None:
    save_tensors(tmp_path / "f", {"weight": torch.randn(64, 64, 4, 4)}, {})
    assert (tmp_path / "f").stat().st_size < 64 * 64 * 16 * 1.02


@pytest.mark.parametrize("content", [b"", b"nothing of the kind", b"\xff" * 100])
def test_other_files_are_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "f").write_bytes(content)
    with pytest.raises(WeightsError, match="not a whole safetensors file"):
        read_tensors(tmp_path / "f")
    with pytest.raises(WeightsError, match="no weights file"):
        read_tensors(tmp_path / "none")
