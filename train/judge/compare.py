"""Finished runs side by side: scores on their validation photos, costs, and pictures."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import mean, median, stdev
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from torch.utils.flop_counter import FlopCounterMode

from pix2seg.errors import TrainingError
from pix2seg.generators.base import Generator
from pix2seg.generators.inference import fused
from pix2seg.generators.weights import load_generator
from pix2seg.preprocess.dataset.dataset import Dataset, read_image
from pix2seg.render import overlay
from pix2seg.segmenter import Segmenter
from pix2seg.train.judge.evaluate import Evaluation, evaluate
from pix2seg.train.judge.scores import READABLE_CLASSES
from pix2seg.train.run.run_file import read_run_file

PICTURE_HEIGHT = 260
"""Of each photo in a figure, in pixels."""


@dataclass
class ComparedRun:
    """What a run cost and reached.

    Attributes:
        name: of the run's folder.
        recipe: as it was run, as plain data.
        source: which data it was trained and scored on.
        evaluation: on its validation photos, each at its own size.
        parameters: of the generator.
        flops: of the generator for one photo; a multiplication and an addition count as two.
        epochs: how many it took to the best one.
        training_seconds: how long it took to the best one.
        pictures: overlays by photo, RGB uint8, for the figure.
    """

    name: str
    recipe: dict[str, Any]
    source: str
    evaluation: Evaluation
    parameters: int
    flops: int
    epochs: int
    training_seconds: float
    pictures: dict[str, NDArray[np.uint8]] = field(default_factory=dict)

    @property
    def size(self) -> str:
        """Width x height at which it was trained."""
        width, height = self.recipe["size"]
        return f"{width}x{height}"

    @property
    def system(self) -> str:
        """What tells it from other runs but for the seed."""
        return json.dumps({**self.recipe, "seed": None}, sort_keys=True) + self.source

    def to_dict(self) -> dict[str, Any]:
        """All that was measured, as plain data."""
        return {
            "run": self.name,
            "recipe": self.recipe,
            "data": self.source,
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
        TrainingError: the folder holds no finished run of a generator.
        DatasetError: its data set is no longer there.
    """
    settings = read_run_file(run)
    if not (run / "best.safetensors").is_file() or settings.recipe.get("kind") == "person":
        raise TrainingError(
            f"{run} holds no finished run of a generator; give folders that pix2seg train wrote"
        )
    return Dataset(settings.data[0])


def photos_to_show(datasets: Sequence[Dataset], count: int) -> list[str]:
    """Validation photos that all data sets share, evenly picked."""
    shared = sorted(set.intersection(*(set(dataset.names("val")) for dataset in datasets)))
    picked = np.linspace(0, len(shared) - 1, min(count, len(shared))).round().astype(int)
    return [shared[i] for i in picked]


def compare_run(run: Path, dataset: Dataset, show: Sequence[str], device: str) -> ComparedRun:
    """Score a run on its validation photos, each at its own size.

    Args:
        run: its folder.
        dataset: what it was trained on.
        show: names of the photos whose overlays are kept.
        device: `auto`, `cpu`, `cuda`, ...
    """
    weights = run / "best.safetensors"
    generator, info = load_generator(weights)
    # Another extractor than the one that prepared the data knows nothing of its options.
    options = dataset.person_options if dataset.extractor == info.person else None
    segmenter = Segmenter(weights, device=device, person_options=options)
    evaluation, pictures = Evaluation(segmenter.scheme, segmenter.margin), {}
    for photo in evaluate(segmenter, dataset):
        evaluation.add(photo)
        if photo.name in show:
            result = photo.result
            pictures[photo.name] = overlay(result.photo.pixels, result.mask, result.scheme)
    generator = fused(generator)
    return ComparedRun(
        name=run.resolve().name,
        recipe=info.recipe.model_dump(mode="json"),
        source=str(dataset.facts["source"]),
        evaluation=evaluation,
        parameters=sum(p.numel() for p in generator.parameters()),
        flops=_flops(generator, info.size),
        epochs=info.facts["epoch"],
        training_seconds=info.facts["seconds"],
        pictures=pictures,
    )


def _flops(generator: Generator, size: tuple[int, int]) -> int:
    width, height = size
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        generator(torch.zeros(1, 3, height, width))
    return int(counter.get_total_flops())


