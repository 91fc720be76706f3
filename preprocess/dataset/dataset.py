"""A prepared data set: fitted photos and masks in a folder that training and evaluation read.

dataset.json      scheme, size, counts, each class's share of pixels and photos; written last:
                  until then, unfinished.json says whose files these are
split.json        names of the training and the validation photos
photos/NAME.jpg   photos fitted to the network's size
masks/NAME.png    their masks, pixel value = class id
garments/NAME.png the kind of garment of each pixel, an id of scheme `garments`, if it is known
people/NAME.png   255 where an extractor found the person, if `prepare --person` was asked to
full/photos/...   the validation photos as they came, and
full/masks/...    their masks, and
full/garments/... their garments at that size: `pix2seg evaluate` scores these
"""

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, PositiveInt, ValidationError

from pix2seg.classes import Scheme
from pix2seg.errors import DatasetError, first_fault, is_out_of_memory, reason_of
from pix2seg.preprocess.dataset.split import FIRST_TENTH, Split
from pix2seg.preprocess.fit import Size

Model = TypeVar("Model", bound=BaseModel)

FAMILY = "pix2seg.dataset/"
"""Begins the format of each version's data sets."""

FORMAT = f"{FAMILY}1"

TELLING = ("scheme", "size", "photos", "classes", "garments", "person", "person_options", "crop")
"""Facts that tell a data set from others; where it came from does not."""


class Facts(BaseModel):
    """What `dataset.json` must say, and what it may.

    Attributes:
        scheme: the classes, as `Scheme.from_dict` takes them.
        size: width and height of the fitted photos.
        source: where the photos come from.
        classes: each class's share of pixels and photos, by name.
        garments: whether the kinds of garments are known.
        fold: the photos that validate.
        person: the version of the extractor that found the people.
        extractor: its name, or None where it is not known.
        person_options: its options.
        crop: each photo has what a segmenter with this extractor looks at, and no more.
        tagged: photos are among them that weights labelled by their tags.
    """

    model_config = ConfigDict(strict=True, extra="allow")

    scheme: dict[str, Any]
    size: list[PositiveInt] = Field(min_length=2, max_length=2)
    source: str
    classes: dict[str, dict[str, float]]
    garments: bool = False
    fold: str = str(FIRST_TENTH)
    person: str = ""
    extractor: str | None = None
    person_options: dict[str, Any] = {}
    crop: bool = False
    tagged: bool = False


class Names(BaseModel):
    """What `split.json` says: the names of the photos of each split."""

    model_config = ConfigDict(strict=True, extra="forbid")

    train: list[str] = Field(min_length=1)
    val: list[str] = Field(min_length=1)


@dataclass(frozen=True)
class FullPhoto:
    """A validation photo as it came: its file, and its mask and garments at the same size."""

    name: str
    photo: Path
    mask: Path
    garments: Path | None


