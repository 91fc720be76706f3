"""CSV: `colors.csv`, the table that `segment --table` writes, and `photos.csv`, a row a photo."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pix2seg.catalog.export.base import Exported
from pix2seg.catalog.schema import PhotoRow
from pix2seg.classes import Scheme
from pix2seg.colors.color import Color
from pix2seg.colors.palette import Palette, Swatch
from pix2seg.colors.photo_colors import FEW_COLORED
from pix2seg.colors.row import COLUMNS, GARMENTS_CLASS, Row
from pix2seg.colors.table import csv_lines
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
        colored = [name for name in scheme.foreground if name not in FEW_COLORED]
        head = [*FACTS, "person", *(f"coverage {name}" for name in scheme.names)]
        photos_file.write(csv_lines([head + [f"feed {name}" for name in colored]]))
        colors_file.write(csv_lines([COLUMNS]))
        for photo in photos:
            row = photo.row
            coverage = {c["class"]: c["share"] for c in row["coverage"]}
            facts = [*(row[key] for key in FACTS), row["person"]["found"]]
            facts += [coverage.get(name) for name in scheme.names]
            feeds = {palette["class"]: _feed(palette) for palette in row["palettes"]}
            facts += [feeds.get(name, "") for name in colored]
            photos_file.write(csv_lines([facts]))
            colors_file.write(csv_lines(color.cells().values() for color in _color_rows(row)))


def _feed(palette: Mapping[str, Any]) -> str:
    """What a shop feed says of a class, as the palette JSON has it."""
    colors = [(Color.from_hex(listed["hex"]), listed["share"]) for listed in palette["colors"]]
    swatches = tuple(Swatch(color, color, share) for color, share in colors)
    return Palette(swatches, palette["coverage"]).feed


def _color_rows(row: PhotoRow) -> Iterator[Row]:
    """A catalogue's row as `rows_of` gives those of a table."""
    parts = [(p["class"], "", p) for p in row["palettes"]]
    parts += [(GARMENTS_CLASS, g["kind"], g) for g in row["garments"] or ()]
    for class_name, garment, part in parts:
        for rank, listed in enumerate(part["colors"], 1):
            color = Color.from_hex(listed["hex"])
            lightness, a, b = (round(x, 1) + 0.0 for x in color.lab)
            yield Row(
                row["file"], row["sha256"], class_name, garment, part["coverage"], rank,
                listed["hex"], *color.rgb, lightness, a, b, listed["share"], listed["name"],
                "/".join(part["basic"]), row["quality"], row["review"] or "", part.get("score"),
            )  # fmt: skip
