import json
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from pix2seg.errors import WeightsError
from pix2seg.preprocess.person.mask_rcnn.weights import load_network

WIDTHS = {
    "encoder": "efficientnet_lite0",
    "pyramid": 8,
    "box_head": 8,
    "mask_head": 8,
    "mask_layers": 1,
}


@pytest.mark.parametrize(
    "recipe",
    [
        None,
        {},
        {"network": WIDTHS, "size": [96, 128]},
        {"name": "", "network": WIDTHS, "size": [96, 128]},
        {"name": "x", "size": [96, 128]},
        {"name": "x", "network": WIDTHS},
        {"name": "x", "network": WIDTHS, "size": [0, 0]},
        {"name": "x", "network": WIDTHS, "size": [96]},
        {"name": "x", "network": WIDTHS, "size": [96, 10**9]},
        {"name": "x", "network": {**WIDTHS, "box_head": 20_000}, "size": [96, 128]},
        {"name": "x", "network": {**WIDTHS, "mask_layers": 10**6}, "size": [96, 128]},
        {"name": "x", "network": {**WIDTHS, "pyramid": 0}, "size": [96, 128]},
        {"name": "x", "network": {**WIDTHS, "pyramid": "8"}, "size": "96x128"},
        {"name": "x", "network": {**WIDTHS, "pyramid": 16}, "size": [96, 128]},
        {"name": "x", "network": {**WIDTHS, "heads": 2}, "size": [96, 128]},
    ],
)
def test_broken_recipe_is_refused(recipe: object, small_mask_rcnn: Path, tmp_path: Path) -> None:
    path = tmp_path / "broken.safetensors"
    with safe_open(small_mask_rcnn, "pt") as file:
        tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
        save_file(tensors, path, {**file.metadata(), "recipe": json.dumps(recipe)})
    with pytest.raises(WeightsError, match=r"broken\.safetensors") as error:
        load_network(path)
    assert "\n" not in str(error.value)


def test_weights_that_are_no_numbers_are_refused(small_mask_rcnn: Path, tmp_path: Path) -> None:
    path = tmp_path / "nan.safetensors"
    with safe_open(small_mask_rcnn, "pt") as file:
        tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
        name = next(name for name, tensor in tensors.items() if tensor.is_floating_point())
        tensors[name] = torch.full_like(tensors[name], float("nan"))
        save_file(tensors, path, file.metadata())
    with pytest.raises(WeightsError, match="holds no numbers"):
        load_network(path)
