"""Turn photos with label maps into a prepared data set (see `preprocess.dataset.dataset`)."""

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pix2seg.classes import Scheme
from pix2seg.errors import DatasetError, Pix2SegError, enough_memory
from pix2seg.files import atomic_write, indexed_image, write_image
from pix2seg.photo import read_photo
from pix2seg.preprocess.dataset.place import begin, finish, refuse_to_spoil
from pix2seg.preprocess.dataset.split import SPLITS, Split, draw
from pix2seg.preprocess.fit import Fit, Size
from pix2seg.preprocess.person import PersonExtractor, load_extractor
from pix2seg.workers import in_workers

JPEG_QUALITY = 95

LabelReader = Callable[[Path], NDArray[np.uint8]]

ExtractorLoader = Callable[..., PersonExtractor]
"""`load_extractor`, or what takes the same arguments."""


@dataclass(frozen=True)
class Source:
    """A photo and its label map, by file, and the side of the split that they belong to."""

    name: str
    photo: Path
    labels: Path
    split: Split

    def folders(self) -> tuple[Path, Path]:
        """The folders of photos and of labels, which `name` may lead into inner folders of."""
        inner = self.name.count("/")
        return self.photo.absolute().parents[inner], self.labels.absolute().parents[inner]


@dataclass(frozen=True)
class Prepared:
    """What became of one photo: its pixels per class, or what was wrong with it."""

    name: str
    pixels: NDArray[np.int64] | None
    error: str = ""


@dataclass(frozen=True)
class Preparation:
    """How photos are prepared.

    Attributes:
        out: the data set's folder.
        scheme: the classes.
        table: class id by label id, uint8; see `Scheme.lookup`.
        read_labels: reads a label map, uint8 (H, W).
        size: (width, height) that photos are fitted to.
        person: the extractor that finds the people, or None to leave them to the true masks.
        person_options: its options.
        crop: keep of each photo only what a segmenter with this extractor looks at.
        garment_table: garment kind by label id, uint8, or None where labels name no garments.
        load: gives the extractor by its name and options.
    """

    out: Path
    scheme: Scheme
    table: NDArray[np.uint8]
    read_labels: LabelReader
    size: Size
    person: str | None = None
    person_options: Mapping[str, Any] = field(default_factory=dict)
    crop: bool = False
    garment_table: NDArray[np.uint8] | None = None
    load: ExtractorLoader = load_extractor

    def extractor(self) -> PersonExtractor:
        """The extractor that `person` names, which must not be None."""
        assert self.person
        return _extractor(self.load, self.person, tuple(self.person_options.items()))

    def prepare(self, source: Source) -> Prepared:
        """Write one photo and its mask; an error becomes part of the result."""
        try:
            with enough_memory(source.photo):
                return self._write(source, *self._read(source))
        except Pix2SegError as error:
            return Prepared(source.name, None, str(error))

    def fault(self, source: Source) -> str:
        """What is wrong with a photo or its label map; empty if nothing is. Writes nothing."""
        try:
            with enough_memory(source.photo):
                self._read(source)
        except Pix2SegError as error:
            return str(error)
        return ""

    def _read(self, source: Source) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """A photo, RGB uint8 (H, W, 3), and its label map, uint8 (H, W).

        Raises:
            PhotoError: the photo cannot be read.
            DatasetError: the label map cannot be read, or fits neither photo nor table.
        """
        pixels = read_photo(source.photo).pixels
        labels = self.read_labels(source.labels)
        if labels.shape != pixels.shape[:2]:
            raise DatasetError(
                f"{source.labels} is {labels.shape[1]}x{labels.shape[0]}, but its photo "
                f"{pixels.shape[1]}x{pixels.shape[0]}"
            )
        if labels.max(initial=0) >= len(self.table):
            two = " (0 and 255 are for schemes of two classes)" if labels.max() == 255 else ""
            raise DatasetError(
                f"{source.labels} has label {labels.max()}; the highest is {len(self.table) - 1}"
                f"{two}"
            )
        return pixels, labels

    def _write(
        self, source: Source, pixels: NDArray[np.uint8], labels: NDArray[np.uint8]
    ) -> Prepared:
        mask = self.table[labels]
        part = slice(None), slice(None)
        fit = Fit((pixels.shape[1], pixels.shape[0]), self.size)
        if self.person:
            found = self.extractor().find(pixels)
            if self.crop:
                part = found.part(self.size)
                fit = Fit.of_person(found.mask[part], self.size)
        seen = pixels[part]
        self._write_photo(self.out / "photos" / f"{source.name}.jpg", fit.photo(seen))
        self._write_mask(self.out / "masks" / f"{source.name}.png", fit.mask(mask[part]))
        if self.garment_table is not None:
            garments = self.garment_table[labels]
            _write_plain(self.out / "garments" / f"{source.name}.png", fit.mask(garments[part]))
        if self.person:
            visible = fit.mask(found.visible(margin=0)[part].astype(np.uint8))
            _write_plain(self.out / "people" / f"{source.name}.png", visible * 255)
        if source.split == "val":
            full = self.out / "full"
            copy = full / "photos" / f"{source.name}{source.photo.suffix}"
            with atomic_write(copy) as temporary:
                shutil.copyfile(source.photo, temporary)
            self._write_mask(full / "masks" / f"{source.name}.png", mask)
            if self.garment_table is not None:
                _write_plain(full / "garments" / f"{source.name}.png", garments)
        return Prepared(source.name, np.bincount(mask.ravel(), minlength=256)[: len(self.scheme)])

    def _write_photo(self, path: Path, pixels: NDArray[np.uint8]) -> None:
        image = Image.fromarray(pixels)
        write_image(path, image, "JPEG", quality=JPEG_QUALITY, subsampling=0)

    def _write_mask(self, path: Path, mask: NDArray[np.uint8]) -> None:
        image = indexed_image(mask, self.scheme)
        # Pillow writes no more bits than the palette needs, which would be too few for `UNKNOWN`.
        image.putpalette(self.scheme.colors.tobytes().ljust(3 * 256, b"\xff"))
        write_image(path, image, "PNG")


