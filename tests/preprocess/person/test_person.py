import hashlib
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.error import URLError

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pix2seg import Segmenter
from pix2seg.errors import PersonError, WeightsError
from pix2seg.photo import read_photo
from pix2seg.preprocess.background import GREY, hide_background, soften, widen
from pix2seg.preprocess.dataset.folder import read_mask
from pix2seg.preprocess.person import Box, Person, load_extractor
from pix2seg.preprocess.person.base import (
    box_around,
    choose,
    overlap,
    part_around,
    without_strays,
)
from pix2seg.preprocess.person.mask_rcnn.detector import (
    PERSON_LABEL,
    STRIDE,
    Detector,
    shrunk_size,
)
from pix2seg.preprocess.person.mask_rcnn.extractor import find_person
from pix2seg.preprocess.person.mask_rcnn.info import PersonInfo
from pix2seg.preprocess.person.mask_rcnn.network import build_network
from pix2seg.preprocess.person.mask_rcnn.weights import load_network, save_network
from pix2seg.segmenter import load_person
from pix2seg.tensor_file import transposed_weights
from pix2seg.torchvision_weights import read_torchvision_weights
from pix2seg.train.judge.people import PersonScore


def test_unknown_extractors_and_options_are_named() -> None:
    with pytest.raises(PersonError, match="no person extractor 'yolo'; take one of"):
        load_extractor("yolo")
    with pytest.raises(PersonError, match="'none' has no option box"):
        load_extractor("none", box=(0, 0, 1, 1))
    assert load_extractor("none", device="cpu").version == "none"


def test_whole_photo_is_the_person() -> None:
    person = load_extractor("none").find(np.zeros((3, 5, 3), np.uint8))
    assert person.mask.all()
    assert person.box == (0, 0, 5, 3)


def test_grabcut_parts_a_figure_from_its_background() -> None:
    pixels = np.full((200, 120, 3), (90, 160, 220), np.uint8)
    pixels[30:190, 40:80] = (150, 30, 40)
    noise = np.random.default_rng(0).integers(-8, 8, pixels.shape)
    pixels = np.clip(pixels + noise, 0, 255).astype(np.uint8)
    extractor = load_extractor("grabcut")
    person = extractor.find(pixels)
    truth = np.zeros((200, 120), bool)
    truth[30:190, 40:80] = True
    assert (person.mask & truth).sum() / (person.mask | truth).sum() > 0.95
    assert np.array_equal(extractor.find(pixels).mask, person.mask)


@pytest.mark.parametrize("name", ["none", "grabcut"])
@pytest.mark.parametrize("size", [(1, 1), (20, 30), (1600, 100)])
def test_any_size_is_taken(name: str, size: tuple[int, int]) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    assert load_extractor(name).find(pixels).mask.shape == (size[1], size[0])


def test_boxes() -> None:
    mask = np.zeros((10, 20), bool)
    assert box_around(mask) == (0, 0, 0, 0)
    assert not Person.from_mask(mask, 0.9).found
    mask[2:5, 3:9] = True
    assert box_around(mask) == (3, 2, 9, 5)
    assert overlap((0, 0, 2, 2), (1, 0, 3, 2)) == pytest.approx(1 / 3)
    assert overlap((0, 0, 2, 2), (2, 0, 3, 2)) == 0


def test_part_to_look_at_holds_all_that_is_to_be_seen() -> None:
    seen = np.zeros((40, 30), bool)
    assert part_around(seen, (2, 3)) == (slice(0, 40), slice(0, 30))
    seen[10:20, 4:8] = True
    part = part_around(seen, (2, 3))
    assert np.count_nonzero(seen[part]) == 40
    assert seen[part].size < seen.size / 4


def person_at(*boxes: Box) -> Person:
    mask = np.zeros((100, 100), bool)
    for x0, y0, x1, y1 in boxes:
        mask[y0:y1, x0:x1] = True
    return Person.from_mask(mask, 0.9)


