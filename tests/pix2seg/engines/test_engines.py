"""One test for both engines, and that they agree."""

import os
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from numpy.typing import NDArray

from pix2seg import Segmenter
from pix2seg.classes import load_scheme
from pix2seg.engines.base import Engine
from pix2seg.errors import Pix2SegError, WeightsError
from pix2seg.export import export_to_onnx
from pix2seg.generators.build import build_generator
from pix2seg.generators.info import TrainedRecipe, WeightsInfo
from pix2seg.generators.predictor import Predictor
from pix2seg.generators.weights import save_generator
from pix2seg.photo import read_photo
from pix2seg.preprocess.person.mask_rcnn.detector import load_detector
from pix2seg.preprocess.person.mask_rcnn.extractor import LEAST_SCORE_OF_FIRST

Networks = tuple[Path, Path]
"""The files of a generator and of a person extractor."""


@pytest.fixture(params=["torch", "onnx"])
def small(request: pytest.FixtureRequest, small_weights: Path, small_onnx: Path) -> Path:
    """The same untrained generator for each engine."""
    return small_weights if request.param == "torch" else small_onnx


def noise(count: int) -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (count, 96, 64, 3), dtype=np.uint8)


def test_any_number_of_photos_and_the_same_result_each_time(small: Path) -> None:
    predictor = Predictor(small, precision="fp32")
    photos = noise(3)
    together, again = predictor.predict(photos), predictor.predict(photos)
    assert together.map.shape == photos.shape
    assert together.probabilities is not None
    assert together.probabilities.shape == (3, 4, 96, 64)
    assert np.allclose(together.probabilities.sum(axis=1), 1, atol=1e-5)
    assert np.array_equal(together.map, again.map)
    alone = predictor.predict(photos[1:2])
    assert np.abs(alone.map[0].astype(int) - together.map[1]).max() <= 1


def test_suffix_chooses_the_engine_and_the_info_is_the_same(
    small_weights: Path, small_onnx: Path
) -> None:
    ours, theirs = Predictor(small_weights), Predictor(small_onnx)
    assert (ours.network.engine, theirs.network.engine) == ("torch", "onnx")
    assert ours.info == theirs.info
    assert len(ours.info.sha256) == 64


def test_masks_agree(torch_networks: Networks, onnx_networks: Networks, photos: list[Path]) -> None:
    by_engine = {
        name: Segmenter(generator, precision="fp32", person_options={"weights": person})
        for name, (generator, person) in (("torch", torch_networks), ("onnx", onnx_networks))
    }
    for photo in photos:
        results = {name: segmenter(photo) for name, segmenter in by_engine.items()}
        for name, result in results.items():
            assert result.model["engine"] == name
        agree = results["torch"].mask == results["onnx"].mask
        assert agree.mean() >= 0.999
        assert results["torch"].model["person"] == results["onnx"].model["person"]