def showing_class(
    sources: Sequence[Source], class_id: int, table: NDArray[np.uint8], read_labels: LabelReader
) -> list[Source]:
    """The sources whose label maps hold a class.

    Args:
        sources: photos with label maps.
        class_id: which class.
        table: class id by label id, uint8.
        read_labels: reads a label map, uint8 (H, W).
    """
    labels = np.flatnonzero(table == class_id)
    return [source for source in sources if np.isin(read_labels(source.labels), labels).any()]


def on_both_sides(sources: Sequence[Source]) -> list[Source]:
    """The sources, one of which changes sides where so few were drawn that a side has none.

    Which one only depends on the names. As long as both sides have photos, nothing changes.
    """
    if len(sources) < 2 or len({source.split for source in sources}) == len(SPLITS):
        return list(sources)
    moved = min(sources, key=lambda source: draw(source.name))
    other: Split = "val" if moved.split == "train" else "train"
    return [replace(s, split=other) if s is moved else s for s in sources]


def _write_plain(path: Path, pixels: NDArray[np.uint8]) -> None:
    write_image(path, Image.fromarray(pixels), "PNG")


@cache
def _extractor(
    load: ExtractorLoader, name: str, options: tuple[tuple[str, Any], ...]
) -> PersonExtractor:
    """Loaded once in each process."""
    return load(name, **dict(options))