class FoundBefore:
    """A network that finds people side by side, with scores that are told it."""

    def __init__(self, *scores: float) -> None:
        self.scores = np.array(scores, np.float32)

    def run(self, photo: np.ndarray) -> dict[str, np.ndarray]:
        masks = np.zeros((len(self.scores), 1, 40, 60), np.float32)
        for i, mask in enumerate(masks):
            mask[0, 5:35, 10 * i : 10 * i + 8] = 1
        labels = np.full(len(masks), PERSON_LABEL)
        boxes = np.zeros((len(masks), 4), np.float32)
        return {"boxes": boxes, "labels": labels, "scores": self.scores, "masks": masks}


@pytest.mark.parametrize(
    ("scores", "count"),
    [((0.9, 0.5, 0.3), 2), ((0.3, 0.25), 1), ((0.1,), 0), ((), 0)],
)
def test_the_surest_person_may_be_less_sure_than_others(scores: list[float], count: int) -> None:
    detector = Detector(FoundBefore(*scores), PersonInfo("as told", None))
    pixels = np.zeros((40, 60, 3), np.uint8)
    everyone = find_person(detector, pixels, everyone=True)
    assert sorted(m.box[0] for m in everyone.members) == [10 * i for i in range(count)]
    assert find_person(detector, pixels).found == (count > 0)


def test_main_person_is_large_and_central() -> None:
    centre, corner = person_at((40, 10, 60, 90)), person_at((80, 10, 100, 90))
    large = person_at((60, 10, 100, 100))
    assert choose([corner, centre], (100, 100, 3)) is centre
    assert choose([large, centre], (100, 100, 3)) is large
    unsure = Person(large.mask, large.box, 0.7)
    assert choose([unsure, centre], (100, 100, 3)) is centre
    assert choose([unsure], (100, 100, 3)) is unsure
    assert not choose([], (100, 100, 3)).found
    assert not choose([person_at()], (100, 100, 3)).found


def test_everyone_and_the_person_in_a_box() -> None:
    centre, corner = person_at((40, 10, 60, 90)), person_at((80, 10, 100, 90))
    both = choose([corner, centre], (100, 100), everyone=True)
    assert np.array_equal(both.mask, corner.mask | centre.mask)
    assert both.box == (40, 10, 100, 90)
    assert both.members == (centre, corner)  # the most prominent first
    assert np.array_equal(both.probability, both.mask.astype(np.float32))
    assert choose([corner, centre], (100, 100), box=(75, 20, 100, 80)) is corner
    with pytest.raises(PersonError, match="nobody is found in the person box"):
        choose([corner, centre], (100, 100), box=(0, 0, 30, 30))


def test_who_only_touches_the_box_is_not_meant() -> None:
    mask = np.zeros((300, 300), bool)
    mask[:, 100:200] = True
    somebody = Person.from_mask(mask, 0.9)
    with pytest.raises(PersonError, match="nobody is found in the person box"):
        choose([somebody], mask.shape, box=(0, 0, 105, 300))
    for box in ((0, 0, 140, 300), (140, 100, 150, 120), (0, 0, 300, 300)):
        assert choose([somebody], mask.shape, box=box) is somebody


def test_among_everyone_each_is_once() -> None:
    def upright(left: int, right: int, score: float) -> Person:
        mask = np.zeros((20, 60), bool)
        mask[:, left:right] = True
        return Person.from_mask(mask, score)

    left, right = upright(0, 20, 0.8), upright(30, 50, 0.7)
    left_again, both = upright(2, 22, 0.6), upright(0, 52, 0.9)
    everyone = choose([both, left_again, right, left], (20, 60), everyone=True)
    assert [member.score for member in everyone.members] == [0.7, 0.8]
    assert everyone.mask[:, :52].all()  # what is seen of anybody stays
    assert choose([left, right], (20, 60), everyone=True).members == (right, left)


