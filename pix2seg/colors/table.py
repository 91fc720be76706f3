"""One table for many photos: a row for each colour, as CSV, JSON Lines or Parquet."""

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pix2seg.errors import ColorError, is_out_of_memory
from pix2seg.files import atomic_write

COLUMNS = {
    "file": str,
    "sha256": str,
    "class": str,
    "garment": str,
    "coverage": float,
    "rank": int,
    "hex": str,
    "red": int,
    "green": int,
    "blue": int,
    "L": float,
    "a": float,
    "b": float,
    "share": float,
    "name": str,
    "basic": str,
    "quality": float,
    "review": str,
}
"""The columns and their types. A row is a colour of a class, or with `garment` filled of a garment;
`rank` counts its colours from 1, and `basic` names it. `quality` is empty where nothing was
segmented, `review` where nothing speaks for one."""

GARMENTS_CLASS = "clothes"
"""The class under which garments stand."""

FORMATS = (".csv", ".jsonl", ".parquet")

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for a formula begins so."""

QUOTE = "'"
"""Tells a spreadsheet that what follows is text."""

Row = dict[str, Any]


def check_format(path: Path) -> None:
    """Refuse a table that could not be written, before any work.

    Raises:
        ColorError: the suffix is unknown, or Parquet's library is missing.
    """
    if path.suffix.lower() not in FORMATS:
        raise ColorError(f"{path} is no table; name it {', '.join('*' + f for f in FORMATS)}")
    if path.suffix.lower() == ".parquet":
        _parquet()


def rows_of(document: Mapping[str, Any]) -> Iterator[Row]:
    """The rows of a palette document, class by class and then garment by garment."""
    for name, palette in document["classes"].items():
        yield from _rows(document, name, "", palette)
    for garment in document.get("garments", ()):
        yield from _rows(document, GARMENTS_CLASS, garment["kind"], garment)


def _rows(
    document: Mapping[str, Any], class_name: str, garment: str, palette: Mapping[str, Any]
) -> Iterator[Row]:
    image = document["image"]
    for rank, color in enumerate(palette["colors"], 1):
        red, green, blue = color["rgb"]
        lightness, a, b = color["lab"]
        values = (
            image["file"], image["sha256"], class_name, garment, palette["coverage"], rank,
            color["hex"], red, green, blue, lightness, a, b,
            color["share"], color["name"], "/".join(palette["basic"]),
            document["quality"], document["review"] or "",
        )  # fmt: skip
        yield dict(zip(COLUMNS, values, strict=True))


def write_table(path: Path, rows: Sequence[Row]) -> None:
    """Write a table in the format of its suffix, whole or not at all.

    Raises:
        ColorError: the suffix is unknown, or Parquet's library is missing.
        OutputError: the file cannot be written.
    """
    check_format(path)
    suffix = path.suffix.lower()
    with atomic_write(path) as temporary:
        if suffix == ".parquet":
            pyarrow, parquet = _parquet()
            types = {str: pyarrow.string(), int: pyarrow.int64(), float: pyarrow.float64()}
            schema = pyarrow.schema([(name, types[kind]) for name, kind in COLUMNS.items()])
            parquet.write_table(pyarrow.Table.from_pylist(list(rows), schema), temporary)
        elif suffix == ".jsonl":
            lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in rows]
            temporary.write_text("".join(lines), "utf-8")
        else:
            with temporary.open("w", encoding="utf-8", newline="") as file:
                writer = csv.DictWriter(file, COLUMNS)
                writer.writeheader()
                writer.writerows({k: _quoted(v) for k, v in row.items()} for row in rows)


def read_table(path: Path) -> list[Row]:
    """Read a table that `write_table` wrote.

    Raises:
        ColorError: the file is missing, broken or no palette table.
    """
    check_format(path)
    try:
        rows = _read(path)
        return [
            {n: None if _is_empty(n, row[n]) else kind(row[n]) for n, kind in COLUMNS.items()}
            for row in rows
        ]
    except FileNotFoundError:
        raise ColorError(f"no table {path}; write one with --table") from None
    except Exception as error:  # whatever csv, json and pyarrow stumble over in a broken file
        if is_out_of_memory(error):
            raise
        raise ColorError(f"{path} is no palette table of pix2seg ({error!r})") from error


def _is_empty(name: str, value: Any) -> bool:
    return name == "quality" and value in (None, "")


def _read(path: Path) -> list[Row]:
    suffix = path.suffix.lower()
    if suffix == ".parquet":
        rows: list[Row] = _parquet()[1].read_table(path).to_pylist()
        return rows
    with path.open(encoding="utf-8", newline="") as file:
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
            'Parquet needs pyarrow: pip install "pix2seg[parquet]", or name the table *.csv'
        ) from None
    return pyarrow, parquet
