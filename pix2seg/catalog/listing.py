"""Where colours are looked for: the shards of a catalogue, or a table of `--table`."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pix2seg.catalog.catalog import Catalog
from pix2seg.catalog.schema import colors_of, labs_of
from pix2seg.catalog.search import ListedColor, ListedPhoto, Near
from pix2seg.catalog.storage import import_duckdb, import_pyarrow
from pix2seg.classes import load_scheme
from pix2seg.colors.color import Color
from pix2seg.colors.names import plain
from pix2seg.colors.space import Floats, to_lab
from pix2seg.colors.table import FORMATS, read_table
from pix2seg.errors import CatalogError, ColorError

BATCH = 1 << 15
"""Colours that DuckDB hands over at once: CIEDE2000 of more takes three times as long for each."""

MEMORY = "300MB"
"""DuckDB's share; what it hands over comes on top."""

SHARDS_KEPT = 64
"""Shards whose photos are looked at last are kept, for matches lie together."""

PLAIN = r"replace(regexp_replace(lower({}), '[\s-]', '', 'g'), 'gray', 'grey')"
"""What `plain` does to a name, in SQL."""

PHOTO_COLUMNS = ("uri", "file", "palettes", "garments")
"""What is read of a match's photo."""


def open_listing(place: str) -> "CatalogListing | TableListing":
    """A table by its suffix, or a catalogue.

    Raises:
        CatalogError: there is no catalogue.
        ColorError: there is no table, or it is broken.
    """
    if place.lower().endswith(FORMATS):
        return TableListing(Path(place))
    if Path(place).is_file():
        raise ColorError(
            f"{place} is no table; give one that --table wrote ({', '.join(FORMATS)}), or a "
            "catalogue's folder"
        )
    return CatalogListing(Catalog(place))


class CatalogListing:
    """The shards of a catalogue that are done; a photo's key is its shard and row."""

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog
        self.shards = sorted(catalog.done())
        self.connection = _connect()
        if catalog.folder.remote:
            from fsspec.implementations.arrow import ArrowFSWrapper

            self.connection.register_filesystem(ArrowFSWrapper(catalog.folder.system))
        else:
            # Of small files at hand, two threads take half as much CPU time again.
            self.connection.execute("SET threads = 1")
        self._table = lru_cache(SHARDS_KEPT)(partial(catalog.read, columns=PHOTO_COLUMNS))

    def kinds(self) -> list[str]:
        """The scheme's classes and, where garments were looked for, their kinds."""
        names = [c["name"] for c in self.catalog.facts["scheme"]["classes"][1:]]
        if self.catalog.facts["options"]["garments"]:
            names += [name for name in load_scheme("garments").foreground if name not in names]
        return names

    def near(self, boxes: Sequence[Floats], kinds: Sequence[str]) -> Iterator[Near]:
        """See `Listing`."""
        if not self.shards:
            return
        files = [self.catalog.index(shard) for shard in self.shards]
        query = f"""
            SELECT (file_index::BIGINT << 32) + row AS key, L, a, b, share,
                list_position($kinds, "of")::BIGINT - 1 AS kind
            FROM read_parquet($files)
            WHERE {_inside(boxes)} AND "of" IN $kinds"""
        parameters = {"files": files, "kinds": list(kinds)}
        for batch in _batches(self.connection, query, parameters):
            labs = np.column_stack([batch[axis].astype(np.float64) for axis in "Lab"])
            yield Near(batch["key"], batch["kind"], labs, batch["share"].astype(np.float64))

    def named(self, name: str, kinds: Sequence[str]) -> Iterator[Near]:
        """See `Listing`. The index has no names, so the photos' palettes are looked through."""
        parameters = {
            "files": [self.catalog.place(shard) for shard in self.shards],
            "kinds": list(kinds),
            "name": name,
        }
        for column, of in (("palettes", "class"), ("garments", "kind")) if self.shards else ():
            # A lateral join of the colours would take ten times as long as unnesting twice.
            query = f"""
                SELECT key, list_position($kinds, part."{of}")::BIGINT - 1 AS kind,
                    color.hex AS hex, color.share AS share
                FROM (SELECT key, part, unnest(part.colors) AS color
                    FROM (SELECT (file_index::BIGINT << 32) + file_row_number AS key,
                        unnest({column}) AS part FROM read_parquet($files))
                    WHERE part."{of}" IN $kinds)
                WHERE {PLAIN.format("color.name")} = $name"""
            for batch in _batches(self.connection, query, parameters):
                labs = labs_of(batch["hex"].tolist()).astype(np.float64)
                yield Near(batch["key"], batch["kind"], labs, batch["share"])

    def photo(self, key: int) -> ListedPhoto:
        """See `Listing`."""
        (row,) = self._table(self.shards[key >> 32]).slice(key & 0xFFFFFFFF, 1).to_pylist()
        colors = list(colors_of(row))
        labs = labs_of([color["hex"] for _, _, color in colors]).tolist()
        listed = [
            ListedColor(of, color["hex"], color["name"], color["share"], lab, score)
            for (of, score, color), lab in zip(colors, labs, strict=True)
        ]
        return ListedPhoto(row["file"], row["uri"], listed)