@given(st.integers(0, 10_000), st.floats(0, 0.3))
def test_a_person_s_part_holds_the_mask_with_its_margin(seed: int, margin: float) -> None:
    rng = np.random.default_rng(seed)
    height, width = rng.integers(1, 60, 2)
    mask = cv2.resize(rng.random((4, 4)), (int(width), int(height))) > rng.uniform(0.1, 1.1)
    person = Person.from_mask(mask, 1.0)
    assert person.part((20, 30), margin) == part_around(person.visible(margin), (20, 30))


def test_a_person_s_probability_is_enlarged_with_its_members() -> None:
    certainty = np.zeros((10, 10), np.float32)
    certainty[2:8, 3:6] = 0.9
    certainty[2:8, 6] = 0.2
    soft = Person.from_probability(certainty, 0.8)
    assert soft.box == (3, 2, 6, 8)
    hard = Person.from_mask(certainty == np.float32(0.2), 0.7)
    both = choose([hard, soft], (10, 10), everyone=True).resized(40, 20)
    assert both.mask.shape == both.probability.shape == (20, 40)
    assert both.box == (12, 4, 28, 16)
    assert [member.box for member in both.members] == [(12, 4, 24, 16), (24, 4, 28, 16)]
    assert both.probability[10, 26] > 0.8
    assert both.members[0].probability[10, 26] == pytest.approx(0.2, abs=0.05)
    assert not Person.nobody((10, 10)).resized(4, 5).found
    speck = Person.from_mask(np.eye(10, dtype=bool) & (np.arange(10) == 9), 0.5)
    both = choose([soft, speck], (10, 10), everyone=True).resized(2, 2)
    assert all(member.found for member in both.members)


def test_the_edge_of_what_is_hidden_fades() -> None:
    mask = np.zeros((60, 60), bool)
    mask[10:50, 20:40] = True
    assert np.array_equal(soften(mask, 0), mask)
    assert soften(np.ones((5, 5), bool), 0.1).all()
    shown = soften(mask, 0.1)
    assert shown[30, 30] > 0.99
    assert shown[30, 5] < 0.01
    assert 0.3 < shown[30, 20] < 0.7
    hidden = hide_background(np.full((60, 60, 3), 200, np.uint8), shown, "black")
    assert np.abs(hidden[..., 0] - 200 * shown).max() <= 0.5


def test_a_background_that_is_hardly_seen_anywhere_is_hidden_all_the_same() -> None:
    seen = np.full((4, 4), 0.01, np.float32)
    assert hide_background(np.full((4, 4, 3), 200, np.uint8), seen, "black").max() <= 2
    assert (hide_background(np.full((4, 4, 3), 200, np.uint8), seen > 0, "black") == 200).all()


def test_background_turns_grey_and_the_margin_stays() -> None:
    pixels = np.full((60, 60, 3), 200, np.uint8)
    mask = np.zeros((60, 60), bool)
    mask[10:50, 20:40] = True
    wide = widen(mask, 0.1)
    assert (wide & mask).sum() == mask.sum()
    assert wide[30, 41]
    assert not wide[30, 45]
    grey = hide_background(pixels, wide)
    assert (grey[~wide] == GREY).all()
    assert (grey[wide] == 200).all()
    assert (pixels == 200).all()


def test_blurred_background_has_nothing_of_the_person() -> None:
    pixels = np.zeros((90, 60, 3), np.uint8)
    pixels[:, :30] = (250, 0, 0)
    mask = np.zeros((90, 60), bool)
    mask[20:70, 20:40] = True
    pixels[mask] = (0, 250, 0)
    blurred = hide_background(pixels, mask, "blur")
    assert (blurred[mask] == (0, 250, 0)).all()
    assert blurred[~mask][:, 1].max() == 0
    assert blurred[45, 2, 0] > 200
    assert 20 < blurred[5, 30, 0] < 230


