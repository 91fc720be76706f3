"""What runs make of the same photos, as one picture."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from pix2seg.photo import read_photo
from pix2seg.preprocess.dataset.dataset import Dataset, read_image
from pix2seg.render import overlay
from pix2seg.train.judge.compare import ComparedRun

PICTURE_HEIGHT = 260
"""Of each photo in a figure, in pixels."""


def figure(runs: Sequence[ComparedRun], datasets: Sequence[Dataset]) -> NDArray[np.uint8]:
    """A row of pictures for each run, under the photos and the truth. RGB uint8.

    Args:
        runs: with pictures of the same photos.
        datasets: theirs; the first one's masks are the truth shown.
    """
    names = sorted(set.intersection(*(set(run.pictures) for run in runs)))
    full = {photo.name: photo for photo in datasets[0].full()}
    photos = [read_photo(full[name].photo).pixels for name in names]
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