def prepare(
    sources: Sequence[Source], preparation: Preparation, facts: dict[str, Any]
) -> Iterator[Prepared]:
    """Prepare all photos on all cores, then write `split.json` and `dataset.json`.

    What was there before is only removed once a photo of each split is known to be usable. Every
    file is written whole, and the two JSON files last, so a broken-off run leaves no data set that
    looks complete; running it again removes what is there and writes everything anew.

    Args:
        sources: what to prepare.
        preparation: how.
        facts: further facts for `dataset.json`, such as where the photos come from.

    Yields:
        What became of each photo, as it is done, in order.

    Raises:
        DatasetError: no photo could be used, one split would have none, or there is no extractor
            to crop by.
        OutputError: the folder cannot be written, holds the photos themselves or other files
            that are no data set's, or lies among the photos or labels.
        PersonError: the extractor is unknown or not installed.
    """
    if preparation.crop and not preparation.person:
        raise DatasetError("--crop needs to know where the people are; add --person mask-rcnn")
    files = [file for source in sources for file in (source.photo, source.labels)]
    folders = {folder for source in sources for folder in source.folders()}
    refuse_to_spoil(preparation.out, files, folders)
    if preparation.person:  # an unknown or missing extractor is told before anything is removed
        version = preparation.extractor().version
        options = {
            key: str(value)
            for key, value in preparation.person_options.items()
            if value is not None and key != "trust"  # whom to trust is not for a file to say
        }
        found = {"extractor": preparation.person, "person_options": options}
        facts = {**facts, "person": version, **found, "crop": preparation.crop}
    _refuse_empty_splits(sources, _first_faults(sources, preparation))
    begin(preparation.out)
    done, faults = [], {}
    for result in _prepare_all(sources, preparation):
        yield result
        if result.pixels is not None:
            done.append(result)
        else:
            faults[result.name] = result.error
    _refuse_empty_splits(sources, faults)
    sides = {source.name: source.split for source in sources}
    names = {split: [r.name for r in done if sides[r.name] == split] for split in SPLITS}
    finish(preparation.out, names, {**facts, **_summary(done, preparation)})


def _first_faults(sources: Sequence[Source], preparation: Preparation) -> dict[str, str]:
    """What is wrong with photos, by name, up to the first of each split that can be used."""
    faults, found = {}, set[Split]()
    for source in sources:
        if source.split in found:
            continue
        if fault := preparation.fault(source):
            faults[source.name] = fault
        else:
            found.add(source.split)
    return faults


def _refuse_empty_splits(sources: Sequence[Source], faults: Mapping[str, str]) -> None:
    """Refuse photos of which a split would have none.

    Args:
        sources: all that were given.
        faults: what is wrong with those that cannot be used, by name.

    Raises:
        DatasetError: no photo can be used, or none of a split.
    """
    if faults and len(faults) == len(sources):
        first = next(iter(faults.values()))
        raise DatasetError(f"none of {len(sources)} photos could be used; the first: {first}")
    for split in SPLITS:
        if all(source.name in faults for source in sources if source.split == split):
            raise DatasetError(
                f"of {len(sources)} photos, none that could be used fell into the {split} split; "
                "give more photos"
            )


def _prepare_all(sources: Sequence[Source], preparation: Preparation) -> Iterator[Prepared]:
    """What becomes of each photo, in order, worked out on all cores."""
    try:
        yield from in_workers(preparation.prepare, sources, chunksize=4)
    except BrokenProcessPool:
        raise DatasetError(
            "a process that prepared photos was killed, for want of memory it may be; free some, "
            "or give smaller photos"
        ) from None


def _summary(done: list[Prepared], preparation: Preparation) -> dict[str, Any]:
    pixels = np.array([r.pixels for r in done], np.int64)
    shares = pixels.sum(0) / pixels.sum()
    in_photos = (pixels > 0).mean(0)
    return {
        "scheme": preparation.scheme.to_dict(),
        "size": list(preparation.size),
        "photos": len(done),
        "garments": preparation.garment_table is not None,
        "classes": {
            name: {"pixels": round(float(p), 5), "photos": round(float(q), 5)}
            for name, p, q in zip(preparation.scheme.names, shares, in_photos, strict=True)
        },
    }
