"""What finding the person buys: extractors, margins and backgrounds, on plain and hard photos."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from pix2seg.classes import Scheme
from pix2seg.photo import read_photo
from pix2seg.preprocess.dataset.dataset import Dataset, read_image
from pix2seg.preprocess.person.base import Person
from pix2seg.segmenter import Segmenter
from pix2seg.train.judge.hard_photos import (
    before_background,
    before_clothes,
    busiest_backgrounds,
    far_away,
    upper_half,
)
from pix2seg.train.judge.people import PersonScore, summarise
from pix2seg.train.judge.scores import Scores, confusion_matrix

PhotoSet = Literal["plain", "busy", "clothes-coloured", "far", "half"]

SETS: tuple[PhotoSet, ...] = get_args(PhotoSet)

BUSY_BACKGROUNDS = 40
"""So many of the busiest backgrounds of the training photos stand behind the persons."""


class TrueMask:
    """A person extractor that is told the truth, to show what the best one could reach."""

    version = "true mask"

    def __init__(self) -> None:
        self.mask = np.zeros((1, 1), bool)

    def find(self, pixels: NDArray[np.uint8]) -> Person:
        """The person of the photo whose true mask was put into `mask`."""
        return Person.from_mask(self.mask, 1.0)


@dataclass
class Cell:
    """What one way to segment reached on one set of photos."""

    confusions: list[NDArray[np.int64]] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    people: list[PersonScore] = field(default_factory=list)

    @property
    def mean_iou(self) -> float:
        """Over all pixels of the set, 0..1."""
        confusion = np.sum(self.confusions, axis=0)
        return Scores(confusion, ("",) * len(confusion)).mean_iou

    @property
    def milliseconds(self) -> float:
        """Median time of a photo, from pixels to mask."""
        return 1000 * float(np.median(self.seconds))


Table = dict[tuple[str, PhotoSet], Cell]


def photo_sets(
    dataset: Dataset, sets: Sequence[PhotoSet]
) -> Iterator[tuple[PhotoSet, NDArray[np.uint8], NDArray[np.uint8]]]:
    """The validation photos at their own size, RGB uint8 (H, W, 3), with masks, uint8 (H, W).

    Args:
        dataset: a prepared data set.
        sets: as they are, or made hard; see `pix2seg.train.judge.hard_photos`.
    """
    backgrounds = []
    if {"busy", "far"} & set(sets):
        train = (dataset.read(name) for name in dataset.names("train"))
        backgrounds = busiest_backgrounds(list(train), BUSY_BACKGROUNDS)
    for index, full in enumerate(dataset.full()):
        pixels, mask = read_photo(full.photo).pixels, read_image(full.mask)
        rng = np.random.default_rng(index)
        behind = backgrounds[index % len(backgrounds)] if backgrounds else pixels
        for name in sets:
            if name == "plain":
                yield name, pixels, mask
            elif name == "busy":
                yield name, before_background(pixels, mask, behind), mask
            elif name == "far":
                yield name, *far_away(pixels, mask, behind, rng)
            elif name == "half":
                yield name, *upper_half(pixels, mask)
            else:
                garments = _garments(mask, dataset.scheme)
                if garments.any():
                    yield name, before_clothes(pixels, mask, garments, rng), mask


def _garments(mask: NDArray[np.uint8], scheme: Scheme) -> NDArray[np.bool_]:
    if "clothes" in scheme.names:
        return np.asarray(mask == scheme.id_of("clothes"))
    return np.asarray(mask > 0)


def run(
    segmenters: Mapping[str, Segmenter],
    photos: Iterable[tuple[PhotoSet, NDArray[np.uint8], NDArray[np.uint8]]],
) -> Table:
    """Segment every photo in every way.

    Args:
        segmenters: the ways by name; an extractor that is a `TrueMask` is told the truth.
        photos: what `photo_sets` gives.
    """
    table: Table = defaultdict(Cell)
    for column, pixels, truth in photos:
        for name, segmenter in segmenters.items():
            if isinstance(segmenter.extractor, TrueMask):
                segmenter.extractor.mask = truth > 0
            result = segmenter(pixels)
            cell = table[name, column]
            cell.confusions.append(confusion_matrix(truth, result.mask, len(segmenter.scheme)))
            cell.seconds.append(result.seconds)
            visible = result.person.visible(segmenter.margin)
            cell.people.append(PersonScore.of(result.person.mask, visible, truth > 0))
    return table


def with_true_mask(weights: Path | None, device: str, hide: bool, margin: float) -> Segmenter:
    """A segmenter that is told where the person is."""
    return Segmenter(weights, person=TrueMask(), device=device, hide=hide, margin=margin)


def markdown(table: Table, sets: Sequence[PhotoSet], heading: str) -> str:
    """A table of mean IoU and milliseconds, a row for each way."""
    names = list(dict.fromkeys(name for name, _ in table))
    lines = [
        f"| {heading} | " + " | ".join(f"{column}, mIoU | ms" for column in sets) + " |",
        "| --- |" + " ---: | ---: |" * len(sets),
    ]
    for name in names:
        cells = [table[name, column] for column in sets]
        lines.append(
            f"| {name} | "
            + " | ".join(f"{cell.mean_iou:.3f} | {cell.milliseconds:.0f}" for cell in cells)
            + " |"
        )
    return "\n".join(lines) + "\n"


def people_markdown(rows: Mapping[str, Sequence[PersonScore]], heading: str) -> str:
    """A table of how well people are found, a row for each way."""
    lines = [
        f"| {heading} | photos | person IoU | kept | kept after the margin | missed |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for name, scores in rows.items():
        facts = summarise(scores)
        lines.append(
            f"| {name} | {len(scores)} | {facts['iou']:.3f} | {facts['kept']:.1%} | "
            f"{facts['kept_with_margin']:.1%} | {facts['missed']:.0f} |"
        )
    return "\n".join(lines) + "\n"


def margins_markdown(table: Table, sets: Sequence[PhotoSet]) -> str:
    """A table of what each margin keeps of the person, and of mean IoU."""
    lines = [
        "| margin | kept after the margin | "
        + " | ".join(f"{column}, mIoU" for column in sets)
        + " |",
        "| --- | ---: |" + " ---: |" * len(sets),
    ]
    for name in dict.fromkeys(name for name, _ in table):
        kept = summarise(table[name, sets[0]].people)["kept_with_margin"]
        scores = " | ".join(f"{table[name, column].mean_iou:.4f}" for column in sets)
        lines.append(f"| {name} | {kept:.2%} | {scores} |")
    return "\n".join(lines) + "\n"
