"""A catalogue in other programs' formats, a module each."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from pix2seg.catalog.catalog import Catalog
from pix2seg.catalog.export.base import Exported, copy_photo, exported_photos
from pix2seg.classes import Scheme
from pix2seg.errors import CatalogError, OutputError, PhotoError, Pix2SegError, reason_of
from pix2seg.files import UNFINISHED
from pix2seg.garments import kinds

FORMATS = ("coco", "csv", "cvat", "imagefolder", "labelstudio", "voc")
"""Each is a module here, with `write(folder, photos, scheme)`, and `PHOTOS`, the photos' folder."""

EXPORT = f"{UNFINISHED}export"
"""What is not yet whole lies in a folder of this name, inside the export's."""

NEED_MASKS = ("coco", "cvat", "labelstudio", "voc")


class Export(NamedTuple):
    """What became of an export.

    Attributes:
        photos: how many were exported.
        left_out: what is wrong with each photo that could not be copied.
    """

    photos: int
    left_out: list[Pix2SegError]


def export_catalog(
    catalog: Catalog,
    to: str,
    folder: Path,
    *,
    where: str | None = None,
    garments: bool = False,
    photos: bool = False,
) -> Export:
    """Write a catalogue's good rows for another program.

    A photo that is to be copied, but is gone or has changed since it was catalogued, is left out:
    its mask would be another photo's.

    Args:
        catalog: what to export.
        to: one of `FORMATS`.
        folder: a new folder; what is written appears in it when all is. Where no photo is
            exported, none is made.
        where: only rows of which this SQL condition holds.
        garments: write garments' masks, not the classes'.
        photos: copy the photos too; `imagefolder` always does.

    Returns:
        How many photos were exported, and what was left out.

    Raises:
        CatalogError: the format or the condition is unknown, or the catalogue or the format lacks
            masks.
        OutputError: the folder is not empty, or cannot be written.
    """
    if to not in FORMATS:
        raise CatalogError(f"no format '{to}'; take {', '.join(FORMATS)}")
    if folder.exists() and (not folder.is_dir() or any(f.name != EXPORT for f in folder.iterdir())):
        raise OutputError(f"{folder} is not empty; export to a new folder")
    with_masks = to in NEED_MASKS or (to == "imagefolder" and catalog.facts["options"]["masks"])
    if garments and not with_masks:
        raise CatalogError(f"{to} would have no masks of garments or classes; leave --garments out")
    column = ("garment_mask" if garments else "mask") if with_masks else None
    module = import_module(f"pix2seg.catalog.export.{to}")
    copied = photos or to == "imagefolder"
    count, left_out = 0, list[Pix2SegError]()

    def counted(unfinished: Path) -> Iterator[Exported]:
        nonlocal count
        for photo in exported_photos(catalog, where, column, copied=copied):
            try:
                if copied:
                    copy_photo(photo, unfinished / module.PHOTOS)
            except (CatalogError, PhotoError) as error:
                left_out.append(error)
                continue
            yield photo
            count += 1

    scheme = kinds() if garments else Scheme.from_dict(catalog.facts["scheme"])
    with _whole(folder) as unfinished:
        exported = counted(unfinished)
        if first := next(exported, None):
            module.write(unfinished, chain([first], exported), scheme)
    return Export(count, left_out)


@contextmanager
def _whole(folder: Path) -> Iterator[Path]:
    """A folder to write to, whose content moves to where it belongs when it is whole.

    It lies inside, not beside: a folder that is mounted, or the current one, cannot be replaced.

    Raises:
        OutputError: the content cannot be moved.
    """
    unfinished = folder / EXPORT
    shutil.rmtree(unfinished, ignore_errors=True)  # of an export that was killed
    try:
        yield unfinished
        for part in list(unfinished.iterdir()) if unfinished.exists() else ():
            part.rename(folder / part.name)
    except OSError as error:
        raise OutputError(f"cannot write {folder}: {reason_of(error)}") from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
