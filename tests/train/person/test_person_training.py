import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from rich.console import Console
from typer.testing import CliRunner

from pix2seg.cli import app
from pix2seg.efficientnet_lite import read_imagenet_weights
from pix2seg.errors import DatasetError, TrainingError, WeightsError
from pix2seg.preprocess.dataset.dataset import Dataset
from pix2seg.preprocess.dataset.folder import read_mask
from pix2seg.preprocess.dataset.split import split_of
from pix2seg.preprocess.person import load_extractor
from pix2seg.preprocess.person.mask_rcnn.weights import load_network
from pix2seg.train.judge.people import PersonScore, summarise
from pix2seg.train.person.compose import LEAST_HEIGHT, Composer, targets_of
from pix2seg.train.person.photos import PersonPhoto, main_person, read_person_photos
from pix2seg.train.person.task import PersonTask
from pix2seg.train.recipe import MixtureSettings, PersonRecipe, parse_recipe, read_recipe
from pix2seg.train.run.trainer import Trainer, Validation

SMALL = (
    "network.encoder=efficientnet_lite0",
    "network.pyramid=8",
    "network.box_head=8",
    "network.mask_head=8",
    "network.mask_layers=1",
    "size=64x96",
    "schedule.batch_size=2",
    "schedule.epochs=1",
)
FAST = "optimizer.learning_rate=5e-3"
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def coco(tmp_path_factory: pytest.TempPathFactory, photos: list[Path]) -> Path:
    """Real photos as a COCO folder: each with its person and a second, square one."""
    root = tmp_path_factory.mktemp("coco")
    (root / "photos").mkdir()
    images, annotations = [], []
    names = {"train": 4, "val": 2}
    for i in range(1000):
        name = f"photo{i}"
        if not names.get(split_of(name)):
            continue
        names[split_of(name)] -= 1
        source = photos[i % len(photos)]
        with Image.open(source) as image:
            small = image.reduce(3)
        small.save(root / "photos" / f"{name}.jpg")
        mask = read_mask(source.with_suffix(".png"))[1::3, 1::3] > 0
        rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
        x0, y0, x1, y1 = (int(v) for v in (columns[0], rows[0], columns[-1], rows[-1]))
        images.append({"id": i, "file_name": f"{name}.jpg"})
        for box in ((x0, y0, x1, y1), (0, 0, 12, 12)):
            outline = [box[0], box[1], box[2], box[1], box[2], box[3], box[0], box[3]]
            annotations.append(
                {
                    "id": len(annotations),
                    "image_id": i,
                    "category_id": 1,
                    "iscrowd": 0,
                    "area": (box[2] - box[0]) * (box[3] - box[1]),
                    "segmentation": [outline],
                }
            )
    categories = [{"id": 1, "name": "person"}, {"id": 2, "name": "bicycle"}]
    text = json.dumps({"images": images, "annotations": annotations, "categories": categories})
    (root / "instances.json").write_text(text)
    return root


def small_recipe(*overrides: str) -> PersonRecipe:
    recipe = parse_recipe(read_recipe("person-mask-rcnn", (*SMALL, *overrides)))
    assert isinstance(recipe, PersonRecipe)
    return recipe


def train(coco: Path, run: Path, *overrides: str, resume: bool = False) -> Path:
    recipe = small_recipe(*overrides)
    task = PersonTask(recipe, [coco], CPU)
    return Trainer(task, recipe, run, Console(quiet=True), resume=resume).train()


def test_coco_is_read_by_split(coco: Path) -> None:
    train_photos = list(read_person_photos(coco, "train"))
    assert len(train_photos) == 4
    assert len(list(read_person_photos(coco, "val"))) == 2
    photo = train_photos[0]
    assert photo.labels.shape == photo.pixels.shape[:2]
    assert set(np.unique(photo.labels)) == {0, 1, 2}
    assert (photo.labels[2:10, 2:10] == 2).all()  # the smaller person is drawn last
    assert np.array_equal(main_person(photo.labels), photo.labels == 1)
    small = next(read_person_photos(coco, "train", longest=50))
    assert max(small.labels.shape) == 50


def test_folder_without_people_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="no person data set"):
        next(read_person_photos(tmp_path, "train"))
    (tmp_path / "x.json").write_text('{"images": []}')
    with pytest.raises(DatasetError, match="no COCO file with persons"):
        next(read_person_photos(tmp_path, "train"))
    (tmp_path / "dataset.json").write_text("{}")
    with pytest.raises(DatasetError, match="is a prepared data set; a person extractor"):
        next(read_person_photos(tmp_path, "train"))


def test_nobody_is_the_main_person_of_an_empty_photo() -> None:
    assert not main_person(np.zeros((4, 5), np.uint8)).any()


