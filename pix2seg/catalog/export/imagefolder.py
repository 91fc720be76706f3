"""Hugging Face's imagefolder: the photos, and `metadata.jsonl` with a line for each."""

import json
from collections.abc import Iterator
from pathlib import Path

from pix2seg.catalog.export.base import Exported, write_file
from pix2seg.catalog.schema import mask_png
from pix2seg.classes import Scheme
from pix2seg.files import atomic_write

PHOTOS, MASKS = "images", "masks"
"""Two folders, for a photo may be called as another's mask is."""

KEPT = (
    "uri", "sha256", "width", "height", "person", "coverage", "quality", "review", "palettes",
    "garments",
)  # fmt: skip
"""Columns of the catalogue that the metadata keeps."""


def write(folder: Path, photos: Iterator[Exported], scheme: Scheme) -> None:
    """Write the format; see `export_catalog`. With masks, `mask` is an image of its own."""
    with (
        atomic_write(folder / "metadata.jsonl") as temporary,
        temporary.open("w", encoding="utf-8") as file,
    ):
        for photo in photos:
            line = {"file_name": f"{PHOTOS}/{photo.file}"}
            line |= {key: photo.row[key] for key in KEPT}
            if photo.mask is not None:
                line["mask_file_name"] = f"{MASKS}/{photo.stem}.png"
                write_file(folder / line["mask_file_name"], mask_png(photo.mask, scheme, bits=8))
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
