import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pix2seg import Segmenter
from pix2seg.errors import PersonError, Pix2SegError, WeightsError
from pix2seg.preprocess.person.mask_rcnn.extractor import MaskRCNN


@pytest.fixture(scope="module")
def segmenter(small_weights: Path, small_mask_rcnn: Path) -> Segmenter:
    return Segmenter(small_weights, device="cpu", person_options={"weights": small_mask_rcnn})


def test_a_saved_segmenter_comes_back(
    segmenter: Segmenter, tmp_path: Path, photos: list[Path]
) -> None:
    segmenter.save_pretrained(tmp_path)
    names = {"config.json", "model.safetensors", "person.safetensors"}
    assert {file.name for file in tmp_path.iterdir()} == names
    again = Segmenter.from_pretrained(tmp_path, device="cpu")
    ours, theirs = segmenter(photos[0]), again(photos[0])
    assert np.array_equal(ours.map, theirs.map)
    assert ours.model == theirs.model
    assert Segmenter.from_pretrained(tmp_path, person="none").extractor.version == "none"


def test_an_extractor_without_weights_is_saved_by_name(small_weights: Path, tmp_path: Path) -> None:
    Segmenter(small_weights, person="grabcut", device="cpu").save_pretrained(tmp_path)
    assert Segmenter.from_pretrained(tmp_path).extractor.version.startswith("grabcut")


def test_what_was_asked_of_a_segmenter_comes_back_with_it(
    small_weights: Path, small_mask_rcnn: Path, tmp_path: Path
) -> None:
    options = {"weights": small_mask_rcnn, "box": (1, 2, 30, 40)}
    asked = {"hide": True, "margin": 0.0, "softness": 0.5, "join": 0.0, "flip": True}
    Segmenter(small_weights, person_options=options, **asked).save_pretrained(tmp_path)
    again = Segmenter.from_pretrained(tmp_path, person=None, flip=False)
    assert {name: getattr(again, name) for name in asked} == asked | {"flip": False}
    assert isinstance(again.extractor, MaskRCNN)
    assert again.extractor.detector.weights == tmp_path / "person.safetensors"
    assert (again.extractor.everyone, again.extractor.box) == (False, (1, 2, 30, 40))
    other = Segmenter.from_pretrained(tmp_path, person_options={"everyone": True})
    assert isinstance(other.extractor, MaskRCNN)
    assert (other.extractor.everyone, other.extractor.box) == (True, None)
    other.save_pretrained(tmp_path / "everyone")
    again = Segmenter.from_pretrained(tmp_path / "everyone", weights=small_weights)
    assert isinstance(again.extractor, MaskRCNN)
    assert again.extractor.everyone
    assert again.generator.weights == small_weights
    box = {"box": (1, 2, 30, 40)}
    boxed = Segmenter.from_pretrained(tmp_path / "everyone", person_options=box)
    assert isinstance(boxed.extractor, MaskRCNN)
    assert not boxed.extractor.everyone


def test_a_folder_that_says_nothing_of_options_is_loaded(
    segmenter: Segmenter, tmp_path: Path
) -> None:
    segmenter.save_pretrained(tmp_path)
    config = tmp_path / "config.json"
    said = json.loads(config.read_text())
    for name in ("hide", "margin", "softness", "join", "flip", "everyone", "box"):
        del said[name]
    config.write_text(json.dumps(said))
    again = Segmenter.from_pretrained(tmp_path)
    assert (again.join, again.hide) == (segmenter.join, segmenter.hide)


@pytest.mark.parametrize("version", ["mine 1", "grabcut of mine 1"])
def test_an_extractor_of_one_s_own_is_refused(
    small_weights: Path, tmp_path: Path, version: str
) -> None:
    class Mine:
        def __init__(self) -> None:
            self.version = version

        def find(self, pixels: Any) -> Any:
            raise NotImplementedError

    with pytest.raises(PersonError, match=f"{version} cannot be saved"):
        Segmenter(small_weights, person=Mine()).save_pretrained(tmp_path)


@pytest.mark.parametrize(
    "config",
    [
        "{",
        "[]",
        '{"format": "other"}',
        '{"format": "pix2seg.config/1", "colour": 1}',
        '{"format": "pix2seg.config/1", "generator": "x", "person": "none", '
        '"person_weights": null, "id2label": {}, "image_size": [64, 96], "join": -1}',
        '{"format": "pix2seg.config/1", "generator": "../x", "person": "none", '
        '"person_weights": null, "id2label": {}, "image_size": [64, 96]}',
    ],
)
def test_what_is_no_segmenter_s_folder_is_refused(tmp_path: Path, config: str) -> None:
    (tmp_path / "config.json").write_text(config)
    with pytest.raises(WeightsError, match=str(tmp_path)):
        Segmenter.from_pretrained(tmp_path)


def test_the_hub_is_asked_for_what_is_no_folder(
    segmenter: Segmenter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    segmenter.save_pretrained(tmp_path)
    asked: list[tuple[str, Any]] = []

    def download(name: str, **options: Any) -> str:
        asked.append((name, options["revision"]))
        if name == "nobody/nothing":
            raise OSError("404 Client Error\nmore")
        return str(tmp_path)

    monkeypatch.setattr("huggingface_hub.snapshot_download", download)
    assert Segmenter.from_pretrained("some/one", revision="v1", device="cpu").device == "cpu"
    with pytest.raises(Pix2SegError, match=r"no such repository \(404 Client Error\)$"):
        Segmenter.from_pretrained("nobody/nothing")
    assert asked == [("some/one", "v1"), ("nobody/nothing", None)]


def test_push_uploads_the_folder_with_a_card(
    segmenter: Segmenter, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: dict[str, Any] = {}

    class Api:
        def __init__(self, token: str | None) -> None:
            calls["token"] = token

        def create_repo(self, name: str, **options: Any) -> None:
            calls["created"] = name, options

        def upload_folder(self, repo_id: str, folder_path: str) -> str:
            calls["files"] = {file.name for file in Path(folder_path).iterdir()}
            return f"https://hub/{repo_id}"

    monkeypatch.setattr("huggingface_hub.HfApi", Api)
    assert segmenter.push_to_hub("some/one", private=True, token="t") == "https://hub/some/one"
    assert calls["token"] == "t"
    assert calls["created"] == ("some/one", {"exist_ok": True, "private": True})
    assert calls["files"] == {
        "config.json", "model.safetensors", "person.safetensors", "README.md",
    }  # fmt: skip
