"""Many photos from files to files, in overlapping steps or in several processes."""

import json
import pickle
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from pix2seg.colors.names import NameList
from pix2seg.colors.palette import Palette
from pix2seg.colors.row import Row
from pix2seg.colors.table import read_table
from pix2seg.cores import thread_count
from pix2seg.errors import Pix2SegError, enough_memory
from pix2seg.files import write_png
from pix2seg.garments import FIRST_GARMENT, kinds
from pix2seg.inputs import InputPhoto, check_name
from pix2seg.memory import keep_freed_memory
from pix2seg.overlap import overlapped
from pix2seg.result import Segmentation
from pix2seg.saving import PERSON, of_person, result_file
from pix2seg.segmenter import Segmenter


@dataclass(frozen=True)
class Outputs:
    """What is to be written of each photo.

    Attributes:
        out: the folder.
        colors: find the colours, and write swatches and JSON.
        pictures: write files at all; without, colours are found and told alone.
        review: the folder for overlays of photos that should be looked at, or None.
        everyone: each person has results of their own.
        cutouts, hard_edges, garments, map: see `Segmentation.save`.
        max_colors, names: see `Segmentation.colors`.
    """

    out: Path
    colors: bool = False
    pictures: bool = True
    review: Path | None = None
    everyone: bool = False
    cutouts: bool = False
    hard_edges: bool = False
    garments: bool = False
    map: bool = False
    max_colors: int | None = None
    names: NameList = "css"

    def files(self, photo: InputPhoto) -> list[Path]:
        """The files that tell that a photo is done: those of what every photo of people shows."""
        kinds = ["mask.png", "overlay.png"]
        kinds += [f"{PERSON}.png"] if self.cutouts else []
        kinds += ["garments.png"] if self.garments else []
        kinds += ["map.png"] if self.map else []
        if self.colors:
            kinds += ["palette.png", "palette.json"]
        base = self.out / photo.stem
        files = [result_file(base, kind) for kind in kinds]
        return files + ([result_file(of_person(base, 1), "mask.png")] if self.everyone else [])

    def are_written(self, photo: InputPhoto) -> bool:
        """Whether all that is wanted of a photo is there.

        With colours, so is the overlay of a photo to be looked at where these are collected. Where
        garments and cut-outs are wanted, so is a cut-out of each kind: two runs that wanted
        one of both leave the files that tell of it, and no such cut-out.
        """
        if not all(file.is_file() for file in self.files(photo)) or self._is_uncollected(photo):
            return False
        if not (self.cutouts and self.garments):
            return True
        base = self.out / photo.stem
        try:
            with Image.open(result_file(base, "garments.png")) as image:
                ids = np.unique(np.asarray(image))
            worn = [kinds().names[i] for i in ids if i >= FIRST_GARMENT]
        except (OSError, ValueError, IndexError):
            return False
        return all(result_file(base, f"{kind}.png").is_file() for kind in worn)

    def document(self, photo: InputPhoto) -> dict[str, Any] | None:
        """The palette JSON that was written of a photo, or None if it cannot be read."""
        file = result_file(self.out / photo.stem, "palette.json")
        try:
            document = json.loads(file.read_text("utf-8"))
        except (OSError, ValueError):
            return None
        return document if isinstance(document, dict) else None

    def _is_uncollected(self, photo: InputPhoto) -> bool:
        """Whether a photo should be looked at, as its palette JSON says, and is not collected."""
        if not (self.review and self.colors):
            return False
        document = self.document(photo)
        overlay = result_file(self.review / photo.stem, "overlay.png")
        return document is None or bool(document.get("review") and not overlay.is_file())


@dataclass(frozen=True)
class Done:
    """What there is to tell of a photo whose results are written.

    Attributes:
        device: where the networks ran.
        model: see `Segmentation`.
        coverage: share of the photo, 0..1, of each class but the background.
        palettes: by class name; empty unless colours were wanted.
        garments: kind, score and palette of each, if they were wanted.
        document: the palette JSON as plain data, if colours were wanted.
        quality, review, seconds: see `Segmentation`.
    """

    device: str
    model: Mapping[str, str]
    coverage: Mapping[str, float]
    palettes: Mapping[str, Palette]
    garments: Sequence[tuple[str, float, Palette]]
    document: dict[str, Any] | None
    quality: float
    review: str | None
    seconds: float


class Existing(NamedTuple):
    """What an earlier run has done.

    Attributes:
        photos: those whose results are there.
        rows: of the table, all but those of photos that are still open.
        documents: the palette JSON of each of the photos, if it was wanted.
    """

    photos: set[InputPhoto]
    rows: list[Row]
    documents: list[dict[str, Any]]


