"""Where colours are looked for: the shards of a catalogue, or a table of `--table`."""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from pix2seg.catalog.book import Catalog
from pix2seg.catalog.search import ListedColor, ListedPhoto, Near
from pix2seg.catalog.storage import import_duckdb
from pix2seg.classes import load_scheme
from pix2seg.colors.color import Color
from pix2seg.colors.space import Floats
from pix2seg.colors.table import Row, read_table
from pix2seg.errors import CatalogError

BATCH = 1 << 15
"""Colours that DuckDB hands over at once: CIEDE2000 of more takes three times as long for each."""

MEMORY = "300MB"
"""DuckDB's share; what it hands over comes on top."""

SHARDS_KEPT = 64
"""Shards whose photos are looked at last are kept, for matches lie together."""


def open_listing(place: str) -> "CatalogListing | TableListing":
    """A table by its suffix, or a catalogue.

    Raises:
        CatalogError: there is no catalogue.
        ColorError: there is no table, or it is broken.
    """
    if place.lower().endswith((".csv", ".jsonl", ".parquet")):
        return TableListing(Path(place))
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
        self._rows = lru_cache(SHARDS_KEPT)(self._read)

    def kinds(self) -> list[str]:
        """The scheme's classes and, where garments were looked for, their kinds."""
        names = [c["name"] for c in self.catalog.facts["scheme"]["classes"][1:]]
        if self.catalog.facts["options"]["garments"]:
            names += [name for name in load_scheme("garments").foreground if name not in names]
        return names

    def near(self, boxes: Sequence[Floats], of: str | None) -> Iterator[Near]:
        """See `Listing`."""
        if not self.shards:
            return
        files = [self.catalog.place(shard) for shard in self.shards]
        query = f"""
            SELECT (file_index::BIGINT << 32) + file_row_number AS key, L, a, b, share FROM (
                SELECT file_index, file_row_number, unnest(search.L) AS L, unnest(search.a) AS a,
                    unnest(search.b) AS b, unnest(search.share) AS share
                    {', unnest(search."of") AS kind' if of else ""}
                FROM read_parquet($files, file_row_number = true)
            ) WHERE {_inside(boxes)} {"AND kind = $kind" if of else ""}"""
        parameters = {"files": files} | ({"kind": of} if of else {})
        for batch in _batches(self.connection, query, parameters):
            labs = np.column_stack([batch[axis].astype(np.float64) for axis in "Lab"])
            yield Near(batch["key"], labs, batch["share"].astype(np.float64))

    def photo(self, key: int) -> ListedPhoto:
        """See `Listing`."""
        row = self._rows(self.shards[key >> 32])[key & 0xFFFFFFFF]
        parts = [(p["class"], p["colors"]) for p in row["palettes"]]
        parts += [(g["kind"], g["colors"]) for g in row["garments"] or ()]
        colors = [(of, color) for of, listed in parts for color in listed]
        search = row["search"]
        labs = zip(search["L"], search["a"], search["b"], strict=True)
        return ListedPhoto(
            row["file"],
            row["uri"],
            [
                ListedColor(of, color["hex"], color["name"], color["share"], lab)
                for (of, color), lab in zip(colors, labs, strict=True)
            ],
        )

    def _read(self, shard: int) -> list[dict[str, Any]]:
        columns = ("uri", "file", "palettes", "garments", "search")
        rows: list[dict[str, Any]] = self.catalog.read(shard, columns).to_pylist()
        return rows


class TableListing:
    """A table of `--table`, in memory; photos have keys in the order of their names.

    Raises:
        ColorError: the table is missing or broken.
    """

    def __init__(self, path: Path) -> None:
        rows = sorted(read_table(path), key=lambda row: (row["file"], row["sha256"], row["rank"]))
        self.photos: list[ListedPhoto] = []
        keys, before = [], None
        for row in rows:
            if (row["file"], row["sha256"]) != before:
                before = row["file"], row["sha256"]
                self.photos.append(ListedPhoto(row["file"], None, []))
            self.photos[-1].colors.append(_listed_color(row))
            keys.append(len(self.photos) - 1)
        colors = [color for photo in self.photos for color in photo.colors]
        self.of = np.array([color.of for color in colors])
        self.all = Near(
            np.array(keys, np.int64),
            np.array([color.lab for color in colors]).reshape(-1, 3),
            np.array([color.share for color in colors]),
        )

    def kinds(self) -> list[str]:
        """The classes and garments of its rows."""
        return sorted(set(self.of.tolist()))

    def near(self, boxes: Sequence[Floats], of: str | None) -> Iterator[Near]:
        """See `Listing`."""
        labs = self.all.labs
        inside = [((labs >= low) & (labs <= high)).all(axis=1) for low, high in boxes]
        chosen = np.any(inside, axis=0) & ((self.of == of) | (of is None))
        yield Near(self.all.keys[chosen], labs[chosen], self.all.shares[chosen])

    def photo(self, key: int) -> ListedPhoto:
        """See `Listing`."""
        return self.photos[key]


def _listed_color(row: Row) -> ListedColor:
    """A table's row. It tells L*a*b* in tenths; the hex code tells it exactly."""
    lab = Color.from_hex(row["hex"]).lab
    return ListedColor(row["garment"] or row["class"], row["hex"], row["name"], row["share"], lab)


def _connect() -> Any:
    connection = import_duckdb().connect()
    connection.execute(f"SET memory_limit = '{MEMORY}'")
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
    duckdb = import_duckdb()
    try:
        relation = connection.sql(query, params=parameters)
        for batch in relation.to_arrow_reader(BATCH):
            yield {
                name: batch.column(name).to_numpy(zero_copy_only=False)
                for name in batch.schema.names
            }
    except duckdb.Error as error:
        raise CatalogError(f"cannot search: {str(error).splitlines()[0]}") from error