@given(st.integers(0, 10_000))
def test_composed_pictures_have_true_targets(seed: int) -> None:
    rng = np.random.default_rng(seed)
    labels = np.zeros((120, 90), np.uint8)
    labels[10 : 20 + LEAST_HEIGHT, 30:60] = 1
    labels[:9, :9] = 2
    pixels = np.full((120, 90, 3), 60, np.uint8)
    photos = [PersonPhoto("a", pixels, labels), PersonPhoto("b", pixels, np.zeros_like(labels))]
    composer = Composer(photos, MixtureSettings(pasted=0.5, nobody=0.1, landscape=0))
    drawn, found = composer.draw(rng, seed % 2, 64, 96)
    assert drawn.shape == (96, 64, 3)
    assert drawn.dtype == found.dtype == np.uint8
    boxes, masks = targets_of(found)
    assert len(boxes) == len(masks)
    for (x0, y0, x1, y1), mask in zip(boxes.astype(int), masks, strict=True):
        assert mask[y0:y1, x0:x1].sum() == mask.sum() > 0
        assert x1 - x0 >= 4


def test_pasted_persons_come_far_and_near() -> None:
    labels = np.zeros((200, 120), np.uint8)
    labels[20:180, 40:80] = 1
    photo = PersonPhoto("a", np.full((200, 120, 3), 60, np.uint8), labels)
    composer = Composer([photo], MixtureSettings(pasted=1, nobody=0, landscape=0))
    heights = []
    for seed in range(60):
        _, found = composer.draw(np.random.default_rng(seed), 0, 128, 192)
        heights += [y1 - y0 for _, y0, _, y1 in targets_of(found)[0]]
    far = [h for h in heights if h < 0.25 * 192]
    assert 0.1 < len(far) / len(heights) < 0.5
    assert max(heights) > 0.6 * 192


def test_training_writes_weights_that_the_extractor_loads(coco: Path, tmp_path: Path) -> None:
    weights = train(coco, tmp_path)
    extractor = load_extractor("mask-rcnn", weights=str(weights), device="cpu")
    assert extractor.version.startswith("person-mask-rcnn ")
    photo = next(read_person_photos(coco, "val"))
    assert extractor.find(photo.pixels).mask.shape == photo.labels.shape
    last = json.loads((tmp_path / "metrics.jsonl").read_text().splitlines()[-1])
    assert {"val/iou", "val/kept", "val/missed", "epoch_loss/mask"} <= set(last)


def test_training_starts_from_weights(coco: Path, tmp_path: Path) -> None:
    weights = train(coco, tmp_path)
    task = PersonTask(small_recipe(), [coco], CPU, init=weights)
    saved = load_network(weights)[0].state_dict()
    assert all(torch.equal(tensor, saved[n]) for n, tensor in task.ema.state_dict().items())
    with pytest.raises(TrainingError, match="other widths"):
        PersonTask(small_recipe("network.pyramid=16"), [coco], CPU, init=weights)


def test_encoder_begins_with_imagenet_and_keeps_its_finest_stages(coco: Path) -> None:
    wide = small_recipe("network.encoder=efficientnet_lite2")
    task = PersonTask(wide, [coco], CPU, init="imagenet")
    encoder = task.network.backbone.body
    taught = read_imagenet_weights("efficientnet_lite2")
    before = encoder.state_dict()
    assert all(torch.equal(tensor, before[name]) for name, tensor in taught.items())
    task.step(next(task.batches(0)), 1)
    now = encoder.state_dict()
    changed = {name for name, tensor in taught.items() if not torch.equal(tensor, now[name])}
    assert "stages.2.0.body.0.weight" in changed
    assert not any(name.startswith(("stem.", "stages.0.", "stages.1.")) for name in changed)
    assert not any(name.endswith(("running_mean", "running_var")) for name in changed)


def metrics(run: Path) -> list[dict[str, float]]:
    """All lines of metrics.jsonl but the wall-clock time."""
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    return [{k: v for k, v in line.items() if k != "seconds"} for line in lines]


@pytest.mark.parametrize("split", ["train", "val"])
def test_too_few_photos_are_refused(coco: Path, tmp_path: Path, split: str) -> None:
    shutil.copytree(coco, tmp_path / "few")
    (file,) = (tmp_path / "few").glob("*.json")
    facts = json.loads(file.read_text())
    facts["images"] = [i for i in facts["images"] if split_of(Path(i["file_name"]).stem) != split]
    left = {image["id"] for image in facts["images"]}
    facts["annotations"] = [a for a in facts["annotations"] if a["image_id"] in left]
    file.write_text(json.dumps(facts))
    with pytest.raises(DatasetError, match="give more photos"):
        PersonTask(small_recipe(), [tmp_path / "few"], CPU)


