"""Which photos are in which shard: written once, extended when the source has grown."""

import hashlib
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from itertools import islice
from typing import Any

from pix2seg.catalog.source import Item
from pix2seg.catalog.storage import Folder, import_pyarrow
from pix2seg.errors import CatalogError

PLAN = "_plan"
"""The plan's folder. Readers of Parquet folders pass over names that begin so."""

SHARDS_A_FILE = 1000
"""Shards of one plan file, each a row group of it; a file is held in memory while it is written."""


class Plan:
    """The photos of each shard.

    Args:
        folder: the catalogue's.

    Raises:
        CatalogError: the plan is broken.
    """

    def __init__(self, folder: Folder) -> None:
        self.folder = folder
        self._read()

    def _read(self) -> None:
        files = [name for name in self.folder.names(PLAN) if name.endswith(".parquet")]
        self.files = sorted(files, key=lambda name: (len(name), name))  # 99000 before 100000
        self.counts: list[int] = []
        """Photos in each shard."""
        self._places: list[tuple[str, int]] = []
        for name in self.files:
            with self._open(name) as file:
                metadata = file.metadata
            for group in range(metadata.num_row_groups):
                self.counts.append(metadata.row_group(group).num_rows)
                self._places.append((name, group))

    def __len__(self) -> int:
        return len(self.counts)

    def items(self, shard: int) -> list[Item]:
        """The photos of a shard, in order.

        Raises:
            CatalogError: the plan is broken.
        """
        name, group = self._places[shard]
        with self._open(name) as file:
            rows = file.read_row_group(group).to_pylist()
        return [Item(**row) for row in rows]

    def extend(self, found: Iterable[Item], shard_size: int) -> None:
        """Add the photos that no shard has yet, each once, in new shards.

        What another run plans meanwhile, this one does not plan again.

        Raises:
            CatalogError: a plan file is broken.
            OutputError: the plan cannot be written.
        """
        known = set(self._digests())
        new = _unknown(found, known)
        while batch := list(islice(new, shard_size * SHARDS_A_FILE)):
            while batch and not self._append(batch, shard_size):
                self._read()
                theirs = set(self._digests())
                known |= theirs
                batch = [item for item in batch if _digest(item.uri) not in theirs]

    def _append(self, items: list[Item], shard_size: int) -> bool:
        """Add photos in new shards, unless another run has added some since this plan was read."""
        name = f"{len(self):05d}.parquet"
        if not self.folder.create(f"{PLAN}/{name}", _plan_bytes(items, shard_size)):
            return False
        self.files.append(name)
        for group, start in enumerate(range(0, len(items), shard_size)):
            self.counts.append(len(items[start : start + shard_size]))
            self._places.append((name, group))
        return True

    def _digests(self) -> Iterator[bytes]:
        for name in self.files:
            with self._open(name) as file:
                for batch in file.iter_batches(columns=["uri"]):
                    yield from (_digest(uri) for uri in batch.column(0).to_pylist())

    @contextmanager
    def _open(self, name: str) -> Iterator[Any]:
        """A plan file to read; whatever Arrow says of it becomes one CatalogError."""
        pyarrow = import_pyarrow()
        try:
            yield pyarrow.parquet.ParquetFile(self.folder.open(f"{PLAN}/{name}"))
        except (OSError, ValueError) as error:
            raise CatalogError(f"{self.folder.place(PLAN)}/{name} is broken ({error})") from error


def _unknown(found: Iterable[Item], known: set[bytes]) -> Iterator[Item]:
    """The items whose URIs are not yet known, and from then on are."""
    for item in found:
        digest = _digest(item.uri)
        if digest not in known:
            known.add(digest)
            yield item


def _digest(uri: str) -> bytes:
    """Stands for a URI in a set of millions: 49 bytes of memory, however long the URI."""
    return hashlib.blake2b(os.fsencode(uri), digest_size=16).digest()


def _plan_bytes(items: list[Item], shard_size: int) -> bytes:
    pa = import_pyarrow()
    fields = {"uri": pa.string(), "file": pa.string(), "offset": pa.int64(), "size": pa.int64()}
    schema = pa.schema(fields)
    sink = pa.BufferOutputStream()
    with pa.parquet.ParquetWriter(sink, schema, compression="zstd") as writer:
        for start in range(0, len(items), shard_size):
            rows = [asdict(item) for item in items[start : start + shard_size]]
            writer.write_table(pa.Table.from_pylist(rows, schema), row_group_size=shard_size)
    return bytes(sink.getvalue())
