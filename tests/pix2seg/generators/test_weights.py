import json
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from pix2seg import Segmenter
from pix2seg.engines.base import built_in_file
from pix2seg.errors import WeightsError
from pix2seg.generators.info import BUILT_IN, TrainedRecipe, WeightsInfo
from pix2seg.generators.weights import load_generator, save_generator

SMALL_GENERATOR = {"head": "logits", "width": 4, "max_width": 8, "depth": 3, "dropout": 0.2}


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
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "best.safetensors").touch()
    with pytest.raises(WeightsError, match=r"run is a folder; give .*run/best\.safetensors"):
        Segmenter(tmp_path / "run")
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


FAULTS: dict[str, list[object]] = {
    "recipe": [
        None,
        [],
        {},
        "x",
        {"name": "", "generator": SMALL_GENERATOR},
        {"name": 5, "generator": SMALL_GENERATOR},
        {"generator": SMALL_GENERATOR},
        {"name": "x"},
        {"name": "x", "generator": None},
        {"name": "x", "generator": {**SMALL_GENERATOR, "depth": 10**6}},
        {"name": "x", "generator": {**SMALL_GENERATOR, "depth": 0}},
        {"name": "x", "generator": {**SMALL_GENERATOR, "depth": 7}},  # 64x96 has not as many
        {"name": "x", "generator": {**SMALL_GENERATOR, "width": 20_000}},
        {"name": "x", "generator": {**SMALL_GENERATOR, "width": -4}},
        {"name": "x", "generator": {**SMALL_GENERATOR, "width": 4000, "max_width": 4000}},
        {"name": "x", "generator": {**SMALL_GENERATOR, "head": "softmax"}},
        {"name": "x", "generator": {**SMALL_GENERATOR, "dropout": 2}},
        {"name": "x", "generator": {**SMALL_GENERATOR, "layers": 2}},
        {"name": "x", "generator": {"architecture": "transformer"}},
        {
            "name": "x",
            "generator": {"architecture": "unet", "encoder": "vgg99", "normalise": "none"},
        },
        {"name": "x", "generator": SMALL_GENERATOR, "background": "pink"},
        {"name": "x", "generator": SMALL_GENERATOR, "hide": "perhaps"},
        {"name": "x", "generator": SMALL_GENERATOR, "person": 3},
        {"name": "x", "generator": SMALL_GENERATOR, "augmentation": []},
    ],
    "size": [None, 5, [], [64], [0, 0], [64, 0], [-64, 96], [64, 96, 3], ["a", "b"], [10**9, 96]],
    "scheme": [
        None,
        [],
        {},
        {"name": "x", "classes": 5},
        {"name": "x", "classes": [5, 6]},
        {"name": "x", "classes": [{"name": "a", "labels": [], "color": 5}] * 2},
        {"name": "x", "classes": [{"name": "a", "labels": 5, "color": "#000000"}] * 2},
        {"name": "x", "classes": [{"name": "a", "labels": [["b"]], "color": "#000000"}] * 2},
    ],
    "facts": [None, 5, []],
}


@pytest.mark.parametrize(
    ("key", "value"), [(key, value) for key, values in FAULTS.items() for value in values]
)
def test_broken_metadata_is_refused(
    key: str, value: object, small_weights: Path, tmp_path: Path
) -> None:
    tensors, metadata = contents(small_weights)
    path = tmp_path / "broken.safetensors"
    save_file(tensors, path, {**metadata, key: json.dumps(value)})
    with pytest.raises(WeightsError, match=r"broken\.safetensors") as error:
        load_generator(path)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "text", ["", "{", "[" * 100_000, "\udcff".encode("utf-8", "replace").decode()]
)
@pytest.mark.parametrize("key", ["recipe", "size", "scheme", "facts"])
def test_metadata_that_is_no_json_is_refused(
    key: str, text: str, small_weights: Path, tmp_path: Path
) -> None:
    tensors, metadata = contents(small_weights)
    path = tmp_path / "broken.safetensors"
    save_file(tensors, path, {**metadata, key: text})
    with pytest.raises(WeightsError):
        load_generator(path)
    del metadata[key]
    save_file(tensors, path, metadata)
    with pytest.raises(WeightsError):
        load_generator(path)


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_weights_that_are_no_numbers_are_refused(
    number: float, small_weights: Path, tmp_path: Path
) -> None:
    tensors, metadata = contents(small_weights)
    name = next(name for name, tensor in tensors.items() if tensor.is_floating_point())
    path = tmp_path / "nan.safetensors"
    save_file({**tensors, name: torch.full_like(tensors[name], number)}, path, metadata)
    with pytest.raises(WeightsError, match="holds no numbers"):
        load_generator(path)


def test_the_whole_recipe_is_kept(small_weights: Path, tmp_path: Path) -> None:
    generator, info = load_generator(small_weights)
    data = {"name": "x", "generator": SMALL_GENERATOR, "loss": {"l1_weight": 3}, "size": [64, 96]}
    recipe = TrainedRecipe.model_validate(data)
    path = tmp_path / "x.safetensors"
    save_generator(path, generator, WeightsInfo(recipe, info.scheme, info.size, {"epoch": 3}))
    again = load_generator(path)[1]
    assert again.recipe.model_dump()["loss"] == {"l1_weight": 3}
    assert again.recipe.generator.model_dump()["architecture"] == "pix2pix"
    assert (again.person, again.hide, again.background) == ("mask-rcnn", False, "grey")