def test_background_takes_a_color_of_ones_own() -> None:
    mask = np.eye(4, dtype=bool)
    hidden = hide_background(np.full((4, 4, 3), 9, np.uint8), mask, (1, 2, 3))
    assert (hidden[~mask] == (1, 2, 3)).all()


def two_figures(pixels: np.ndarray) -> np.ndarray:
    """A generator's pass that sees clothes at 20..60 and, smaller, at 80..95."""
    mask = np.zeros(pixels.shape[:2], np.uint8)
    mask[10:90, 20:60] = 3
    mask[88:90, 30:40] = 1
    mask[30:60, 80:95] = 3
    return mask


def test_cascade_takes_the_first_pass_for_the_people() -> None:
    pixels = np.zeros((100, 100, 3), np.uint8)
    seen = two_figures(pixels) > 0
    main = load_extractor("cascade", segment=two_figures).find(pixels)
    assert main.box == (20, 10, 60, 90)
    everyone = load_extractor("cascade", segment=two_figures, everyone=True).find(pixels)
    assert np.array_equal(everyone.mask, seen)
    other = load_extractor("cascade", segment=two_figures, box=(75, 20, 99, 70)).find(pixels)
    assert other.box == (80, 30, 95, 60)
    nobody = load_extractor("cascade", segment=lambda p: np.zeros(p.shape[:2], np.uint8))
    assert not nobody.find(pixels).found
    with pytest.raises(PersonError, match="needs a generator"):
        load_extractor("cascade")


def test_first_pass_of_other_weights_runs_where_it_is_told(small_weights: Path) -> None:
    meta = load_person("cascade", engine="torch", device="meta", weights=small_weights)
    with pytest.raises(RuntimeError, match="meta"):  # a device that computes nothing
        meta.find(np.zeros((96, 64, 3), np.uint8))


def test_cascade_in_the_segmenter_runs_the_generator_twice(
    small_weights: Path, photos: list[Path]
) -> None:
    segmenter = Segmenter(small_weights, person="cascade", device="cpu")
    result = segmenter(photos[0])
    first = Segmenter(small_weights, person="none", device="cpu")(photos[0])
    found = segmenter.extractor.find(result.photo.pixels)
    assert np.array_equal(found.mask, result.person.mask)
    assert not (found.mask & ~first.person.mask).any()


