import json
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from pix2seg.engines.base import built_in_file
from pix2seg.errors import WeightsError
from pix2seg.generators.info import BUILT_IN
from pix2seg.generators.weights import load_generator


def contents(path: Path) -> tuple[dict[str, torch.Tensor], dict[str, str]]:
    with safe_open(path, "pt") as file:
        return {key: file.get_tensor(key) for key in file.keys()}, file.metadata()  # noqa: SIM118


def test_saved_generator_comes_back(small_weights: Path) -> None:
    generator, info = load_generator(small_weights)
    again, _ = load_generator(small_weights)
    photo = torch.randn(1, 3, 96, 64)
    assert torch.equal(generator(photo).map, again(photo).map)
    assert info.size == (64, 96)
    assert info.scheme.names == ("background", "skin", "hair", "clothes")
    assert info.version.startswith("small ")


def test_box_holds_a_small_generator_that_says_where_it_comes_from() -> None:
    path = built_in_file(BUILT_IN)
    assert path.stat().st_size <= 18_000_000
    _, info = load_generator(path)
    assert info.size == (512, 768)
    assert info.facts["data"]["source"] == "ccp"
    assert info.facts["validation"]["mean_iou"] > 0.78


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"no weights file .*none\.safetensors"):
        load_generator(tmp_path / "none.safetensors")


def test_truncated_file_is_refused(small_weights: Path, tmp_path: Path) -> None:
    path = tmp_path / "cut.safetensors"
    path.write_bytes(small_weights.read_bytes()[:-100])
    with pytest.raises(WeightsError, match="not a whole safetensors file"):
        load_generator(path)


def test_pickle_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.pth"
    torch.save({"weights": torch.zeros(3)}, path)
    with pytest.raises(WeightsError, match="not a whole safetensors file"):
        load_generator(path)


def test_foreign_safetensors_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "foreign.safetensors"
    save_file({"a": torch.zeros(3)}, path)
    with pytest.raises(WeightsError, match="not written by pix2seg train"):
        load_generator(path)


def test_tensor_that_does_not_fit_is_named(small_weights: Path, tmp_path: Path) -> None:
    tensors, metadata = contents(small_weights)
    name = "encoder.blocks.1.0.weight"
    path = tmp_path / "changed.safetensors"
    save_file({**tensors, name: torch.zeros(2, 2)}, path, metadata)
    with pytest.raises(WeightsError, match=rf"tensor {name} is \(2, 2\)"):
        load_generator(path)
    del tensors[name]
    save_file(tensors, path, metadata)
    with pytest.raises(WeightsError, match=f"tensor {name} is missing"):
        load_generator(path)


def test_unknown_generator_is_refused(small_weights: Path, tmp_path: Path) -> None:
    tensors, metadata = contents(small_weights)
    recipe = json.dumps({"name": "new", "generator": {"layers": 3}})
    path = tmp_path / "new.safetensors"
    save_file(tensors, path, {**metadata, "recipe": recipe})
    with pytest.raises(WeightsError, match="no generator that this version knows"):
        load_generator(path)