def test_people_agree(
    torch_networks: Networks, onnx_networks: Networks, photos: list[Path]
) -> None:
    first, second = (load_detector(n[1], device="cpu") for n in (torch_networks, onnx_networks))
    for photo in photos:
        pixels = read_photo(photo).pixels
        ours, theirs = first.detect(pixels), second.detect(pixels)
        assert len(ours.scores) == len(theirs.scores) > 0
        for found, expected in zip(ours, theirs, strict=True):
            assert np.allclose(found, expected, atol=1e-3)
    wall = np.full((300, 200, 3), 127, np.uint8)
    assert not (second.detect(wall).scores >= LEAST_SCORE_OF_FIRST).any()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_process_goes_on(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    torch.set_num_threads(2)
    predictor = Predictor(small, device="cpu", precision="fp32")
    expected = predictor.predict(noise(1)).map

    def check() -> None:
        same = np.array_equal(predictor.predict(noise(1)).map, expected)
        os._exit(0 if same else 1)

    child = get_context("fork").Process(target=check, daemon=True)
    child.start()
    child.join(timeout=120)
    torch.set_num_threads(1)  # as tests/conftest.py does
    assert child.exitcode == 0


def test_exporting_again_gives_the_same_bytes(small_onnx: Path, small_weights: Path) -> None:
    again = small_onnx.with_name("again.onnx")
    export_to_onnx(small_weights, again)
    assert again.read_bytes() == small_onnx.read_bytes()


def test_generators_are_rewritten(onnx_networks: Networks, small_onnx: Path) -> None:
    for file in (onnx_networks[0], small_onnx):
        kinds = {node.op_type for node in onnx.load(file).graph.node}
        assert not kinds & {"ConvTranspose", "Softmax", "Constant"}


def test_weights_of_8_bits_stay_so(tmp_path: Path) -> None:
    torch.manual_seed(0)
    settings = {"head": "logits", "width": 16, "max_width": 32, "depth": 4, "dropout": 0}
    generator = build_generator(load_scheme("four"), **settings)
    for layer in generator.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(layer.weight, 0.01, 3)
    recipe = TrainedRecipe.model_validate(
        {"name": "g", "generator": {**settings, "architecture": "pix2pix", "residual_blocks": 0}}
    )
    info = WeightsInfo(recipe, load_scheme("four"), (32, 48), {})
    save_generator(tmp_path / "g.safetensors", generator, info)
    export_to_onnx(tmp_path / "g.safetensors", tmp_path / "g.onnx")
    stored = [
        onnx.numpy_helper.to_array(t) for t in onnx.load(tmp_path / "g.onnx").graph.initializer
    ]
    large = [weights for weights in stored if weights.size >= 1024]
    assert len(large) > 6
    assert {weights.dtype for weights in large} == {np.dtype(np.int8)}


def test_garments_are_exported_too(garment_weights: Path, tmp_path: Path) -> None:
    export_to_onnx(garment_weights, tmp_path / "garments.onnx")
    ours, theirs = (
        Predictor(file, precision="fp32").predict(noise(2)).garments
        for file in (garment_weights, tmp_path / "garments.onnx")
    )
    assert ours is not None
    assert theirs is not None
    assert ours.shape == theirs.shape == (2, 13, 24, 16)
    assert np.abs(ours - theirs).max() < 0.01 * np.abs(ours).max()


@pytest.mark.parametrize(("engine", "kind"), [("onnx", "torch"), ("torch", "onnx")])
def test_an_engine_refuses_the_other_s_file(
    engine: Engine, kind: str, small_weights: Path, small_onnx: Path
) -> None:
    file = small_weights if kind == "torch" else small_onnx
    with pytest.raises(WeightsError, match=f"is for the engine {kind}"):
        Predictor(file, engine=engine)


def test_what_is_no_onnx_file_is_refused(tmp_path: Path, small_onnx: Path) -> None:
    cut = tmp_path / "cut.onnx"
    cut.write_bytes(small_onnx.read_bytes()[:1000])
    for file, message in ((cut, "not a whole ONNX file"), (tmp_path / "no.onnx", "no weights")):
        with pytest.raises(WeightsError, match=message):
            Predictor(file)


def test_a_file_that_takes_something_else_is_refused(tmp_path: Path, small_onnx: Path) -> None:
    model = onnx.load(small_onnx)
    model.graph.input[0].name = "pictures"
    for node in model.graph.node:
        node.input[:] = ["pictures" if name == "photos" else name for name in node.input]
    onnx.save(model, tmp_path / "other.onnx")
    with pytest.raises(WeightsError, match="takes pictures, not photos; export"):
        Predictor(tmp_path / "other.onnx").predict(noise(1))


def test_a_device_that_is_not_there_is_named(small_onnx: Path) -> None:
    with pytest.raises(Pix2SegError, match="no device 'warp' here"):
        Predictor(small_onnx, device="warp")


@pytest.mark.filterwarnings("ignore:Specified provider")
def test_a_device_that_does_not_start_is_named_or_the_cpu_is(
    small_onnx: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    built = ["CUDAExecutionProvider", "CPUExecutionProvider"]
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: built)
    assert Predictor(small_onnx).network.device == "cpu"
    with pytest.raises(Pix2SegError, match="cannot use 'cuda:1' here"):
        Predictor(small_onnx, device="cuda:1")