def test_another_generator_makes_the_first_pass(
    small_weights: Path, photos: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    devices = []

    def spy(weights: Path, **options: Any) -> Segmenter:
        devices.append(options["device"])
        return Segmenter(weights, person="none", **options)

    first = Segmenter(small_weights, person="none")(photos[0])
    monkeypatch.setattr("pix2seg.segmenter.Segmenter", spy)
    extractor = load_person("cascade", device="cpu", weights=small_weights)
    assert devices == ["cpu"]
    assert extractor.version.startswith("cascade small ")
    found = extractor.find(first.photo.pixels)
    assert not (found.mask & ~(first.mask > 0)).any()


def test_an_extractor_may_be_given_ready_made(small_weights: Path, photos: list[Path]) -> None:
    ready = load_extractor("grabcut")
    segmenter = Segmenter(small_weights, person=ready)
    assert segmenter.extractor is ready
    assert segmenter(photos[0]).model["person"] == ready.version


def test_mask_rcnn_finds_people_at_any_size(small_mask_rcnn: Path, photos: list[Path]) -> None:
    pixels = read_photo(photos[0]).pixels
    person = load_extractor("mask-rcnn", weights=small_mask_rcnn).find(pixels)
    everyone = load_extractor("mask-rcnn", weights=small_mask_rcnn, everyone=True).find(pixels)
    assert person.found
    assert person.mask.shape == everyone.mask.shape == pixels.shape[:2]
    assert len(everyone.members) > 1
    each = np.logical_or.reduce([member.mask for member in everyone.members])
    assert np.mean(each & ~everyone.mask) < 0.01  # each at the photo's size, and all at it
    x0, y0, x1, y1 = person.box
    boxed = load_extractor("mask-rcnn", weights=small_mask_rcnn, box=person.box).find(pixels)
    assert boxed.box == (x0, y0, x1, y1)
    again = load_extractor("mask-rcnn", weights=small_mask_rcnn).find(pixels)
    assert np.array_equal(again.mask, person.mask)


def test_stored_network_is_the_network_to_half_a_step_in_127(
    tmp_path: Path, small_widths: dict[str, Any]
) -> None:
    torch.manual_seed(1)
    network = build_network(**small_widths)
    recipe = {"name": "small", "network": small_widths, "size": (96, 128)}
    path = tmp_path / "small.safetensors"
    save_network(path, network, recipe, {})
    loaded = load_network(path)[0].state_dict()
    transposed = transposed_weights(network)
    assert transposed
    for name, tensor in network.state_dict().items():
        if tensor.dim() > 1:
            others = [axis for axis in range(tensor.dim()) if axis != (name in transposed)]
            largest = tensor.abs().amax(others, keepdim=True)
            assert ((tensor - loaded[name]).abs() <= 0.501 / 127 * largest + 1e-7).all()
        else:
            assert torch.allclose(tensor, loaded[name], rtol=1e-3)
    assert path.stat().st_size < 1.3 * sum(t.numel() for t in loaded.values()) + 100_000


@pytest.mark.parametrize("size", [(1, 1), (20, 30), (1600, 100), (30, 900)])
def test_mask_rcnn_takes_any_shape(small_mask_rcnn: Path, size: tuple[int, int]) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    extractor = load_extractor("mask-rcnn", weights=small_mask_rcnn)
    assert extractor.find(pixels).mask.shape == (size[1], size[0])


@given(st.integers(1, 5000), st.integers(1, 5000))
def test_photos_are_shrunk_to_about_the_same_area(width: int, height: int) -> None:
    area = 256 * 384
    across, down = shrunk_size(width, height, area)
    assert across % STRIDE == down % STRIDE == 0
    assert 0.8 < across * down / area < 1.25
    assert shrunk_size(height, width, area) == (down, across)


def test_mask_rcnn_in_the_box_finds_the_person(photos: list[Path]) -> None:
    extractor = load_extractor("mask-rcnn", device="cpu")
    for photo in photos:
        person = extractor.find(read_photo(photo).pixels)
        score = PersonScore.of(
            person.mask, person.visible(), read_mask(photo.with_suffix(".png")) > 0
        )
        assert score.iou > 0.8
        assert score.kept_with_margin > 0.95
    wall = np.full((300, 200, 3), (180, 170, 160), np.uint8)
    assert not extractor.find(wall).found


def test_coco_weights_are_torchvision_s(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, photos: list[Path]
) -> None:
    from torchvision.models.detection import MaskRCNN_ResNet50_FPN_Weights, maskrcnn_resnet50_fpn

    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    url = MaskRCNN_ResNet50_FPN_Weights.COCO_V1.url
    file = tmp_path / "hub" / "checkpoints" / url.rpartition("/")[2]
    file.parent.mkdir(parents=True)
    network = maskrcnn_resnet50_fpn(weights=None, weights_backbone=None)
    torch.save(network.state_dict(), file)
    with pytest.raises(WeightsError, match="its hash differs; remove it"):
        load_extractor("mask-rcnn", weights="coco", device="cpu")
    file = hashed(file)
    monkeypatch.setattr(
        MaskRCNN_ResNet50_FPN_Weights.COCO_V1.value, "url", f"https://x/{file.name}"
    )
    extractor: Any = load_extractor("mask-rcnn", weights="coco", device="cpu")
    loaded = extractor.detector.network.module.network.state_dict()
    saved = network.state_dict()
    assert loaded
    assert all(torch.equal(tensor, saved[name]) for name, tensor in loaded.items())
    assert extractor.version == "mask-rcnn coco"
    small = read_photo(photos[0]).pixels[::8, ::8]
    assert extractor.find(small).mask.shape == small.shape[:2]


def test_strays_are_no_part_of_a_person_and_a_cut_off_hand_is() -> None:
    probability = np.full((100, 100), 0.1, np.float32)
    probability[10:70, 10:70] = 0.9
    probability[30:38, 80:88] = 0.8  # a hand
    expected = probability >= 0.5
    probability[90:94, 90:94] = 0.7
    cleaned = without_strays(probability)
    assert np.array_equal(cleaned >= 0.5, expected)
    assert np.array_equal(cleaned[expected], probability[expected])
    assert Person.from_probability(cleaned, 1.0).visible(0.1)[92, 92] == np.False_
    alone = np.where(expected, np.float32(0.1), probability)
    assert np.array_equal(without_strays(alone), alone)


def hashed(file: Path) -> Path:
    """The file under a name that tells its hash, as torchvision's do."""
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    return file.rename(file.with_name(f"weights-{digest[:8]}.pth"))


def test_code_in_downloaded_weights_is_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Trap:
        def __reduce__(self) -> tuple[Any, ...]:
            return Path.touch, (tmp_path / "sprung",)

    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    file = tmp_path / "hub" / "checkpoints" / "trap.pth"
    file.parent.mkdir(parents=True)
    torch.save({"a": Trap()}, file)
    with pytest.raises(WeightsError, match="holds more than tensors"):
        read_torchvision_weights(f"https://x/{hashed(file).name}")
    assert not (tmp_path / "sprung").exists()


def test_coco_weights_that_cannot_be_had_say_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def offline(*_: object, **__: object) -> None:
        raise URLError("no network")

    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr("urllib.request.urlopen", offline)
    monkeypatch.setattr("torch.hub.urlopen", offline)
    with pytest.raises(WeightsError, match=r"cannot get torchvision's weights.*download that"):
        load_extractor("mask-rcnn", weights="coco")


def test_missing_detectron2_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "detectron2", None)
    with pytest.raises(PersonError, match="pip install --no-build-isolation"):
        load_extractor("detectron2")


