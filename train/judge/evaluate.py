"""Score the whole way of a photo, from file to mask, on photos at their own size."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from pix2seg.classes import Scheme, load_scheme
from pix2seg.errors import DatasetError, WeightsError
from pix2seg.garments import kinds
from pix2seg.photo import Photo, read_photo
from pix2seg.preprocess.background import MARGIN
from pix2seg.preprocess.dataset.dataset import Dataset, read_image
from pix2seg.render import overlay
from pix2seg.result import Segmentation
from pix2seg.segmenter import Segmenter
from pix2seg.train.judge.boundary import boundary_counts, boundary_f
from pix2seg.train.judge.colors import class_ratios
from pix2seg.train.judge.garments import GarmentScores
from pix2seg.train.judge.people import PersonScore
from pix2seg.train.judge.scores import Scores, confusion_matrix, rounded

COARSE = "four"
"""The scheme in which generators of finer schemes are scored too."""


@dataclass(frozen=True, eq=False)
class EvaluatedPhoto:
    """One photo with its true mask, uint8 (H, W), and what the segmenter made of it.

    `garments` are the true kinds, uint8 (H, W), if they were asked for.
    """

    name: str
    truth: NDArray[np.uint8]
    result: Segmentation
    garments: NDArray[np.uint8] | None = None

    @property
    def scores(self) -> Scores:
        """Scores of this photo alone."""
        scheme = self.result.scheme
        return Scores(confusion_matrix(self.truth, self.result.mask, len(scheme)), scheme.names)

    def picture(self) -> NDArray[np.uint8]:
        """The photo, its true overlay and the segmenter's side by side, RGB uint8."""
        pixels, scheme = self.result.photo.pixels, self.result.scheme
        overlays = [overlay(pixels, mask, scheme) for mask in (self.truth, self.result.mask)]
        return np.hstack([pixels, *overlays])


def evaluate(
    segmenter: Segmenter, dataset: Dataset, *, garments: bool = False, scale: float = 1.0
) -> Iterator[EvaluatedPhoto]:
    """Segment each validation photo.

    Args:
        segmenter: what is to be judged.
        dataset: a prepared data set of the same classes.
        garments: also read the true kinds of garments.
        scale: how large photos and masks become first, as a share of their own size, above 0.

    Raises:
        WeightsError: the weights and the data set have different classes.
        DatasetError: a photo or mask is missing or broken, or they do not fit each other, or the
            data set does not know garments.
    """
    refuse_other_classes(segmenter, dataset)
    if garments and not dataset.has_garments:
        raise DatasetError(
            f"{dataset.root} does not know the kinds of garments; prepare ccp writes them"
        )
    for photo in dataset.full():
        read = read_photo(photo.photo)
        truth, worn = _read_labels(photo.mask, len(dataset.scheme), read), None
        if garments and photo.garments:
            worn = _read_labels(photo.garments, len(kinds()), read)
        if scale != 1:
            read = read_photo(_scaled(read.pixels, scale, cv2.INTER_AREA))
            truth = _scaled(truth, scale, cv2.INTER_NEAREST_EXACT)
            worn = None if worn is None else _scaled(worn, scale, cv2.INTER_NEAREST_EXACT)
        yield EvaluatedPhoto(photo.name, truth, segmenter(read), worn)


def refuse_other_classes(segmenter: Segmenter, dataset: Dataset) -> None:
    """Refuse to judge weights by masks of other classes than theirs.

    Raises:
        WeightsError: the weights and the data set have different classes.
    """
    if segmenter.scheme != dataset.scheme:
        raise WeightsError(
            f"the weights {segmenter.info.version} know the classes "
            f"{', '.join(segmenter.scheme.names)}, the data set {', '.join(dataset.scheme.names)}; "
            "prepare it with the weights' scheme"
        )


def _read_labels(file: Path, classes: int, photo: Photo) -> NDArray[np.uint8]:
    """The ids of a photo's pixels, uint8 (H, W), as a file has them."""
    labels = read_image(file)
    if labels.shape != photo.pixels.shape[:2] or labels.max() >= classes:
        raise DatasetError(
            f"{file} does not fit {photo.file}: not the same size, or a class that the scheme has "
            "not; prepare the data set anew"
        )
    return labels


def _scaled(image: NDArray[np.uint8], scale: float, interpolation: int) -> NDArray[np.uint8]:
    """An image, uint8 (H, W) or (H, W, 3), at a share of its size; no side under one pixel."""
    height, width = (max(round(side * scale), 1) for side in image.shape[:2])
    return np.asarray(cv2.resize(image, (width, height), interpolation=interpolation), np.uint8)