def test_losses_fall(coco: Path, tmp_path: Path) -> None:
    train(coco, tmp_path, "schedule.epochs=8", "schedule.warmup_steps=0", FAST)
    losses = [line["epoch_loss/classifier"] for line in metrics(tmp_path) if "epoch" in line]
    assert losses[-1] < 0.8 * losses[0]


def test_resumed_run_has_the_losses_and_weights_of_an_unbroken_one(
    coco: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unbroken, broken = tmp_path / "unbroken", tmp_path / "broken"
    epochs = ("schedule.epochs=3", FAST)
    train(coco, unbroken, *epochs)
    validate, validated = PersonTask.validate, []

    def break_off(task: PersonTask) -> Validation:
        validated.append(task)
        if len(validated) == 2:  # after the second epoch, before it is saved
            raise KeyboardInterrupt
        return validate(task)

    monkeypatch.setattr(PersonTask, "validate", break_off)
    with pytest.raises(KeyboardInterrupt):
        train(coco, broken, *epochs)
    monkeypatch.undo()
    assert len(metrics(broken)) < len(metrics(unbroken))
    train(coco, broken, *epochs, resume=True)
    assert metrics(broken) == metrics(unbroken)
    states = [torch.load(run / "last.pt", weights_only=True) for run in (broken, unbroken)]
    ours, theirs = (state["networks"]["ema"] for state in states)
    assert all(torch.equal(tensor, ours[name]) for name, tensor in theirs.items())
    other = tmp_path / "other"
    shutil.copytree(coco, other)
    (file,) = other.glob("*.json")
    facts = json.loads(file.read_text())
    facts["annotations"].pop()  # one photo shows one person less
    file.write_text(json.dumps(facts))
    with pytest.raises(TrainingError, match="begun with other data"):
        train(other, broken, *epochs, resume=True)


def test_other_files_are_no_person_weights(small_weights: Path, tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="holds no person extractor"):
        load_extractor("mask-rcnn", weights=str(small_weights))
    with pytest.raises(WeightsError, match="no weights file"):
        load_extractor("mask-rcnn", weights=str(tmp_path / "none.safetensors"))
    (tmp_path / "x.safetensors").write_bytes(b"half")
    with pytest.raises(WeightsError, match="not a whole safetensors file"):
        load_extractor("mask-rcnn", weights=str(tmp_path / "x.safetensors"))


def test_scores_of_person_masks() -> None:
    truth = np.zeros((10, 10), bool)
    truth[:, :5] = True
    half, nothing = truth.copy(), np.zeros_like(truth)
    half[5:] = False
    assert PersonScore.of(half, truth, truth) == (0.5, 0.5, 1.0)
    assert PersonScore.of(nothing, nothing, nothing) == (1.0, 1.0, 1.0)
    assert PersonScore.of(half, half, nothing).iou == 0
    scores = [PersonScore.of(truth, truth, truth), PersonScore.of(nothing, nothing, truth)]
    facts = summarise(scores)
    assert {facts[name] for name in ("iou", "kept", "kept_with_margin")} == {0.5}
    assert facts["missed"] == facts["not_found"] == 1


def test_ablation_judges_extractors_and_margins(
    coco: Path, small_dataset: Dataset, small_weights: Path, small_mask_rcnn: Path, tmp_path: Path
) -> None:
    out = tmp_path / "tables.md"
    words = ["ablate", "--data", small_dataset.root, "--weights", small_weights, "--out", out]
    words += ["--people", coco, "--person-weights", small_mask_rcnn, "--photos", 1]
    result = CliRunner().invoke(app, [str(word) for word in words])
    assert result.exit_code == 0, result.output
    tables = out.read_text().split("\n\n")
    first_cells = [[line.split("|")[1].strip() for line in t.splitlines()[2:]] for t in tables]
    assert first_cells[0][0] == "none"
    assert {"grabcut", "mask-rcnn", "cascade, grey", "true mask"} <= set(first_cells[0])
    assert {"mask-rcnn", "cascade", "grabcut"} <= set(first_cells[1])
    joins = ["none", "cropped", "cropped, joined", "hard grey", "hard grey, joined", "soft grey"]
    assert first_cells[2] == first_cells[3] == [*joins, "soft grey, joined"]
    assert "scenes" in tables[0].splitlines()[0]
    assert first_cells[4][:2] == ["the main person", "everyone"]
    assert all(cell.startswith("everyone, ") for cell in first_cells[4][2:])
    assert first_cells[5][0] == "0"
