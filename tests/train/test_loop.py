"""From tagging to better weights: a catalogue, masks corrected elsewhere, training on them."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from rich.console import Console

from pix2seg.catalog.catalog import Catalog
from pix2seg.catalog.export import export_catalog
from pix2seg.catalog.run import begin_catalog, open_shards
from pix2seg.catalog.schema import read_mask_png
from pix2seg.catalog.work import Job, Settings, Worker
from pix2seg.classes import load_scheme
from pix2seg.errors import CatalogError
from pix2seg.files import indexed_image
from pix2seg.preprocess.dataset.corrected import cvat_masks, write_masks
from pix2seg.preprocess.dataset.dataset import Dataset
from pix2seg.preprocess.dataset.folder import folder_sources, read_mask
from pix2seg.preprocess.dataset.prepare import Preparation, prepare
from pix2seg.train.generator.task import SegmentationTask
from pix2seg.train.recipe import SegmentationRecipe, parse_recipe, read_recipe
from pix2seg.train.run.trainer import Trainer

pytest.importorskip("pyarrow")
pytest.importorskip("duckdb")


def fill(source: Path, out: Path, weights: Path) -> Catalog:
    settings = Settings(weights=str(weights), person="none", masks=True, device="cpu")
    catalog = begin_catalog(str(source), str(out), settings).catalog
    worker = Worker(Job(str(out), settings))
    for shard in open_shards(catalog):
        list(worker.run(shard))
    return catalog


def agreement(catalog: Catalog, truth: Dataset) -> float:
    """The share of pixels whose class is right."""
    right = []
    for row in catalog.all_rows():
        mask = truth.read(row["file"].removesuffix(".jpg"))[1]
        right.append(np.mean(read_mask_png(row["mask"]) == mask))
    return float(np.mean(right))


def test_corrected_masks_make_better_weights(
    small_dataset: Dataset, small_weights: Path, small_overrides: tuple[str, ...], tmp_path: Path
) -> None:
    photos, four = small_dataset.root / "photos", load_scheme("four")
    tagged = fill(photos, tmp_path / "catalog", small_weights)
    export_catalog(tagged, "cvat", tmp_path / "cvat", photos=True)
    for file in (tmp_path / "cvat" / "SegmentationClass").iterdir():  # what people do in CVAT
        truth = small_dataset.read(file.stem)[1]
        indexed_image(truth, four).save(file)

    write_masks(cvat_masks(tmp_path / "cvat", four), tmp_path / "masks", four)
    sources = folder_sources(tmp_path / "cvat" / "JPEGImages", tmp_path / "masks")
    same = np.arange(4, dtype=np.uint8)
    preparation = Preparation(tmp_path / "data", four, same, read_mask, (64, 96))
    assert all(done.pixels is not None for done in prepare(sources, preparation, {"source": "t"}))
    corrected = Dataset(tmp_path / "data")
    name = corrected.names("train")[0]
    with Image.open(tmp_path / "data" / "masks" / f"{name}.png") as mask:
        assert (np.asarray(mask) == small_dataset.read(name)[1]).all()

    overrides = (*small_overrides, "discriminator.width=4", "schedule.epochs=2")
    recipe = parse_recipe(read_recipe("pix2pix-ccp4", overrides))
    assert isinstance(recipe, SegmentationRecipe)
    task = SegmentationTask(recipe, corrected, torch.device("cpu"), None)
    start = tmp_path / "start.safetensors"
    task.save(start, {})
    Trainer(task, recipe, tmp_path / "run", Console(quiet=True)).train()
    weights = tmp_path / "run" / "best.safetensors"
    with pytest.raises(CatalogError, match="model generator"):
        fill(photos, tmp_path / "catalog", weights)
    better = fill(photos, tmp_path / "better", weights)
    untrained = fill(photos, tmp_path / "untrained", start)
    assert agreement(better, small_dataset) > agreement(tagged, small_dataset)
    assert agreement(better, small_dataset) > agreement(untrained, small_dataset)
