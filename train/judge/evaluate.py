"""Score the whole way of a photo, from file to mask, on the validation photos at their own size."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pix2seg.errors import DatasetError, WeightsError
from pix2seg.preprocess.dataset.dataset import Dataset, read_image
from pix2seg.render import overlay
from pix2seg.result import Segmentation
from pix2seg.segmenter import Segmenter
from pix2seg.train.judge.boundary import boundary_counts
from pix2seg.train.judge.scores import Scores, confusion_matrix


@dataclass(frozen=True, eq=False)
class EvaluatedPhoto:
    """One photo with its true mask, uint8 (H, W), and what the segmenter made of it."""

    name: str
    truth: NDArray[np.uint8]
    result: Segmentation

    @property
    def scores(self) -> Scores:
        """Scores of this photo alone."""
        scheme = self.result.scheme
        return Scores(confusion_matrix(self.truth, self.result.mask, len(scheme)), scheme.names)

    @property
    def boundaries(self) -> NDArray[np.int64]:
        """What `boundary_counts` counts in this photo."""
        return boundary_counts(self.truth, self.result.mask, len(self.result.scheme))

    def picture(self) -> NDArray[np.uint8]:
        """The photo, its true overlay and the segmenter's side by side, RGB uint8."""
        pixels, scheme = self.result.photo.pixels, self.result.scheme
        overlays = [overlay(pixels, mask, scheme) for mask in (self.truth, self.result.mask)]
        return np.hstack([pixels, *overlays])


def evaluate(segmenter: Segmenter, dataset: Dataset) -> Iterator[EvaluatedPhoto]:
    """Segment each validation photo.

    Raises:
        WeightsError: the weights and the data set have different classes.
        DatasetError: a photo or mask is missing or broken, or they do not fit each other.
    """
    if segmenter.scheme != dataset.scheme:
        raise WeightsError(
            f"the weights know the classes {', '.join(segmenter.scheme.names)}, the data set "
            f"{', '.join(dataset.scheme.names)}; prepare it with the weights' scheme"
        )
    for photo in dataset.full():
        truth, result = read_image(photo.mask), segmenter(photo.photo)
        if truth.shape != result.mask.shape or truth.max() >= len(dataset.scheme):
            raise DatasetError(
                f"{photo.mask} does not fit {photo.photo}: not the same size, or a class that the "
                "scheme has not; prepare the data set anew"
            )
        yield EvaluatedPhoto(photo.name, truth, result)


def total(photos: list[Scores]) -> Scores:
    """The scores of several photos, all pixels counted together."""
    confusion = np.sum([scores.confusion for scores in photos], axis=0)
    return Scores(confusion, photos[0].names)