def markdown(runs: Sequence[ComparedRun]) -> str:
    """A table of all runs, then one of the classes of each scheme.

    Runs that differ in nothing but the seed make one row, with mean and standard deviation.
    """
    groups: dict[str, list[ComparedRun]] = {}
    for run in runs:
        groups.setdefault(run.system, []).append(run)
    systems = list(groups.values())
    tables = [_overview(systems)]
    for name in dict.fromkeys(run.evaluation.scheme.name for run in runs):
        of_scheme = [group for group in systems if group[0].evaluation.scheme.name == name]
        if len(of_scheme[0][0].evaluation.scheme) <= READABLE_CLASSES:
            tables.append(_by_class(of_scheme))
    return "\n".join(tables)


def _overview(systems: Sequence[Sequence[ComparedRun]]) -> str:
    lines = [
        "| run | data | size | classes | mIoU | on four classes | pixel accuracy | M parameters "
        "| GFLOPs | ms a photo | epochs | training, min |",
        "| --- | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for group in systems:
        first = group[0]
        evaluations = [run.evaluation for run in group]
        coarse = [merged.mean_iou for e in evaluations if (merged := e.coarse)]
        cells = [
            _name(group),
            first.source,
            first.size,
            str(len(first.evaluation.scheme)),
            _spread([e.scores.mean_iou for e in evaluations]),
            _spread(coarse) if coarse else "",
            _spread([e.scores.pixel_accuracy for e in evaluations]),
            f"{first.parameters / 1e6:.1f}",
            f"{first.flops / 1e9:.1f}",
            f"{1000 * median(e.seconds_per_photo for e in evaluations):.0f}",
            f"{median(run.epochs for run in group):.0f}",
            f"{median(run.training_seconds for run in group) / 60:.1f}",
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _by_class(systems: Sequence[Sequence[ComparedRun]]) -> str:
    """IoU, Dice and boundary F of each class."""
    names = systems[0][0].evaluation.scheme.names
    lines = [
        "| run | " + " | ".join(f"{name}: IoU | Dice | F" for name in names) + " |",
        "| --- |" + " ---: |" * 3 * len(names),
    ]
    for group in systems:
        cells = []
        for i in range(len(names)):
            for values in (
                [run.evaluation.scores.iou[i] for run in group],
                [run.evaluation.scores.dice[i] for run in group],
                [run.evaluation.boundary_f[i] for run in group],
            ):
                cells.append(_spread([float(value) for value in values]))
        lines.append(f"| {_name(group)} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _name(group: Sequence[ComparedRun]) -> str:
    return group[0].name + (f" ({len(group)} seeds)" if len(group) > 1 else "")


def _spread(values: Sequence[float]) -> str:
    if len(values) == 1:
        return f"{values[0]:.3f}"
    return f"{mean(values):.3f} ± {stdev(values):.3f}"


def figure(runs: Sequence[ComparedRun], datasets: Sequence[Dataset]) -> NDArray[np.uint8]:
    """A row of pictures for each run, under the photos and the truth. RGB uint8.

    Args:
        runs: with pictures of the same photos.
        datasets: theirs; the first one's masks are the truth shown.
    """
    names = sorted(set.intersection(*(set(run.pictures) for run in runs)))
    full = {photo.name: photo for photo in datasets[0].full()}
    photos = [read_image(full[name].photo, "RGB") for name in names]
    masks = [read_image(full[name].mask) for name in names]
    truths = [
        overlay(photo, mask, datasets[0].scheme) for photo, mask in zip(photos, masks, strict=True)
    ]
    rows = [("photo", photos), ("truth", truths)]
    rows += [(run.name, [run.pictures[name] for name in names]) for run in runs]
    return np.vstack([_row(label, pictures) for label, pictures in rows])


def _row(label: str, pictures: Sequence[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    shrunk = []
    for picture in pictures:
        width = max(round(PICTURE_HEIGHT * picture.shape[1] / picture.shape[0]), 1)
        shrunk.append(cv2.resize(picture, (width, PICTURE_HEIGHT), interpolation=cv2.INTER_AREA))
    strip = Image.new("RGB", (220, PICTURE_HEIGHT), "white")
    font = ImageFont.load_default(18)
    ImageDraw.Draw(strip).text((8, PICTURE_HEIGHT // 2), label, "black", font, anchor="lm")
    return np.hstack([np.asarray(strip), *(np.asarray(picture, np.uint8) for picture in shrunk)])
