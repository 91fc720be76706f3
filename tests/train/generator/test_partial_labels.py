"""Photos of which only the people are known, and garments that few photos show."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn import functional as F

from pix2seg.classes import SOMEBODY, UNKNOWN
from pix2seg.errors import TrainingError
from pix2seg.generators.weights import load_generator
from pix2seg.preprocess.dataset.dataset import Dataset
from pix2seg.preprocess.dataset.split import split_of
from pix2seg.train.generator.losses import dice_loss, garment_loss, partial_cross_entropy
from pix2seg.train.generator.samples import Samples
from pix2seg.train.generator.task import SegmentationTask
from pix2seg.train.recipe import AugmentationSettings, SegmentationRecipe, parse_recipe, read_recipe
from pix2seg.train.run.batches import RunBatches

CPU = torch.device("cpu")


@pytest.fixture
def people(tmp_path: Path, photos: list[Path]) -> Path:
    """A folder of photos with COCO annotations: one box-shaped person each."""
    (tmp_path / "photos").mkdir()
    images, annotations = [], []
    names = [n for n in (f"scene{i}" for i in range(40)) if split_of(n) == "train"][:3]
    for i, name in enumerate(names):
        with Image.open(photos[i]) as photo:
            photo.resize((90, 60)).save(tmp_path / "photos" / f"{name}.jpg")
        images.append({"id": i, "file_name": f"{name}.jpg", "width": 90, "height": 60})
        outline = [30, 10, 60, 10, 60, 55, 30, 55]
        annotations.append(
            {
                "id": i,
                "image_id": i,
                "category_id": 1,
                "iscrowd": 0,
                "area": 1350,
                "bbox": [30, 10, 30, 45],
                "segmentation": [outline],
            }
        )
    categories = [{"id": 1, "name": "person"}]
    coco = {"images": images, "annotations": annotations, "categories": categories}
    (tmp_path / "people.json").write_text(json.dumps(coco))
    return tmp_path


def task(
    overrides: tuple[str, ...], dataset: Dataset, people: list[Path] | None = None
) -> SegmentationTask:
    recipe = parse_recipe(read_recipe("pix2pix-ccp4", overrides))
    assert isinstance(recipe, SegmentationRecipe)
    return SegmentationTask(recipe, dataset, CPU, people=people or [])


def test_where_the_class_is_known_the_loss_is_cross_entropy() -> None:
    logits = torch.randn(2, 4, 8, 8, generator=torch.Generator().manual_seed(0))
    mask = torch.arange(128).reshape(2, 8, 8) % 4
    weights = torch.tensor([1.0, 2.0, 0.5, 1.0])
    expected = F.cross_entropy(logits, mask, weights, reduction="sum")
    assert partial_cross_entropy(logits, mask, weights) == pytest.approx(float(expected), rel=1e-5)


def test_somebody_costs_what_the_background_is_given() -> None:
    logits = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(1))
    mask = torch.full((1, 8, 8), SOMEBODY)
    expected = -(1 - logits.softmax(1)[:, 0]).log().sum()
    loss = partial_cross_entropy(logits, mask, torch.ones(4))
    assert float(loss) == pytest.approx(float(expected), rel=1e-4)


def test_dice_does_not_count_pixels_of_somebody() -> None:
    logits = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(2))
    mask = torch.arange(64).reshape(1, 8, 8) % 4
    cut = dice_loss(logits[..., :4], mask[..., :4])
    mask[..., 4:] = SOMEBODY
    assert float(dice_loss(logits, mask)) == pytest.approx(float(cut), rel=1e-5)


def test_unknown_pixels_cost_nothing() -> None:
    logits = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(3))
    mask = torch.arange(64).reshape(1, 8, 8) % 4
    known = slice(None), slice(None, 4)
    weights = torch.ones(4)
    expected = partial_cross_entropy(logits[:, :, :4], mask[known], weights)
    dice = dice_loss(logits[:, :, :4], mask[known])
    mask[:, 4:] = UNKNOWN
    assert float(partial_cross_entropy(logits, mask, weights)) == pytest.approx(float(expected))
    assert float(dice_loss(logits, mask)) == pytest.approx(float(dice))


def test_garments_are_learned_on_garments_alone() -> None:
    logits = torch.zeros(1, 13, 4, 4, requires_grad=True)
    garments = torch.zeros(1, 16, 16, dtype=torch.int64)
    garments[:, :8], garments[:, 8:12] = 5, 1
    garment_loss(logits, garments).backward()  # type: ignore[no-untyped-call]
    assert logits.grad is not None
    assert (logits.grad[0, 5 - 3, :2] < 0).all()
    assert not logits.grad[0, :, 2:].any()
    bare = garment_loss(logits, torch.ones_like(garments))
    assert float(bare.detach()) == 0


def test_photos_with_rare_garments_are_drawn_more_often() -> None:
    garments = np.full((100, 4, 4), 5, np.uint8)
    garments[7] = 14  # one belt in a hundred photos
    samples = Samples(np.zeros((100, 4, 4, 3), np.uint8), garments, garments, garments)
    repeats = samples.repeats(0.25)
    assert repeats[7] == pytest.approx(5.0)
    assert (np.delete(repeats, 7) == 1).all()
    order = RunBatches(100, 4, 40, 1, repeats=repeats)
    keys = [key for keys in order.after(0) for key in keys.own]
    drawn = [key.sample for key in keys]
    assert len(drawn) == 40 * 100
    assert drawn.count(7) > 3 * np.mean([drawn.count(i) for i in range(100) if i != 7])
    assert len(set(keys)) == len(keys)


def test_no_two_copies_of_a_photo_in_an_epoch_are_changed_alike(
    small_dataset: Dataset, small_overrides: tuple[str, ...]
) -> None:
    still = ("augmentation.swap_background=0", "augmentation.half_size=0")
    trained = task((*small_overrides, *still), small_dataset)
    trained.order.repeats = np.array([100.0, 1, 1, 1, 1, 1])
    first, second = next(trained.batches(0)).photos
    assert not torch.equal(first, second)


def test_each_batch_has_people_beside_its_photos() -> None:
    order = RunBatches(10, 4, 2, 1, others=5, others_per_batch=3)
    batches = list(order.after(0))
    for keys in batches:
        assert [key.sample < 10 for key in keys.own] == [True] * 4 + [False] * 3
    assert list(order.after(2)) == batches[2:]
    others = [key.sample - 10 for keys in batches for key in keys.own if key.sample >= 10]
    assert sorted(others[:5]) == sorted(others[5:10]) == list(range(5))


def test_people_alone_teach_a_generator(
    small_dataset: Dataset, small_overrides: tuple[str, ...], people: Path
) -> None:
    trained = task((*small_overrides, "augmentation.half_size=0"), small_dataset, [people])
    batch = next(trained.batches(0))
    assert batch.photos.shape == (5, 96, 64, 3)
    assert set(np.unique(batch.masks[2:])) <= {0, 1, 2, 3, SOMEBODY}
    assert (batch.masks[2:] == SOMEBODY).any()
    losses = trained.step(batch, 0)
    assert all(np.isfinite(list(losses.values())))
    assert "garment" not in losses  # the data names none, so there is no head
    trained.save(people / "weights.safetensors", {})
    assert load_generator(people / "weights.safetensors")[1].facts["people"] == [people.name]


@pytest.mark.parametrize("label", [SOMEBODY, UNKNOWN])
def test_pixels_without_a_class_say_nothing_of_the_map(
    small_dataset: Dataset, small_overrides: tuple[str, ...], label: int
) -> None:
    trained = task(small_overrides, small_dataset)
    batch = next(trained.batches(0))
    losses = trained.step(batch._replace(masks=torch.full_like(batch.masks, label)), 0)
    assert losses["l1"] == losses["dice"] == 0
    assert (losses["cross_entropy"] == 0) == (label == UNKNOWN)


def test_people_are_cut_to_the_part_around_them(
    small_dataset: Dataset, small_overrides: tuple[str, ...], people: Path
) -> None:
    settings = AugmentationSettings.model_fields.keys() - {"closest"}  # how near, if at all
    still = [f"augmentation.{name}=0" for name in settings]
    shares = []
    for crop in (0, 1):
        overrides = (*small_overrides, *still, f"people.crop={crop}")
        batch = next(task(overrides, small_dataset, [people]).batches(0))
        shares.append(float((batch.masks[2:] == SOMEBODY).float().mean()))
    assert shares[1] > 1.3 * shares[0] > 0


def test_some_batches_have_half_the_size(
    small_dataset: Dataset, small_overrides: tuple[str, ...]
) -> None:
    halved = task((*small_overrides, "augmentation.half_size=1"), small_dataset)
    assert next(halved.batches(0)).photos.shape == (2, 48, 32, 3)


def test_recipes_without_people_refuse_them(
    small_dataset: Dataset, people: Path, small_overrides: tuple[str, ...]
) -> None:
    recipe = parse_recipe(read_recipe("pix2pix-ccp4", small_overrides))
    assert isinstance(recipe, SegmentationRecipe)
    alone = recipe.model_copy(update={"people": None})
    with pytest.raises(TrainingError, match="leave --people out"):
        SegmentationTask(alone, small_dataset, CPU, people=[people])
