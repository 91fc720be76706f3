"""A folder of one's own photos with a folder of their masks."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pix2seg.errors import DatasetError
from pix2seg.photo import SUFFIXES
from pix2seg.preprocess.dataset.dataset import read_image
from pix2seg.preprocess.dataset.prepare import Source, on_both_sides
from pix2seg.preprocess.dataset.split import FIRST_TENTH, Fold, split_of

WHITE = 255

SEGMENTED, NAMED = ".mask", ".garments"
"""`pix2seg segment`, and the page of `pix2seg serve`, write the mask of NAME as NAME.mask.png, and
its garments as NAME.garments.png."""


def folder_sources(
    photos: Path, masks: Path, fold: Fold = FIRST_TENTH, *, ending: str = SEGMENTED
) -> list[Source]:
    """Pair each mask with the photo of the same name, sorted by name.

    Copies of a photo, byte by byte, are on the side of the split that the first of their names
    draws, so that none validates that was trained on under another name.

    Args:
        photos: folder of photos, with any inner folders.
        masks: folder of indexed PNGs in the same inner folders. Where some are named as
            `pix2seg segment` names masks, those alone: other pictures lie beside them.
        fold: the photos that validate; see `on_both_sides`.
        ending: what it adds to the photo's name, `SEGMENTED` or `NAMED`.

    Raises:
        DatasetError: a folder is missing, there is no mask, or a mask has two photos.

    A mask without a photo is a source all the same: to prepare it names what is missing.
    """
    for folder in (photos, masks):
        if not folder.is_dir():
            raise DatasetError(f"{folder} is not a folder")
    found = sorted(masks.rglob(f"*{ending}.png")) or sorted(masks.rglob("*.png"))
    names = {mask: _name(mask, masks).removesuffix(ending) for mask in found}
    wanted = set(names.values())
    files: dict[str, Path] = {}
    for file in _photos_in(photos, found):
        name = _name(file, photos)
        if name in files and name in wanted:
            raise DatasetError(f"{files[name]} and {file} have the same name; rename one")
        files[name] = file
    sources = [
        Source(name, files.get(name, photos / name), mask, split_of(name, fold))
        for mask, name in names.items()
    ]
    if not sources:
        raise DatasetError(f"{masks} holds no PNG masks")
    contents = [_content(source.photo) for source in sources]
    firsts: dict[str, Source] = {}
    for content, source in zip(contents, sources, strict=True):
        firsts.setdefault(content, source)
    drawn = zip(firsts, on_both_sides(list(firsts.values())), strict=True)
    sides = {content: first.split for content, first in drawn}
    return [replace(s, split=sides[c]) for c, s in zip(contents, sources, strict=True)]


def _content(photo: Path) -> str:
    """The same for files of the same bytes; a file that cannot be read is like no other."""
    try:
        with photo.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return str(photo)


def without_mask(photos: Path, sources: Sequence[Source]) -> list[Path]:
    """The photos of a folder that no mask of some sources belongs to, sorted.

    What `pix2seg segment` wrote beside photos, such as NAME.overlay.png, is no photo.
    """
    names, used = {source.name for source in sources}, {source.photo for source in sources}
    files = _photos_in(photos, (source.labels for source in sources))
    named = [(file, _name(file, photos)) for file in files if file not in used]
    return [f for f, name in named if not names & {name, name.rpartition(".")[0]}]


def _photos_in(folder: Path, masks: Iterable[Path]) -> list[Path]:
    masks = set(masks)
    return sorted(
        file
        for file in folder.rglob("*")
        if file.suffix.lower() in SUFFIXES and file.is_file() and file not in masks
    )


def read_mask(path: Path) -> NDArray[np.uint8]:
    """An indexed mask, uint8 (H, W): a pixel's value is its class id.

    Raises:
        DatasetError: the file is broken or has colour channels.
    """
    mask = read_image(path)
    if mask.ndim != 2:
        raise DatasetError(f"{path} has colour channels; save it as an indexed or grey PNG")
    return mask


def read_mask_of_two(path: Path) -> NDArray[np.uint8]:
    """The same of two classes, whose mask may have 0 and 255, as image editors write it.

    Raises:
        DatasetError: the file is broken or has colour channels.
    """
    mask = read_mask(path)
    if mask.max() == WHITE and not np.any((mask > 0) & (mask < WHITE)):
        return np.asarray(mask == WHITE, np.uint8)
    return mask


def _name(file: Path, root: Path) -> str:
    return file.relative_to(root).with_suffix("").as_posix()