class Dataset:
    """A folder that `pix2seg prepare` wrote.

    Args:
        root: the folder.

    Raises:
        DatasetError: the folder was not written by `pix2seg prepare`, or not to the end, or one
            of its two JSON files is broken.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        facts = _read_json(root / "dataset.json", root)
        if isinstance(facts, dict) and facts.get("format") != FORMAT:
            raise DatasetError(
                f"{root} is not a prepared data set of this version; prepare it anew"
            )
        self.facts = _check(root / "dataset.json", facts, Facts)
        self._told = {key: facts.get(key) for key in TELLING}
        splits = _read_json(root / "split.json", root)
        _check(root / "split.json", splits, Names)
        self.splits: dict[Split, list[str]] = splits

    @cached_property
    def scheme(self) -> Scheme:
        """The scheme of the masks."""
        return Scheme.from_dict(self.facts.scheme)

    @property
    def size(self) -> Size:
        """(width, height) of the fitted photos."""
        width, height = self.facts.size
        return width, height

    def names(self, split: Split) -> list[str]:
        """Names of a split's photos, sorted."""
        return self.splits[split]

    def summary(self) -> dict[str, Any]:
        """What a weights file says of the data: where from, how many photos, at which size."""
        counts = {str(split): len(names) for split, names in self.splits.items()}
        return {"source": self.facts.source, "size": self.facts.size, **counts}

    def fingerprint(self) -> str:
        """Tells it from other data sets: by names, classes and their shares, not by pixels."""
        told = json.dumps([self._told, self.splits], sort_keys=True)
        return hashlib.sha256(told.encode()).hexdigest()[:16]

    def read(self, name: str) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """The fitted photo, RGB uint8 (H, W, 3), and its mask, uint8 (H, W).

        Raises:
            DatasetError: a file is missing or broken.
        """
        photo = read_image(self.root / "photos" / f"{name}.jpg", "RGB")
        return photo, read_image(self.root / "masks" / f"{name}.png")

    @property
    def has_garments(self) -> bool:
        """Whether the kinds of garments are known."""
        return self.facts.garments

    def read_garments(self, name: str) -> NDArray[np.uint8]:
        """The kind of garment of each pixel of the fitted photo, uint8 (H, W).

        Raises:
            DatasetError: a file is missing or broken.
        """
        return read_image(self.root / "garments" / f"{name}.png")

    @property
    def has_people(self) -> bool:
        """Whether an extractor's masks are there."""
        return bool(self.facts.person)

    def read_person(self, name: str) -> NDArray[np.uint8]:
        """What an extractor found in the fitted photo, uint8 (H, W), 0 or 255.

        Raises:
            DatasetError: a file is missing or broken.
        """
        return read_image(self.root / "people" / f"{name}.png")

    def full(self) -> list[FullPhoto]:
        """The validation photos at their own size."""
        photos, masks = self.root / "full" / "photos", self.root / "full" / "masks"
        files = {f.relative_to(photos).with_suffix("").as_posix(): f for f in photos.rglob("*.*")}
        missing = [name for name in self.names("val") if name not in files]
        if missing:
            raise DatasetError(f"{photos} lacks {missing[0]}; prepare the data set anew")
        garments = self.root / "full" / "garments" if self.has_garments else None
        return [
            FullPhoto(n, files[n], masks / f"{n}.png", garments and garments / f"{n}.png")
            for n in self.names("val")
        ]


def read_image(path: Path, mode: str | None = None) -> NDArray[np.uint8]:
    """An image of 8 bits, such as the project writes itself, uint8 (H, W) or (H, W, channels).

    Args:
        path: the file.
        mode: Pillow's mode to convert it to; by default the pixels are taken as they are.

    Raises:
        DatasetError: the file is missing or broken, or has values of more than 8 bits.
    """
    from PIL import Image

    try:
        with Image.open(path) as image:
            pixels = np.asarray(image.convert(mode) if mode else image)
    except Exception as error:  # each of Pillow's decoders raises its own kind for a broken file
        if is_out_of_memory(error):
            raise
        raise DatasetError(f"cannot read {path} as a picture ({error})") from error
    if pixels.dtype.itemsize > 1 and not ((pixels >= 0) & (pixels <= 255)).all():
        raise DatasetError(f"{path} has values up to {pixels.max()}; save it with 8 bits a pixel")
    return pixels.astype(np.uint8)


def _read_json(path: Path, root: Path) -> Any:
    try:
        return json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise DatasetError(
            f"{root} is not a prepared data set (no {path.name}); make one with pix2seg prepare"
        ) from None
    except OSError as error:
        raise DatasetError(f"cannot read {path}: {reason_of(error)}") from error
    except (ValueError, RecursionError) as error:
        raise DatasetError(f"{path} is broken ({error}); prepare the data set anew") from error


def _check(path: Path, data: Any, model: type[Model]) -> Model:
    """What a file said, if it is what it must say."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise DatasetError(
            f"{path} is broken ({first_fault(error)}); prepare the data set anew"
        ) from None
