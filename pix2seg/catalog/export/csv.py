"""CSV: `colors.csv`, the table that `segment --table` writes, and `photos.csv`, a row a photo."""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pix2seg.catalog.export.base import Exported
from pix2seg.classes import Scheme
from pix2seg.colors.color import Color
from pix2seg.colors.table import COLUMNS, GARMENTS_CLASS
from pix2seg.files import atomic_write

PHOTOS = "images"
FACTS = ("file", "uri", "sha256", "width", "height", "quality", "review")


def write(folder: Path, photos: Iterator[Exported], scheme: Scheme) -> None:
    """Write the format; see `export_catalog`."""
    with (
        atomic_write(folder / "photos.csv") as one,
        atomic_write(folder / "colors.csv") as other,
        one.open("w", encoding="utf-8", newline="") as photos_file,
        other.open("w", encoding="utf-8", newline="") as colors_file,
    ):
        facts, colors = csv.writer(photos_file), csv.writer(colors_file)
        facts.writerow([*FACTS, "person", *(f"coverage {name}" for name in scheme.names)])
        colors.writerow(COLUMNS)
        for photo in photos:
            row = photo.row
            coverage = {c["class"]: c["share"] for c in row["coverage"]}
            facts.writerow(
                [*(row[key] for key in FACTS), row["person"]["found"]]
                + [coverage.get(name) for name in scheme.names]
            )
            colors.writerows(_color_rows(row))


def _color_rows(row: dict[str, Any]) -> Iterator[list[Any]]:
    """A catalogue's row as `rows_of` gives those of a table."""
    parts = [(p["class"], "", p) for p in row["palettes"]]
    parts += [(GARMENTS_CLASS, g["kind"], g) for g in row["garments"] or ()]
    for class_name, garment, part in parts:
        for rank, listed in enumerate(part["colors"], 1):
            color = Color.from_hex(listed["hex"])
            lab = [round(x, 1) + 0.0 for x in color.lab]
            yield [
                row["file"], row["sha256"], class_name, garment, part["coverage"], rank,
                listed["hex"], *color.rgb, *lab, listed["share"], listed["name"],
                "/".join(part["basic"]), row["quality"], row["review"],
            ]  # fmt: skip