def find_existing(
    photos: Sequence[InputPhoto], outputs: Outputs, table: Path | None, *, documents: bool = False
) -> Existing:
    """What need not be done again; of photos that an earlier run may have confused, all is.

    Args:
        photos: the photos.
        outputs: what is to be written of each, pictures among it.
        table: where rows are written too; a photo without a row there counts as open.
        documents: palette JSON is wanted of each photo; one without a readable file of it counts
            as open.

    Raises:
        ColorError: the table is broken.
    """
    # Whose results these names bear depends on which photos there were.
    unsure = {photo.relative.with_suffix("") for photo in photos if photo.keeps_suffix}
    there = {
        photo
        for photo in photos
        if (photo.keeps_suffix or photo.relative.with_suffix("") not in unsure)
        and outputs.are_written(photo)
    }
    told = {photo: outputs.document(photo) for photo in there} if documents else {}
    there -= {photo for photo, document in told.items() if document is None}
    rows: list[Row] = []
    if table is not None:
        rows = read_table(table) if table.exists() else []
        listed, counts = {row.file for row in rows}, Counter(p.relative for p in photos)
        there = {p for p in there if p.relative.as_posix() in listed and counts[p.relative] == 1}
        again = {photo.relative.as_posix() for photo in photos if photo not in there}
        rows = [row for row in rows if row.file not in again]
    kept = [told.get(photo) for photo in photos if photo in there]
    return Existing(there, rows, [document for document in kept if document])


def segment_files(
    segmenter: Segmenter, photos: Sequence[InputPhoto], outputs: Outputs, max_pixels: int
) -> Iterator[Done | Pix2SegError]:
    """Segment photos and write the results: one photo is read and one written beside the work.

    Yields:
        What there is to tell of each photo in turn, or what was wrong with it.
    """
    names = [photo.relative.as_posix() for photo in photos]
    paths = (photo.path for photo in photos)
    results = segmenter.map(paths, names=names, max_pixels=max_pixels)
    yield from overlapped(
        partial(_finish, outputs, segmenter.device), zip(photos, results, strict=True)
    )


def segment_files_in_processes(
    arguments: Mapping[str, Any],
    photos: Sequence[InputPhoto],
    outputs: Outputs,
    max_pixels: int,
    processes: int,
) -> Iterator[Done | Pix2SegError]:
    """As `segment_files`, in several processes, each with a segmenter of its own.

    Args:
        arguments: of the segmenters.
        photos: the photos.
        outputs: what is to be written.
        max_pixels: larger photos are refused.
        processes: how many; they share the cores.

    Raises:
        Pix2SegError: a process was killed.
    """
    from concurrent.futures.process import BrokenProcessPool

    from pix2seg.workers import in_workers

    step = partial(_segment_file, pickle.dumps(dict(arguments)), outputs, max_pixels)
    threads = max(thread_count() // processes, 1)
    try:
        yield from in_workers(step, photos, processes=processes, threads=threads)
    except BrokenProcessPool:
        raise Pix2SegError(
            "a process that segmented photos was killed, for want of memory it may be; take fewer "
            "--jobs"
        ) from None


def _segment_file(
    arguments: bytes, outputs: Outputs, max_pixels: int, photo: InputPhoto
) -> Done | Pix2SegError:
    (done,) = segment_files(_segmenter(arguments), [photo], outputs, max_pixels)
    return done


@cache
def _segmenter(arguments: bytes) -> Segmenter:
    keep_freed_memory()
    return Segmenter(**pickle.loads(arguments))


def _finish(
    outputs: Outputs, device: str, item: tuple[InputPhoto, Segmentation | Pix2SegError]
) -> Done | Pix2SegError:
    photo, result = item
    if isinstance(result, Pix2SegError):
        return result
    try:
        with enough_memory(photo.path):
            check_name(photo)
            return _write(outputs, device, photo, result)
    except Pix2SegError as error:
        return error


def _write(outputs: Outputs, device: str, photo: InputPhoto, result: Segmentation) -> Done:
    if outputs.review and result.review:  # before what tells that the photo is done
        overlay = result.overlay(garments=outputs.garments)
        write_png(result_file(outputs.review / photo.stem, "overlay.png"), overlay)
    if outputs.pictures:
        result.save(
            outputs.out,
            photo.stem,
            cutouts=outputs.cutouts,
            hard_edges=outputs.hard_edges,
            garments=outputs.garments,
            map=outputs.map,
        )
    found = None
    if outputs.colors:
        found = result.colors(outputs.max_colors, garments=outputs.garments, names=outputs.names)
        if outputs.pictures:
            found.save(outputs.out / photo.stem)
    worn = found.garments if found else result.garments() if outputs.garments else None
    return Done(
        device=device,
        model=result.model,
        coverage={n: s for n, s in result.coverage().items() if n in result.scheme.foreground},
        palettes=found.palettes if found else {},
        garments=[(g.kind, g.score, g.palette) for g in worn or ()],
        document=found.document() if found else None,
        quality=result.quality,
        review=result.review,
        seconds=result.seconds,
    )