@dataclass
class Evaluation:
    """Adds up how well photos were segmented, all pixels counted together.

    Args:
        scheme: the classes.
        margin: how far the person's mask grew before the rest was hidden.
        with_colors: also judge the palettes, which takes longer than the rest.

    Attributes:
        photos: scores of each photo by name.
        people: how well the person was found in each photo.
        ratios: what `class_ratios` says of each photo, by class.
        seconds: time of each photo, from pixels to mask, person extractor included.
        garments: how well garments were named, once a photo with its true kinds was added.
    """

    scheme: Scheme
    margin: float = MARGIN
    with_colors: bool = False
    photos: dict[str, Scores] = field(default_factory=dict)
    people: list[PersonScore] = field(default_factory=list)
    ratios: dict[str, list[float]] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)
    garments: GarmentScores | None = None

    def __post_init__(self) -> None:
        self._boundaries = np.zeros((len(self.scheme), 4), np.int64)

    def add(self, photo: EvaluatedPhoto) -> None:
        """Count a photo."""
        result, person = photo.result, photo.result.person
        self.photos[photo.name] = photo.scores
        self._boundaries += boundary_counts(photo.truth, result.mask, len(self.scheme))
        self.people.append(
            PersonScore.of(person.mask, person.visible(self.margin), photo.truth > 0)
        )
        self.seconds.append(result.seconds)
        if photo.garments is not None:
            self.garments = self.garments or GarmentScores()
            self.garments.add(photo.garments, result.named().mask)
        if self.with_colors:
            for name, ratio in class_ratios(result, photo.truth).items():
                self.ratios.setdefault(name, []).append(ratio)

    @property
    def scores(self) -> Scores:
        """Over all pixels."""
        confusions = [photo.confusion for photo in self.photos.values()]
        return Scores(np.sum(confusions, axis=0, dtype=np.int64), self.scheme.names)

    @property
    def coarse(self) -> Scores | None:
        """The same by four classes, if the scheme's classes fall into those."""
        coarse = load_scheme(COARSE)
        into = self.scheme.merged_into(coarse)
        return None if into is None else self.scores.merged(into, coarse.names)

    @property
    def person_iou(self) -> tuple[float, float]:
        """Mean over photos of the person's IoU: the extractor's mask, and all but background."""
        found = [photo.foreground_iou for photo in self.photos.values()]
        return float(np.mean([person.iou for person in self.people])), float(np.mean(found))

    @property
    def photos_with(self) -> NDArray[np.int64]:
        """(classes, 2): how many photos show each class, and in how many of those it is found.

        It is found where at least one of its pixels is given its name.
        """
        confusions = np.array([photo.confusion for photo in self.photos.values()])
        shown = (confusions.sum(2) > 0).sum(0)
        found = (np.diagonal(confusions, axis1=1, axis2=2) > 0).sum(0)
        return np.stack([shown, found], 1)

    @property
    def boundary_f(self) -> NDArray[np.float64]:
        """Boundary F-score of each class, float64 (classes,)."""
        return boundary_f(self._boundaries)

    @property
    def color_ratios(self) -> dict[str, float]:
        """The median of each class's `ratios`."""
        return {name: median(values) for name, values in self.ratios.items()}

    @property
    def seconds_per_photo(self) -> float:
        """The median of `seconds`."""
        return median(self.seconds)

    def to_dict(self) -> dict[str, Any]:
        """All scores as plain data."""
        coarse, boundary = self.coarse, zip(self.scheme.names, self.boundary_f, strict=True)
        extractor, foreground = self.person_iou
        return {
            "photos": len(self.photos),
            "seconds_per_photo": round(self.seconds_per_photo, 4),
            **self.scores.to_dict(),
            "four_class_mean_iou": coarse and round(coarse.mean_iou, 4),
            "person_iou": {"extractor": round(extractor, 4), "mask": round(foreground, 4)},
            "photos_with": {
                name: {"class": int(shown), "found": int(found)}
                for name, (shown, found) in zip(self.scheme.names, self.photos_with, strict=True)
            },
            "boundary_f": {name: rounded(score) for name, score in boundary},
            "color_distance_ratio": {n: round(ratio, 4) for n, ratio in self.color_ratios.items()},
            "garments": self.garments and self.garments.to_dict(),
            "mean_iou_by_photo": {n: round(s.mean_iou, 4) for n, s in self.photos.items()},
        }
