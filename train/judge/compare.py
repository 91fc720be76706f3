"""Finished runs: scores on their validation photos, costs, and pictures."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.flop_counter import FlopCounterMode

from pix2seg.errors import DatasetError, TrainingError
from pix2seg.generators.base import Generator
from pix2seg.generators.inference import fused
from pix2seg.generators.weights import load_generator
from pix2seg.preprocess.dataset.ccp import NEAR_DUPLICATES
from pix2seg.preprocess.dataset.dataset import Dataset
from pix2seg.render import overlay
from pix2seg.segmenter import Segmenter
from pix2seg.train.judge.evaluate import Evaluation, evaluate
from pix2seg.train.run.checkpoint import begun_with
from pix2seg.train.run.origin import DATA
from pix2seg.train.run.run_file import check_data, read_run_file


@dataclass
class ComparedRun:
    """What a run cost and reached.

    Attributes:
        name: of the run's folder.
        recipe: as it was run, as plain data.
        init: what it was started from, if anything.
        people: the folders of people that it learned from besides.
        dataset: what it was trained and scored on.
        evaluation: on its validation photos, each at its own size.
        parameters: of the generator.
        flops: of the generator for one photo; a multiplication and an addition count as two.
        epochs: how many it took to the best one.
        training_seconds: how long it took to the best one.
        pictures: overlays by photo, RGB uint8, for the figure.
    """

    name: str
    recipe: dict[str, Any]
    init: str | None
    dataset: Dataset
    evaluation: Evaluation
    parameters: int
    flops: int
    epochs: int
    training_seconds: float
    people: Sequence[Path] = ()
    pictures: dict[str, NDArray[np.uint8]] = field(default_factory=dict)

    @property
    def size(self) -> str:
        """Width x height at which it was trained."""
        width, height = self.recipe["size"]
        return f"{width}x{height}"

    @property
    def source(self) -> str:
        """Where its photos come from."""
        return self.dataset.facts.source

    @property
    def system(self) -> str:
        """What tells it from other runs, but for the seed and the fold."""
        return json.dumps(_lineage(self), sort_keys=True)

    def to_dict(self) -> dict[str, Any]:
        """All that was measured, as plain data."""
        return {
            "run": self.name,
            "recipe": self.recipe,
            "init": self.init and "/".join(Path(self.init).parts[-2:]),
            "data": self.source,
            "fold": self.dataset.facts.fold,
            "scheme": self.evaluation.scheme.name,
            **self.evaluation.to_dict(),
            "parameters": self.parameters,
            "flops": self.flops,
            "epochs": self.epochs,
            "training_seconds": self.training_seconds,
        }


def read_run(run: Path) -> Dataset:
    """The data set that a finished run was trained on.

    Raises:
        TrainingError: the folder holds no finished run of a generator, or its data set has been
            prepared anew in another way.
        DatasetError: its data set is no longer there.
    """
    settings = read_run_file(run)
    if not (run / "best.safetensors").is_file() or settings.recipe.get("kind") == "person":
        raise TrainingError(
            f"{run} holds no finished run of a generator; give folders that pix2seg train wrote"
        )
    check_data(run, settings.model_copy(update={"people": []}))  # who are not scored here
    dataset = Dataset(settings.data[0])
    begun = begun_with(run / "last.pt", DATA)
    # Behind the data set's fingerprint stands that of people, who are not scored here.
    if begun is not None and begun.split()[0] != dataset.fingerprint():
        raise TrainingError(
            f"{run} was trained on other photos, masks or folds than {dataset.root} now holds; "
            "prepare that as it was"
        )
    return dataset


def photos_to_show(datasets: Sequence[Dataset], count: int) -> list[str]:
    """Validation photos that all data sets share, file by file, evenly picked."""
    files = [{photo.name: photo.photo for photo in dataset.full()} for dataset in datasets]
    common = sorted(set.intersection(*map(set, files)))
    # Folders that are called alike may hold other photos of the same names.
    shared = [name for name in common if len({of[name].read_bytes() for of in files}) == 1]
    picked = np.linspace(0, len(shared) - 1, min(count, len(shared))).round().astype(int)
    return [shared[i] for i in picked]


def compare_run(
    run: Path, dataset: Dataset, show: Sequence[str], device: str, trust: bool = False
) -> ComparedRun:
    """Score a run on its validation photos, each at its own size.

    Args:
        run: its folder.
        dataset: what it was trained on.
        show: names of the photos whose overlays are kept.
        device: `auto`, `cpu`, `cuda`, ...
        trust: let Detectron2, where its masks hid backgrounds, run what lies in its files.
    """
    weights = run / "best.safetensors"
    generator, info = load_generator(weights)
    # Another extractor than the one that prepared the data knows nothing of its options.
    known = dataset.facts.person_options if dataset.facts.extractor == info.person else {}
    options = {**known, "trust": trust and info.person == "detectron2"}
    segmenter = Segmenter(weights, device=device, person_options=options)
    evaluation, pictures = Evaluation(segmenter.scheme, segmenter.margin), {}
    for photo in evaluate(segmenter, dataset):
        evaluation.add(photo)
        if photo.name in show:
            result = photo.result
            pictures[photo.name] = overlay(result.photo.pixels, result.mask, result.scheme)
    generator, settings = fused(generator), read_run_file(run)
    return ComparedRun(
        name=run.resolve().name,
        recipe=info.recipe.model_dump(mode="json"),
        init=settings.init,
        dataset=dataset,
        evaluation=evaluation,
        parameters=sum(p.numel() for p in generator.parameters()),
        flops=_flops(generator, info.size),
        epochs=info.facts["epoch"],
        training_seconds=info.facts["seconds"],
        people=settings.people,
        pictures=pictures,
    )


def _lineage(compared: ComparedRun) -> list[Any]:
    """What made weights, but for seeds and folds: recipe and data of each run, last first.

    Then the weights that the first of these runs began with, of which no run is known.
    """
    made = [_making(compared.recipe, compared.dataset, compared.people)]
    init, folders = compared.init, set[Path]()
    # A run moved to where its start lay would seem to have begun with itself.
    while init and Path(init).is_file() and (folder := Path(init).resolve().parent) not in folders:
        folders.add(folder)
        try:
            run = read_run_file(folder)
            made.append(_making(run.recipe, Dataset(run.data[0]), run.people))
        except (TrainingError, DatasetError):
            break
        init = run.init
    return [*made, init]


def _making(recipe: dict[str, Any], dataset: Dataset, people: Sequence[Path]) -> list[Any]:
    return [{**recipe, "seed": None}, _data(dataset), sorted(folder.name for folder in people)]


def _data(dataset: Dataset) -> list[Any]:
    """What tells a data set from others, but for the fold: its facts and the names of its photos.

    A source is no more than a folder's name, and photos of two may be called alike; their classes'
    shares differ all the same.
    """
    names, of_fold = {name for split in dataset.splits.values() for name in split}, {"fold"}
    if dataset.facts.tagged:  # each fold leaves out those that look like its validation photos
        names -= NEAR_DUPLICATES.keys()
        of_fold |= {"photos", "classes"}
    return [dataset.facts.model_dump(exclude=of_fold), sorted(names)]


def _flops(generator: Generator, size: tuple[int, int]) -> int:
    width, height = size
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        generator(torch.zeros(1, 3, height, width))
    return int(counter.get_total_flops())