def test_detectron2_is_to_be_trusted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    trap = SimpleNamespace(get_cfg=lambda: pytest.fail("it was run"), DefaultPredictor=None)
    for name in ("detectron2", "detectron2.config", "detectron2.engine"):
        monkeypatch.setitem(sys.modules, name, trap)
    trap.model_zoo = None
    with pytest.raises(PersonError, match=r"add --trust if you trust x\.pkl and x\.yaml"):
        load_extractor("detectron2", weights="x.pkl", config="x.yaml")


@pytest.fixture(scope="module")
def small_detectron2(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A tiny Mask R-CNN whose untrained classifier calls every proposal a person."""
    pytest.importorskip("detectron2")
    from detectron2 import model_zoo
    from detectron2.config import get_cfg
    from detectron2.modeling import build_model

    from pix2seg.preprocess.person.detectron2 import ZOO_CONFIG

    settings = get_cfg()
    settings.merge_from_file(model_zoo.get_config_file(ZOO_CONFIG))
    settings.MODEL.DEVICE = "cpu"
    settings.MODEL.RESNETS.DEPTH = 18
    settings.MODEL.RESNETS.RES2_OUT_CHANNELS = 64
    settings.MODEL.FPN.OUT_CHANNELS = 16
    settings.MODEL.ROI_BOX_HEAD.FC_DIM = 16
    settings.MODEL.ROI_MASK_HEAD.CONV_DIM = 16
    settings.INPUT.MIN_SIZE_TEST = 128
    torch.manual_seed(0)
    model = build_model(settings)
    torch.nn.init.constant_(model.roi_heads.box_predictor.cls_score.bias, 0.0)
    with torch.no_grad():
        model.roi_heads.box_predictor.cls_score.bias[0] = 9.0
        model.roi_heads.mask_head.predictor.bias += 2.0
    folder = tmp_path_factory.mktemp("detectron2")
    weights, config = folder / "small.pth", folder / "small.yaml"
    torch.save({"model": model.state_dict()}, weights)
    config.write_text(settings.dump())
    return {"config": str(config), "weights": str(weights), "trust": True}


def test_detectron2_finds_the_main_of_several_people(
    small_detectron2: dict[str, Any], photos: list[Path]
) -> None:
    extractor: Any = load_extractor("detectron2", device="cpu", **small_detectron2)
    pixels = read_photo(photos[0]).pixels
    raw = extractor.predictor(np.ascontiguousarray(pixels[..., ::-1]))["instances"]
    assert len(raw) > 1
    assert (raw.scores > 0.5).all()
    masks = raw.pred_masks.numpy().astype(bool)
    person = extractor.find(pixels)
    assert person.found
    assert any(np.array_equal(person.mask, mask) for mask in masks)
    assert person.score == pytest.approx(1, abs=0.1)
    assert extractor.version.endswith("small")
    assert next(extractor.predictor.model.parameters()).device.type == "cpu"


def test_detectron2_keeps_everyone_or_the_person_in_a_box(
    small_detectron2: dict[str, Any], photos: list[Path]
) -> None:
    pixels = read_photo(photos[0]).pixels
    everyone: Any = load_extractor("detectron2", everyone=True, **small_detectron2)
    raw = everyone.predictor(np.ascontiguousarray(pixels[..., ::-1]))["instances"]
    masks = raw.pred_masks.numpy().astype(bool)
    assert np.array_equal(everyone.find(pixels).mask, masks.any(axis=0))
    smallest = min((m for m in masks if m.any()), key=np.count_nonzero)
    box = box_around(smallest)
    chosen = load_extractor("detectron2", box=box, **small_detectron2).find(pixels)
    assert overlap(chosen.box, box) == 1


def test_detectron2_drops_other_classes_and_unsure_ones(
    small_detectron2: dict[str, Any], tmp_path: Path, photos: list[Path]
) -> None:
    state = torch.load(small_detectron2["weights"], weights_only=True)
    bias = "roi_heads.box_predictor.cls_score.bias"
    pixels = read_photo(photos[0]).pixels
    for values in ({0: 0.0, 5: 9.0}, {0: 0.0}):
        state["model"][bias][:] = 0.0
        for index, value in values.items():
            state["model"][bias][index] = value
        path = tmp_path / f"{len(values)}.pth"
        torch.save(state, path)
        options = {**small_detectron2, "weights": str(path)}
        assert not load_extractor("detectron2", **options).find(pixels).found


def test_detectron2_names_a_configuration_it_lacks(small_detectron2: dict[str, Any]) -> None:
    with pytest.raises(PersonError, match=r"cannot load nowhere\.yaml"):
        load_extractor("detectron2", config="nowhere.yaml", trust=True)


def test_segmenter_greys_what_detectron2_does_not_find(
    small_detectron2: dict[str, Any], small_weights: Path, photos: list[Path]
) -> None:
    segmenter = Segmenter(
        small_weights, person="detectron2", device="cpu", person_options=small_detectron2
    )
    result = segmenter(photos[0])
    assert result.person.found
    assert result.colors().document()["model"]["person"] == segmenter.extractor.version


def test_a_box_outside_the_photo_is_refused() -> None:
    person = Person.from_mask(np.ones((20, 10), bool), 0.9)
    assert choose([person], (20, 10), box=(5, 5, 30, 30)) is person
    for outside in ((10, 0, 20, 20), (50, 60, 70, 80)):
        with pytest.raises(PersonError, match="outside the photo"):
            choose([person], (20, 10), box=outside)
        with pytest.raises(PersonError, match="outside the photo"):
            load_extractor("grabcut", box=outside).find(np.zeros((20, 10, 3), np.uint8))
