"""Label maps for photos of which tags alone are known, so that they teach too (self-training).

A generator that learned from annotated photos labels the others. It finds garments well and takes
one kind for another often; the tags say which kinds a photo shows, so the label maps come out far
better than the generator's own garments.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pix2seg.classes import load_scheme
from pix2seg.errors import DatasetError, WeightsError
from pix2seg.garments import BODY, FIRST_GARMENT, kinds
from pix2seg.generators.predictor import Predictor
from pix2seg.photo import read_photo
from pix2seg.preprocess.dataset.ccp import TAGS, read_labels, read_tags
from pix2seg.preprocess.fit import Fit

SURE = 0.7
"""Pixels whose best class is less likely stay unknown."""


@dataclass(frozen=True)
class TaggedLabels:
    """Reads CCP's label maps, and makes those of its photos that have tags alone.

    Attributes:
        names: CCP's label names, in id order; one id more is that of unknown pixels.
        weights: what finds the garments; by default the weights in the box.
    """

    names: tuple[str, ...]
    weights: Path | None = None

    def __call__(self, path: Path) -> NDArray[np.uint8]:
        """A photo's label map by its file of labels or tags, uint8 (H, W).

        Of several tags of one kind, such as shirt and sweater, the map has the first.

        Raises:
            DatasetError: a file is broken, or tags no garment.
            WeightsError: the weights name no garments, or have other classes than `four`.
        """
        if path.parent.name != TAGS:
            return read_labels(path)
        kind_of = kinds().lookup(self.names)
        tags = sorted(read_tags(path), reverse=True)
        if tags and tags[0] >= len(kind_of):
            raise DatasetError(f"{path} has tag {tags[0]}; the highest is {len(kind_of) - 1}")
        tag_of = {int(kind_of[tag]): tag for tag in tags}
        worn = sorted(kind for kind in tag_of if kind >= FIRST_GARMENT)
        if not worn:
            raise DatasetError(f"{path} tags no garment")
        shares, logits = self._predict(path.parents[2] / "photos" / f"{path.stem}.jpg")
        # A kind that few photos show is held for unlikely; here it is known to be there.
        lifted = logits[np.array(worn) - FIRST_GARMENT]
        lifted -= np.log(_photos_with(path.parent, self.names)[worn])[:, None, None]
        garment = np.array([tag_of[kind] for kind in worn], np.uint8)[lifted.argmax(0)]
        of_body = (self.names.index(kind.labels[0]) for kind in kinds().classes[: len(BODY)])
        body = np.fromiter(of_body, np.uint8)
        best = shares.argmax(0)
        labels = np.where(best < len(BODY), body[best % len(BODY)], garment)
        return np.where(shares.max(0) < SURE, np.uint8(len(self.names)), labels)

    def _predict(self, path: Path) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Probabilities of the classes and logits of the kinds, at the photo's size."""
        photo = read_photo(path).pixels
        predictor = _predictor(self.weights)
        fit = Fit((photo.shape[1], photo.shape[0]), predictor.info.size)
        found = predictor.predict(fit.photo(photo)[None])
        if predictor.info.scheme != load_scheme("four") or found.garments is None:
            raise WeightsError(
                f"{predictor.weights} cannot label tagged photos; take weights that have the "
                "classes of the scheme four and name garments"
            )
        assert found.probabilities is not None  # a garment head has a logits head beside it
        shares = np.stack([fit.invert_soft(share) for share in found.probabilities[0]])
        return shares, np.stack([fit.invert_soft(logit) for logit in found.garments[0]])


@cache
def _predictor(weights: Path | None) -> Predictor:
    """Loaded once in each process."""
    return Predictor(weights)


@cache
def _photos_with(folder: Path, names: Sequence[str]) -> NDArray[np.float32]:
    """The share of a folder's tag files that name each kind, float32 (kinds,)."""
    kind_of, shown = kinds().lookup(names), []
    for file in folder.glob("*.mat"):
        with suppress(DatasetError):  # told of with the photo that the file is of
            tags = read_tags(file)
            known = kind_of[tags[tags < len(kind_of)]]
            shown.append(np.bincount(known, minlength=len(kinds())) > 0)
    return np.asarray(np.mean(shown, axis=0), np.float32)
