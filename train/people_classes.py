"""Classes of people whose outlines alone are known, so that they teach more (self-training).

A generator that learned from people seen from head to foot takes sharp, near faces and hands for
clothes. Seen from afar it knows them. So it looks at each person several times, from farther away
each time, and what it is sure of on the whole is learned from as if it had been drawn by hand.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pix2seg.classes import BACKGROUND, SOMEBODY, load_scheme
from pix2seg.errors import DatasetError, WeightsError
from pix2seg.files import write_image
from pix2seg.generators.predictor import Predictor
from pix2seg.preprocess.background import MARGIN, hide_background, widen
from pix2seg.preprocess.fit import Fit
from pix2seg.preprocess.person.base import part_around
from pix2seg.train.person.photos import CLASSES, PersonPhoto, read_person_photos

SHARES = 0.25, 0.13, 0.07
"""What the person fills of the frame in each look, at most."""

SURE = {"skin": 0.6, "hair": 0.6, "clothes": 0.98}
"""Less likely pixels stay unknown. Skin is often taken for clothes, seldom the other way about."""

LEAST_SKIN = 0.02
"""Where less of a person is skin, it was missed rather than hidden, so no clothes are believed."""

DRAWN_MARGIN = MARGIN / 2
"""Around outlines drawn by hand, which miss less than an extractor's."""

LEAST_PERSON = 1500
"""Of people of fewer pixels nothing is to be learned."""


def label_people(folder: Path, weights: Path | None = None) -> Iterator[str]:
    """Write what can be known of the people of a COCO folder to its `classes/`, as indexed PNGs.

    Args:
        folder: see `read_person_photos`; the photos that train are labelled.
        weights: of a generator of the classes of `four`; by default those in the box.

    Yields:
        The name of each photo, as it is done.

    Raises:
        DatasetError: the folder is no COCO folder, or a file is broken.
        OutputError: a file cannot be written.
        WeightsError: the weights have other classes, or no probabilities.
    """
    if not any(folder.glob("*.json")):
        raise DatasetError(f"{folder} has no COCO *.json; give a folder with one and photos/")
    predictor = Predictor(weights)
    if predictor.info.scheme != load_scheme("four"):
        raise WeightsError(
            f"{predictor.weights} cannot label people; take weights that have the classes of the "
            "scheme four"
        )
    for photo in read_person_photos(folder, "train"):
        classes = Image.fromarray(known_classes(photo, predictor))
        write_image(folder / CLASSES / f"{photo.name}.png", classes, "PNG")
        yield photo.name


def known_classes(photo: PersonPhoto, predictor: Predictor) -> NDArray[np.uint8]:
    """The class of each pixel of the people, uint8 (H, W): `SOMEBODY` where it is not known.

    Args:
        photo: who is in it.
        predictor: a generator of the classes of `four`.
    """
    known = np.where(photo.labels > 0, np.uint8(SOMEBODY), np.uint8(BACKGROUND))
    for number in np.unique(photo.labels)[1:]:
        person = photo.labels == number
        if np.count_nonzero(person) < LEAST_PERSON:
            continue
        part = part_around(widen(person), predictor.info.size)
        shares = _from_afar(photo.pixels[part], person[part], predictor)
        known[part] = np.where(person[part], _sure(shares, person[part]), known[part])
    return known


def _from_afar(
    pixels: NDArray[np.uint8], person: NDArray[np.bool_], predictor: Predictor
) -> NDArray[np.float32]:
    """The mean probability of each class of a person, float32 (classes, H, W), over all looks."""
    size = predictor.info.size
    nearest = Fit((pixels.shape[1], pixels.shape[0]), size)
    width, height = nearest.fitted_size
    filled = person.mean() * width * height / (size[0] * size[1])
    scales = sorted({min((share / filled) ** 0.5, 1.0) for share in SHARES})
    total = np.zeros((len(predictor.info.scheme), *person.shape), np.float32)
    for scale in scales:
        fit = Fit(nearest.photo_size, size, scale)
        visible = widen(fit.mask(person.astype(np.uint8)) > 0, DRAWN_MARGIN)
        seen = hide_background(fit.photo(pixels), visible, "grey")
        found = predictor.predict(np.stack([seen, seen[:, ::-1]])).probabilities
        if found is None:
            raise WeightsError(f"{predictor.weights} gives no probabilities; take others")
        for share, both in zip(total, (found[0] + found[1, ..., ::-1]) / 2, strict=True):
            share += fit.invert_soft(np.ascontiguousarray(both))
    total /= len(scales)
    return total


def _sure(shares: NDArray[np.float32], person: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """The class of each pixel of a person, uint8 (H, W), as far as it is sure.

    Args:
        shares: of each class, float32 (classes, H, W).
        person: bool (H, W).
    """
    of_person = shares[1:] / np.maximum(shares[1:].sum(0), 1e-6)
    best = of_person.argmax(0)
    least = np.fromiter(SURE.values(), np.float32)
    sure = person & (of_person.max(0) >= least[best])
    skin, _, clothes = (sure & (best == i) for i in range(len(SURE)))
    if np.count_nonzero(skin) < LEAST_SKIN * np.count_nonzero(person):
        sure &= ~clothes
    return np.where(sure, best.astype(np.uint8) + 1, np.uint8(SOMEBODY))
