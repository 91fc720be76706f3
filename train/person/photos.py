"""Photos with their persons' masks, read from Clothing Co-Parsing and from COCO."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from pix2seg.errors import DatasetError
from pix2seg.preprocess.dataset.split import Split, split_of
from pix2seg.preprocess.person.base import Person, choose


@dataclass(frozen=True, eq=False)
class PersonPhoto:
    """A photo and who is in it.

    Args:
        name: the photo's name without folder and extension.
        pixels: RGB uint8 (H, W, 3).
        labels: uint8 (H, W), 0 where nobody is and 1, 2 ... on each person.
    """

    name: str
    pixels: NDArray[np.uint8]
    labels: NDArray[np.uint8]


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


def main_person(labels: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Where the person is that a photo is about, by the extractors' own rule, bool (H, W)."""
    ids = [i for i in range(1, int(labels.max(initial=0)) + 1) if (labels == i).any()]
    return choose([Person.from_mask(labels == i, 1.0) for i in ids], labels.shape).mask


def _read_ccp(folder: Path, split: Split) -> Iterator[PersonPhoto]:
    from scipy.io import loadmat

    for file in sorted((folder / "annotations" / "pixel-level").glob("*.mat")):
        if split_of(file.stem) != split:
            continue
        try:
            labels = loadmat(file)["groundtruth"]
        except (OSError, ValueError, KeyError) as error:
            raise DatasetError(f"{file} is no CCP annotation: {error}") from error
        pixels = _read_pixels(folder / "photos" / f"{file.stem}.jpg")
        yield PersonPhoto(file.stem, pixels, (labels > 0).astype(np.uint8))


def _read_coco(folder: Path, annotations: Path, split: Split) -> Iterator[PersonPhoto]:
    try:
        coco = json.loads(annotations.read_text("utf-8"))
        person = next(c["id"] for c in coco["categories"] if c["name"] == "person")
        images = sorted(coco["images"], key=lambda image: str(image["file_name"]))
        instances: dict[int, list[dict[str, Any]]] = {image["id"]: [] for image in images}
        for instance in coco["annotations"]:
            if instance["category_id"] == person:
                instances[instance["image_id"]].append(instance)
    except (ValueError, KeyError, StopIteration) as error:
        raise DatasetError(f"{annotations} is no COCO file with persons: {error!r}") from error
    for image in images:
        name, here = Path(image["file_name"]).stem, instances[image["id"]]
        # A crowd is one region without its persons' outlines: neither person nor background.
        if split_of(name) != split or any(instance["iscrowd"] for instance in here):
            continue
        pixels = _read_pixels(folder / "photos" / image["file_name"])
        yield PersonPhoto(name, pixels, _draw(here, pixels.shape[:2]))


def _draw(instances: list[dict[str, Any]], shape: tuple[int, ...]) -> NDArray[np.uint8]:
    labels = np.zeros(shape, np.uint8)
    # Smaller persons last: where outlines overlap, the smaller mostly stands in front.
    for i, instance in enumerate(sorted(instances, key=lambda a: -a["area"])[:255]):
        for part in instance["segmentation"]:
            outline = np.round(np.array(part, np.float32).reshape(-1, 2)).astype(np.int32)
            cv2.fillPoly(labels, [outline], (i + 1,))
    return labels


def _read_pixels(file: Path) -> NDArray[np.uint8]:
    bgr = cv2.imread(str(file), cv2.IMREAD_COLOR)
    if bgr is None:
        raise DatasetError(f"{file} is missing or no photo")
    return np.ascontiguousarray(bgr[..., ::-1], np.uint8)


def _shrink(photo: PersonPhoto, longest: int) -> PersonPhoto:
    height, width = photo.labels.shape
    scale = longest / max(width, height)
    if scale >= 1:
        return photo
    size = round(width * scale), round(height * scale)
    pixels = cv2.resize(photo.pixels, size, interpolation=cv2.INTER_AREA)
    labels = cv2.resize(photo.labels, size, interpolation=cv2.INTER_NEAREST_EXACT)
    return PersonPhoto(photo.name, np.asarray(pixels, np.uint8), np.asarray(labels, np.uint8))
