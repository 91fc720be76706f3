"""What every format does alike: choose rows, give names to files, copy photos, write files."""

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pix2seg.catalog.catalog import Catalog
from pix2seg.catalog.schema import OK, PhotoRow, read_mask_png
from pix2seg.catalog.source import Item
from pix2seg.catalog.storage import import_duckdb
from pix2seg.errors import CatalogError, PhotoError, near_matches
from pix2seg.files import atomic_write
from pix2seg.photo import file_bytes


@dataclass(frozen=True, eq=False)
class Exported:
    """A photo on its way into another format.

    Attributes:
        row: its row.
        file: its name in the export, a relative path with `/`; no two are the same.
        stem: the same without suffix; no two are the same either.
        mask: class ids, uint8 (H, W); of formats without masks None.
    """

    row: PhotoRow
    file: str
    stem: str
    mask: NDArray[np.uint8] | None

    def shape(self) -> tuple[int, int]:
        """(height, width)."""
        return self.row["height"], self.row["width"]


def exported_photos(
    catalog: Catalog, where: str | None, mask_column: str | None, *, copied: bool
) -> Iterator[Exported]:
    """The good rows of a catalogue, a shard at a time.

    Args:
        catalog: what to export.
        where: only rows of which this SQL condition holds.
        mask_column: where the masks are, or None if none are needed.
        copied: the photos are copied under their names, no two of which then differ in the suffix
            alone: what reads the export finds masks by it.

    Raises:
        CatalogError: the condition is wrong, or a row has no mask.
    """
    files: set[str] = set()
    stems: set[str] = set()
    for shard in sorted(catalog.done()):
        for row in _chosen(catalog.read(shard), where):
            data = row[mask_column] if mask_column else None
            if mask_column and data is None:
                raise CatalogError(
                    f"{catalog.folder.location} has no {mask_column} of {row['file']}; fill a new "
                    "catalogue with --masks" + (" --garments" if "garment" in mask_column else "")
                )
            file = _safe(row["file"])
            if copied:
                stem = _free(_without_suffix(file), stems)
                file = stem + PurePosixPath(file).suffix
            else:
                file = _free(file, files)
                stem = _without_suffix(file)
                if stem.casefold() in stems:  # `x.jpg` beside `x.png`
                    stem = file
                stem = _free(stem, stems)
            yield Exported(row, file, stem, read_mask_png(data) if data is not None else None)


def copy_photo(photo: Exported, folder: Path) -> None:
    """Copy a photo into a folder as it lies, under its name in the export.

    Raises:
        CatalogError: it cannot be read.
        PhotoError: it cannot be read, or has changed since it was catalogued.
        OutputError: it cannot be written.
    """
    row = photo.row
    found = Item(row["uri"], row["file"], row["offset"], row["size"]).read()
    data = found if isinstance(found, bytes) else file_bytes(found)
    if hashlib.sha256(data).hexdigest() != row["sha256"]:
        raise PhotoError(
            f"{row['uri']} has changed since it was catalogued; catalogue it anew, under another "
            "name or in a new catalogue"
        )
    write_file(folder / photo.file, data)


def write_file(path: Path, data: bytes | str) -> None:
    """Write a file, whole or not at all.

    Raises:
        OutputError: it cannot be written.
    """
    with atomic_write(path) as temporary:
        temporary.write_bytes(data.encode() if isinstance(data, str) else data)


def _chosen(table: Any, where: str | None) -> list[PhotoRow]:
    duckdb = import_duckdb()
    connection = duckdb.connect()
    connection.register("photos", table)
    found = connection.sql(f"SELECT * FROM photos WHERE status = '{OK}'")
    try:
        if where:
            found = found.filter(where)  # which takes one whole condition, and no more of a query
        rows: list[PhotoRow] = found.to_arrow_table().to_pylist()
    except duckdb.Error as error:
        reason = _reason(str(error), table.column_names)
        raise CatalogError(f"--where '{where}': {reason}") from None
    return rows


def _reason(message: str, columns: Sequence[str]) -> str:
    """What DuckDB says of a condition, in one line, and of an unknown column in words of ours."""
    unknown = re.search('Referenced column "(.+?)" not found', message)
    if not unknown:
        return message.splitlines()[0]
    meant = near_matches(unknown[1], columns) or f"there are {', '.join(columns)}"
    return f"no column '{unknown[1]}'; {meant}"


def _safe(file: str) -> str:
    """A photo's name as a relative path below an export's folder: `s3://a/b.jpg` is `a/b.jpg`."""
    named = re.sub(r"[\x00-\x1f\x7f]", "_", file)  # which XML and lists of names do not take
    parts = named.rpartition("://")[2].split("/")
    return "/".join(part for part in parts if part not in ("", ".", "..")) or "photo"


def _without_suffix(name: str) -> str:
    return str(PurePosixPath(name).with_suffix(""))


def _free(name: str, taken: set[str]) -> str:
    """A name, or where it is taken, the first free one with -2, -3 ... behind its stem.

    Args:
        name: a relative path with `/`.
        taken: the names that are, casefolded, as some file systems see them; the free one is added.
    """
    path, free = PurePosixPath(name), name
    for number in count(2):
        if free.casefold() not in taken:
            break
        free = str(path.with_stem(f"{path.stem}-{number}"))
    taken.add(free.casefold())
    return free