class TableListing:
    """A table of `--table`, in memory; photos have keys in the order of their names.

    Rows of each person alone are left out: what they show is in those of the whole photo.

    Raises:
        ColorError: the table is missing or broken.
    """

    def __init__(self, path: Path) -> None:
        whole = (row for row in read_table(path) if row.person is None)
        rows = sorted(whole, key=lambda row: (row.file, row.sha256, row.rank))
        self.photos: list[ListedPhoto] = []
        keys, before = [], None
        # The table tells L*a*b* in tenths; the hex codes tell it exactly.
        labs = to_lab(np.array([Color.from_hex(row.hex).components for row in rows]).reshape(-1, 3))
        for row, lab in zip(rows, labs.tolist(), strict=True):
            if (row.file, row.sha256) != before:
                before = row.file, row.sha256
                self.photos.append(ListedPhoto(row.file, None, []))
            of = row.garment or row.class_
            self.photos[-1].colors.append(
                ListedColor(of, row.hex, row.name, row.share, lab, row.score)
            )
            keys.append(len(self.photos) - 1)
        colors = [color for photo in self.photos for color in photo.colors]
        self._kinds = sorted({color.of for color in colors})
        if any(row.garment for row in rows):
            garments = load_scheme("garments").foreground
            self._kinds += [name for name in garments if name not in self._kinds]
        self.all = Near(
            np.array(keys, np.int64),
            np.array([self._kinds.index(color.of) for color in colors], np.int64),
            labs,
            np.array([color.share for color in colors]),
        )

    def kinds(self) -> list[str]:
        """The classes and garments of its rows and, where garments were looked for, all kinds."""
        return list(self._kinds)

    def near(self, boxes: Sequence[Floats], kinds: Sequence[str]) -> Iterator[Near]:
        """See `Listing`."""
        labs = self.all.labs
        inside = [((labs >= low) & (labs <= high)).all(axis=1) for low, high in boxes]
        yield self._chosen(np.any(inside, axis=0), kinds)

    def named(self, name: str, kinds: Sequence[str]) -> Iterator[Near]:
        """See `Listing`."""
        names = (plain(color.name) for photo in self.photos for color in photo.colors)
        yield self._chosen(np.array([each == name for each in names], np.bool_), kinds)

    def photo(self, key: int) -> ListedPhoto:
        """See `Listing`."""
        return self.photos[key]

    def _chosen(self, chosen: NDArray[np.bool_], kinds: Sequence[str]) -> Near:
        """Those of some colours, bool (N,), that are of some classes and garments."""
        places = np.array([kinds.index(k) if k in kinds else -1 for k in self._kinds], np.int64)
        near = replace(self.all, kinds=places[self.all.kinds])
        return near[chosen & (near.kinds >= 0)]


def _connect() -> Any:
    connection = import_duckdb().connect()
    connection.execute(f"SET memory_limit = '{MEMORY}'; SET enable_progress_bar = false")
    return connection


def _inside(boxes: Sequence[Floats]) -> str:
    """The SQL condition that a colour lies in one of some boxes."""
    sides = [
        " AND ".join(
            f"{axis} BETWEEN {low!r} AND {high!r}"
            for axis, low, high in zip("Lab", *box.tolist(), strict=True)
        )
        for box in boxes
    ]
    return "(" + " OR ".join(f"({side})" for side in sides) + ")"


def _batches(connection: Any, query: str, parameters: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A query's answer in pieces: NumPy arrays by column.

    Raises:
        CatalogError: a file is broken.
    """
    pyarrow, duckdb = import_pyarrow(), import_duckdb()
    try:
        relation = connection.sql(query, params=parameters)
        for batches in _gathered(relation.to_arrow_reader(BATCH)):
            table = pyarrow.Table.from_batches(batches)
            yield {name: table[name].to_numpy() for name in table.column_names}
    except duckdb.Error as error:
        raise CatalogError(f"cannot search: {str(error).splitlines()[0]}") from error


def _gathered(batches: Iterable[Any]) -> Iterator[list[Any]]:
    """Batches in lists of about `BATCH` rows: DuckDB hands over what it finds, file by file."""
    gathered: list[Any] = []
    rows = 0
    for batch in batches:
        gathered.append(batch)
        rows += batch.num_rows
        if rows >= BATCH:
            yield gathered
            gathered, rows = [], 0
    if gathered:
        yield gathered
