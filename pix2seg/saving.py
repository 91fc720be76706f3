"""The files of a result."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from pix2seg.files import indexed_image, write_png

if TYPE_CHECKING:
    from pix2seg.colors.names import NameList
    from pix2seg.result import Segmentation

PERSON = "person"
"""The name of the cut-out of all classes together, and of what is one person's."""

SINGLE = re.compile(rf"\.{PERSON}\d+$")
"""What `of_person` adds to a name."""


def result_file(base: Path, name: str) -> Path:
    """`BASE.name`, such as `out/photo.mask.png`, whatever points there are in the base."""
    return base.with_name(f"{base.name}.{name}")


def of_person(base: Path, number: int) -> Path:
    """Folder and first part of the names of one person's files, counted from 1."""
    return result_file(base, f"{PERSON}{number}")


def save(
    result: "Segmentation",
    base: Path,
    *,
    colors: bool,
    max_colors: int | None = None,
    names: "NameList" = "css",
    cutouts: bool,
    hard_edges: bool,
    garments: bool,
    map: bool,
) -> list[Path]:
    """Write a result's files, `BASE.mask.png` and so on; see `Segmentation.save`.

    What tells that all of a kind are there, as `batch.Outputs.files` names it, is written after
    the others, for an earlier result with fewer wishes may have left the mask.

    Raises:
        OutputError: a file cannot be written.
        WeightsError: the weights name no garments.
    """
    written: list[Path] = []
    for number, one in reversed(list(enumerate(result.people, 1))):
        written += save(
            one,
            of_person(base, number),
            colors=False,  # everyone's are told in one document
            cutouts=cutouts,
            hard_edges=hard_edges,
            garments=garments,
            map=map,
        )
    for name, picture in _pictures(result, cutouts, hard_edges, garments, map):
        written.append(result_file(base, f"{name}.png"))
        write_png(written[-1], picture)
    if colors:
        written += result.colors(max_colors, garments=garments, names=names).save(base)
    return written


def _pictures(
    result: "Segmentation", cutouts: bool, hard_edges: bool, garments: bool, map: bool
) -> Iterator[tuple[str, Image.Image]]:
    """What is written, by name, one after the other; the mask last: then all is there."""
    yield "overlay", result.overlay(garments=garments)
    if map:
        yield "map", Image.fromarray(result.map)
    if cutouts:
        parts = result.cutouts(garments=garments, hard_edges=hard_edges)
        person = next(parts, None)
        yield from parts
        if person:
            yield person
    if garments:
        yield "garments", result.garment_image()
    yield "mask", indexed_image(result.mask, result.scheme)
