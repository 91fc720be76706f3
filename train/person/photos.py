"""Photos with their persons' masks, read from Clothing Co-Parsing and from COCO."""

import contextlib
import hashlib
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from pix2seg.classes import BACKGROUND, SOMEBODY, load_scheme
from pix2seg.errors import DatasetError, PhotoError
from pix2seg.photo import read_photo
from pix2seg.preprocess.background import GREY
from pix2seg.preprocess.dataset.ccp import ccp_sources, read_labels
from pix2seg.preprocess.dataset.coco import region
from pix2seg.preprocess.dataset.dataset import read_image
from pix2seg.preprocess.dataset.split import Split, split_of
from pix2seg.preprocess.fit import Size
from pix2seg.preprocess.person.base import Person, choose

MOST_PEOPLE = 255
"""Labels have 8 bits; of larger groups the smallest persons are left out."""

CLASSES = "classes"
"""The folder beside `photos/` that says what is known of the people's classes, as `label_people`
writes it."""


@dataclass(frozen=True, eq=False)
class PersonPhoto:
    """A photo and who is in it.

    Args:
        name: the photo's name without folder and extension.
        pixels: RGB uint8 (H, W, 3).
        labels: uint8 (H, W), 0 where nobody is and 1, 2 ... on each person.
        classes: uint8 (H, W), ids of the scheme `four`, or `SOMEBODY`, on the people; None where
            their outlines alone are known.
    """

    name: str
    pixels: NDArray[np.uint8]
    labels: NDArray[np.uint8]
    classes: NDArray[np.uint8] | None = None


def read_person_photos(folder: Path, split: Split, longest: int = 0) -> Iterator[PersonPhoto]:
    """The photos of one side of the split, in the order of their names.

    Args:
        folder: CCP in its own layout, or a folder with a COCO annotation file `*.json` and
            `photos/`.
        split: "train" or "val"; see `pix2seg.preprocess.dataset.split`.
        longest: larger photos are shrunk to this longer side; 0 keeps them.

    Raises:
        DatasetError: the folder has neither layout, or a file is broken.
    """
    if (folder / "annotations" / "pixel-level").is_dir():
        photos = _read_ccp(folder, split)
    elif annotations := sorted(folder.glob("*.json")):
        photos = _read_coco(folder, annotations[0], split)
    else:
        raise DatasetError(
            f"{folder} is no person data set; give a folder with annotations/pixel-level "
            "(Clothing Co-Parsing) or with a COCO *.json and photos/"
        )
    for photo in photos:
        yield _shrink(photo, longest) if longest else photo


def read_people(folders: Sequence[Path], split: Split, longest: int = 0) -> list[PersonPhoto]:
    """The photos of one side of the split of several folders; see `read_person_photos`.

    Raises:
        DatasetError: there is none, or a folder has neither layout, or a file is broken.
    """
    photos = [p for folder in folders for p in read_person_photos(folder, split, longest)]
    if not photos:
        use = {"train": "trains", "val": "validates"}[split]
        raise DatasetError(
            f"no photo of {', '.join(map(str, folders))} {use}, as a hash of the names decides; "
            "give more photos"
        )
    return photos


def photos_fingerprint(photos: Iterable[PersonPhoto]) -> str:
    """Tells photos from others: by names, sizes, how many people each shows, and known classes."""
    digest = hashlib.sha256()
    for photo in photos:
        told = photo.name, *photo.labels.shape, int(photo.labels.max(initial=0))
        if photo.classes is not None:
            told += tuple(np.bincount(photo.classes.ravel()).tolist())
        digest.update(repr(told).encode(errors="surrogateescape"))
    return digest.hexdigest()[:16]


