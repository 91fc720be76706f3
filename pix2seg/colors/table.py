"""One table for many photos: a row for each colour, as CSV, JSON Lines or Parquet."""

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pix2seg.colors.row import COLUMNS, Row
from pix2seg.errors import ColorError, OutputError, is_out_of_memory
from pix2seg.files import append_whole, atomic_write

FORMATS = (".csv", ".jsonl", ".parquet")

ROW_GROUP = 10_000
"""Rows that are written to Parquet together."""

OWN_COLUMNS = {"file", "sha256"}
"""Every version's tables have them."""

DOCUMENT_KEYS = {"image", "classes"}
"""Every version's palette documents have them."""

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for a formula begins so."""

QUOTE = "'"
"""Tells a spreadsheet that what follows is text."""


def check_format(path: Path) -> None:
    """Refuse a table that could not be written, before any work.

    Raises:
        ColorError: the suffix is unknown, or Parquet's library is missing.
    """
    if path.suffix.lower() not in FORMATS:
        raise ColorError(f"{path} is no table; name it {', '.join('*' + f for f in FORMATS)}")
    if path.suffix.lower() == ".parquet":
        _parquet()


def check_own(path: Path, *, json_lines: bool = False) -> None:
    """Refuse to replace a file with content that is no earlier table of this program.

    Args:
        path: where a table is to be written.
        json_lines: it is a file of palette documents, a line of JSON each, whatever its suffix.

    Raises:
        OutputError: it is somebody else's file.
    """
    if not path.is_file() or not path.stat().st_size:
        return
    needed = DOCUMENT_KEYS if json_lines else OWN_COLUMNS
    try:
        own = needed <= set(_first_line(path) if json_lines else _columns(path))
    except Exception as error:  # whatever json and pyarrow stumble over in a file of another kind
        if is_out_of_memory(error):
            raise
        own = False
    if not own:
        kind = "lines of palette JSON" if json_lines else "table"
        raise OutputError(
            f"{path} is there, and holds no {kind} of pix2seg; name another file, or remove it"
        )


def write_table(path: Path, rows: Sequence[Row]) -> None:
    """Write a table in the format of its suffix, whole or not at all.

    Raises:
        ColorError: the suffix is unknown, or Parquet's library is missing.
        OutputError: the file cannot be written.
    """
    check_format(path)
    with atomic_write(path) as temporary:
        if path.suffix.lower() == ".parquet":
            with _parquet_writer(temporary) as write:
                write(rows)
        else:
            temporary.write_text(_head(path) + _lines(path, rows), "utf-8", newline="")


@contextmanager
def growing_table(
    path: Path, kept: Sequence[Row] = ()
) -> Iterator[Callable[[Sequence[Row]], None]]:
    """A table that a long job writes: what was added is kept when Ctrl-C interrupts the job.

    CSV and JSON Lines are kept however the job ends. Parquet is no file before its end: until then
    it grows beside its place, and a job that fails or is killed leaves none.

    Args:
        path: the table; one that is there is replaced.
        kept: rows to begin with.

    Yields:
        What adds rows.

    Raises:
        ColorError: the suffix is unknown, or Parquet's library is missing.
        OutputError: the file cannot be written.
    """
    check_format(path)
    if path.suffix.lower() == ".parquet":
        interruption: KeyboardInterrupt | None = None
        with atomic_write(path) as temporary, _parquet_writer(temporary) as write:
            write(kept)
            try:
                yield write
            except KeyboardInterrupt as error:
                interruption = error
        if interruption:
            raise interruption
        return
    write_table(path, kept)

    def add(rows: Sequence[Row]) -> None:
        append_whole(path, _lines(path, rows))

    yield add


def _head(path: Path) -> str:
    return ",".join(COLUMNS) + "\r\n" if path.suffix.lower() == ".csv" else ""


def _lines(path: Path, rows: Sequence[Row]) -> str:
    if path.suffix.lower() == ".jsonl":
        return "".join(json.dumps(row.cells(), ensure_ascii=False) + "\n" for row in rows)
    return csv_lines(row.cells().values() for row in rows)


def csv_lines(rows: Iterable[Iterable[Any]]) -> str:
    """Rows as CSV in which no cell is a formula to a spreadsheet."""
    text = io.StringIO(newline="")
    csv.writer(text).writerows(map(_quoted, row) for row in rows)
    return text.getvalue()


@contextmanager
def _parquet_writer(path: Path) -> Iterator[Callable[[Sequence[Row]], None]]:
    """What writes rows into a Parquet file, many at a time."""
    pyarrow, parquet = _parquet()
    types = {str: pyarrow.string(), int: pyarrow.int64(), float: pyarrow.float64()}
    schema = pyarrow.schema([(name, types[kind]) for name, kind in COLUMNS.items()])
    waiting: list[Row] = []
    with parquet.ParquetWriter(path, schema) as writer:

        def write(rows: Sequence[Row], least: int = ROW_GROUP) -> None:
            waiting.extend(rows)
            if len(waiting) >= least:
                cells = [row.cells() for row in waiting]
                writer.write_table(pyarrow.Table.from_pylist(cells, schema))
                waiting.clear()

        yield write
        write((), 1)


def read_table(path: Path) -> list[Row]:
    """Read a table that `write_table` wrote.

    Raises:
        ColorError: the file is missing, broken or no palette table.
    """
    check_format(path)
    try:
        if path.suffix.lower() == ".csv" and (missing := OWN_COLUMNS - {*_columns(path)}):
            raise ColorError(
                f"{path} has no column '{max(missing)}'; give a table that pix2seg wrote, its "
                "columns parted by commas"
            )
        return [Row.from_cells(cells) for cells in _read(path)]
    except FileNotFoundError:
        raise ColorError(f"no table {path}; write one with --table") from None
    except ColorError:
        raise
    except KeyError as error:
        raise ColorError(
            f"{path} has no column {error}; give a table that pix2seg wrote, whole"
        ) from error
    except Exception as error:  # whatever csv, json and pyarrow stumble over in a broken file
        if is_out_of_memory(error):
            raise
        raise ColorError(f"{path} is no palette table of pix2seg ({error!r})") from error


def _columns(path: Path) -> Iterable[str]:
    """The names of a table's columns."""
    suffix = path.suffix.lower()
    if suffix == ".parquet":
        names: list[str] = _parquet()[1].read_schema(path).names
        return names
    if suffix == ".jsonl":
        return _first_line(path)
    with path.open(encoding="utf-8-sig", newline="") as file:
        return csv.DictReader(file).fieldnames or ()


