"""An opened catalogue: what `catalog.json` says of it, and which of its shards are done."""

import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any

from pydantic import TypeAdapter

from pix2seg.catalog.plan import Plan
from pix2seg.catalog.schema import PhotoRow, index_bytes, shard_bytes
from pix2seg.catalog.storage import Folder, import_pyarrow
from pix2seg.classes import Scheme
from pix2seg.errors import CatalogError, SchemeError

SCHEMA = "pix2seg.catalog/1"
FACTS = "catalog.json"
SHARD, STATS = ".parquet", "_stats.json"
INDEX = "_colors"
MARK = re.compile(rf"(\d{{5,}}){re.escape(STATS)}")


@dataclass(frozen=True)
class Stats:
    """What became of a shard's photos."""

    photos: int
    ok: int
    failed: int
    seconds: float


class Catalog:
    """A catalogue's folder.

    Args:
        location: a path or URI.

    Attributes:
        facts: `catalog.json`.
        plan: the photos of each shard.

    Raises:
        CatalogError: there is no catalogue.
    """

    def __init__(self, location: str) -> None:
        self.folder = Folder(location)
        if FACTS not in self.folder.names():
            raise CatalogError(
                f"{location} is no catalogue (no {FACTS}); make one with pix2seg catalog run"
            )
        self.facts = _parse_facts(self.folder)
        self.plan = Plan(self.folder)

    @classmethod
    def begin(cls, location: str, facts: Mapping[str, Any]) -> "Catalog":
        """Open the catalogue of these facts, or make it where there is none.

        Args:
            location: a path or URI.
            facts: as `catalog.json` shall have them.

        Raises:
            CatalogError: the folder holds something else, or a catalogue of other facts; the
                message names what differs.
            OutputError: it cannot be written there.
        """
        facts = json.loads(json.dumps({"schema": SCHEMA, **facts}))  # tuples become lists
        folder = Folder(location)
        names = folder.names()
        if FACTS not in names:
            if names:
                raise CatalogError(f"{location} holds other files; give a new folder")
            folder.write(FACTS, (json.dumps(facts, indent=2) + "\n").encode())
        catalog = cls(location)
        catalog.refuse_other(facts)
        return catalog

    def refuse_other(self, facts: Mapping[str, Any]) -> None:
        """Refuse facts that are not this catalogue's.

        Raises:
            CatalogError: names all differences.
        """
        if differences := "; ".join(_differences(self.facts, facts)):
            raise CatalogError(
                f"{self.folder.location} was begun with {differences}: go on with that, or give a "
                "new folder"
            )

    def done(self) -> set[int]:
        """The shards that are done."""
        marks = map(MARK.fullmatch, self.folder.names())
        return {int(mark[1]) for mark in marks if mark}

    def stats(self, among: Collection[int] | None = None) -> dict[int, Stats]:
        """The counts of the shards that are done, of all or of some, by shard, in order.

        Raises:
            CatalogError: one cannot be read.
        """
        shards = [shard for shard in sorted(self.done()) if among is None or shard in among]
        with ThreadPoolExecutor(16) as readers:  # far away, each takes its time
            return dict(zip(shards, readers.map(self.counts, shards), strict=True))

    def counts(self, shard: int) -> Stats:
        """The counts of a shard that is done.

        Raises:
            CatalogError: they cannot be read.
        """
        try:
            return TypeAdapter(Stats).validate_json(self.folder.read(_name(shard) + STATS))
        except ValueError as error:
            raise CatalogError(f"{self.place(shard)}: its counts are broken") from error

    def place(self, shard: int) -> str:
        """The path or URI of a shard."""
        return self.folder.place(_name(shard) + SHARD)

    def index(self, shard: int) -> str:
        """The path or URI of the index of a shard's colours."""
        return self.folder.place(f"{INDEX}/{_name(shard)}{SHARD}")

    def read(self, shard: int, columns: Sequence[str] | None = None) -> Any:
        """A shard, or some columns of it, as an Arrow table.

        Raises:
            CatalogError: it cannot be read.
        """
        pyarrow = import_pyarrow()
        try:
            with self.folder.open(_name(shard) + SHARD) as file:
                return pyarrow.parquet.read_table(file, columns=columns and list(columns))
        except (OSError, ValueError) as error:
            raise CatalogError(f"{self.place(shard)} is broken ({error})") from error

    def rows(self, shard: int) -> list[PhotoRow]:
        """A shard's rows."""
        rows: list[PhotoRow] = self.read(shard).to_pylist()
        return rows

    def all_rows(self) -> Iterator[PhotoRow]:
        """The rows of every shard that is done, a shard at a time."""
        for shard in sorted(self.done()):
            yield from self.rows(shard)

    def write(self, shard: int, rows: Sequence[PhotoRow], stats: Stats) -> None:
        """Write a shard and the index of its colours, then its mark.

        Raises:
            OutputError: it cannot be written.
        """
        self.folder.write(_name(shard) + SHARD, shard_bytes(rows))
        self.folder.write(f"{INDEX}/{_name(shard)}{SHARD}", index_bytes(rows))
        self.folder.write(_name(shard) + STATS, (json.dumps(asdict(stats)) + "\n").encode())


def _name(shard: int) -> str:
    return f"{shard:05d}"


def _parse_facts(folder: Folder) -> dict[str, Any]:
    try:
        facts: dict[str, Any] = json.loads(folder.read(FACTS))
    except ValueError as error:
        raise CatalogError(f"{folder.place(FACTS)} is broken ({error})") from error
    if not isinstance(facts, dict) or facts.get("schema") != SCHEMA:
        raise CatalogError(f"{folder.place(FACTS)} is not of this version ({SCHEMA})")
    if not isinstance(facts.get("options"), dict) or "garments" not in facts["options"]:
        raise CatalogError(f"{folder.place(FACTS)} is broken (it lacks options)")
    try:
        Scheme.from_dict(facts.get("scheme", {}))
    except SchemeError as error:
        raise CatalogError(f"{folder.place(FACTS)} is broken ({error})") from error
    return facts


def _differences(
    there: Mapping[str, Any], wanted: Mapping[str, Any], of: str = ""
) -> Iterator[str]:
    """What differs between facts, such as `--flip off, not on`."""
    for key in sorted({*there, *wanted}):
        old, new = there.get(key), wanted.get(key)
        if isinstance(old, dict) and isinstance(new, dict):
            yield from _differences(old, new, "--" if key == "options" else f"{of}{key} ")
        elif old != new:
            name = key.replace("_", "-") if of == "--" else key
            yield f"{of}{name} {_shown(old)}, not {_shown(new)}"


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, list):  # of classes
        return " ".join(str(each["name"]) for each in value)
    return "none" if value is None else str(value)