def main_person(labels: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Where the person is that a photo is about, by the extractors' own rule, bool (H, W)."""
    ids = [i for i in range(1, int(labels.max(initial=0)) + 1) if (labels == i).any()]
    return choose([Person.from_mask(labels == i, 1.0) for i in ids], labels.shape).mask


def _read_ccp(folder: Path, split: Split) -> Iterator[PersonPhoto]:
    for source in ccp_sources(folder):
        if source.split == split:
            labels = (read_labels(source.labels) > 0).astype(np.uint8)
            yield PersonPhoto(source.name, _read_pixels(source.photo, labels.shape), labels)


def _read_coco(folder: Path, annotations: Path, split: Split) -> Iterator[PersonPhoto]:
    for name, instances in _people_by_photo(annotations).items():
        file = folder / "photos" / name
        if split_of(file.stem) != split:
            continue
        try:
            photo = _with_people(file, instances)
        except (ValueError, KeyError, TypeError, OverflowError) as error:
            raise DatasetError(f"{annotations} has a broken mask for {name} ({error!r})") from error
        known = folder / CLASSES / f"{file.stem}.png"
        yield replace(photo, classes=_read_classes(known, photo)) if known.exists() else photo


def _people_by_photo(annotations: Path) -> dict[str, list[dict[str, Any]]]:
    """The persons' annotations by file name, in the order of the names."""
    from pycocotools.coco import COCO

    if annotations.name == "dataset.json":
        raise DatasetError(
            f"{annotations.parent} is a prepared data set; a person extractor learns from raw "
            "folders: give CCP's, or one with COCO's *.json and photos/"
        )
    try:
        with contextlib.redirect_stdout(io.StringIO()):  # it prints how long it takes
            coco = COCO(str(annotations))
        (person,) = coco.getCatIds(catNms=["person"])
        names = {str(image["file_name"]): i for i, image in coco.imgs.items()}
        found = {n: coco.loadAnns(coco.getAnnIds([names[n]], [person])) for n in sorted(names)}
    except (ValueError, KeyError, TypeError, AttributeError, AssertionError) as error:
        raise DatasetError(f"{annotations} is no COCO file with persons: {error!r}") from error
    return found


def _with_people(file: Path, instances: Sequence[Mapping[str, Any]]) -> PersonPhoto:
    """A photo with its persons drawn into the labels, and its crowds hidden.

    A crowd is one region without its persons' outlines, neither person nor background: turned
    grey, it costs nothing, whatever is found beside it.
    """
    pixels = _read_pixels(file)
    labels, crowds = np.zeros(pixels.shape[:2], np.uint8), np.zeros(pixels.shape[:2], bool)
    label = 0
    # Smaller persons last: where outlines overlap, the smaller mostly stands in front.
    for instance in sorted(instances, key=lambda instance: -instance["area"]):
        shown = region(instance["segmentation"], *pixels.shape[:2])
        if instance.get("iscrowd"):
            crowds |= shown
        elif label < MOST_PEOPLE:
            label += 1
            labels[shown] = label
    pixels[crowds & (labels == 0)] = GREY
    return PersonPhoto(file.stem, pixels, labels)


def _read_classes(file: Path, photo: PersonPhoto) -> NDArray[np.uint8]:
    """What is known of the people's classes, `SOMEBODY` where it is not."""
    classes = read_image(file)
    if classes.shape != photo.labels.shape:
        raise DatasetError(f"{file} is of another size than its photo")
    told = (classes > BACKGROUND) & (classes < len(load_scheme("four")))
    return np.where(told, classes, np.uint8(SOMEBODY))


def _read_pixels(file: Path, shape: tuple[int, ...] | None = None) -> NDArray[np.uint8]:
    try:
        pixels = read_photo(file).pixels
    except PhotoError as error:
        raise DatasetError(str(error)) from error
    if shape and pixels.shape[:2] != shape:
        raise DatasetError(f"{file} is of another size than its annotation")
    return pixels


def _shrink(photo: PersonPhoto, longest: int) -> PersonPhoto:
    height, width = photo.labels.shape
    scale = longest / max(width, height)
    if scale >= 1:
        return photo
    size = round(width * scale), round(height * scale)
    pixels = np.asarray(cv2.resize(photo.pixels, size, interpolation=cv2.INTER_AREA), np.uint8)
    classes = None if photo.classes is None else _shrink_ids(photo.classes, size)
    return PersonPhoto(photo.name, pixels, _shrink_ids(photo.labels, size), classes)


def _shrink_ids(ids: NDArray[np.uint8], size: Size) -> NDArray[np.uint8]:
    return np.asarray(cv2.resize(ids, size, interpolation=cv2.INTER_NEAREST_EXACT), np.uint8)