def _first_line(path: Path) -> Iterable[str]:
    """The keys of the object in a JSON Lines file's first line."""
    with path.open(encoding="utf-8") as file:
        keys: dict[str, Any] = json.loads(file.readline())
    return keys


def _read(path: Path) -> list[Mapping[str, Any]]:
    """What stands in each row's columns."""
    suffix = path.suffix.lower()
    if suffix == ".parquet":
        rows: list[Mapping[str, Any]] = _parquet()[1].read_table(path).to_pylist()
        return rows
    with path.open(encoding="utf-8-sig", newline="") as file:  # as spreadsheets save it, too
        if suffix == ".jsonl":
            return [json.loads(line) for line in file]
        return [{k: _unquoted(v) for k, v in row.items()} for row in csv.DictReader(file)]


def _quoted(value: Any) -> Any:
    text = isinstance(value, str) and value.startswith((*FORMULA, QUOTE))
    return QUOTE + value if text else value


def _unquoted(value: str) -> str:
    text = value.startswith(QUOTE) and value[1:].startswith((*FORMULA, QUOTE))
    return value[1:] if text else value


def _parquet() -> tuple[Any, Any]:
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        raise ColorError(
            "Parquet needs pyarrow: pip install pyarrow, or name the table *.csv"
        ) from None
    return pyarrow, parquet
