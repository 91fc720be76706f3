import csv
import math
import re
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
import pyarrow
import pytest
from pyarrow import parquet

from pix2seg.colors.photo_colors import photo_colors
from pix2seg.colors.row import COLUMNS, Row, rows_of
from pix2seg.colors.table import check_own, growing_table, read_table, write_table
from pix2seg.errors import ColorError, OutputError
from pix2seg.photo import Photo


def rows(name: str, *colors: tuple[int, int, int]) -> list[Row]:
    """The rows of a photo whose clothes are so many bars, each half as wide as the one before."""
    bars = [np.full((16 << (len(colors) - i), 20, 3), c, np.uint8) for i, c in enumerate(colors)]
    pixels = np.vstack(bars)
    photo = Photo(pixels, None, name, name.encode().hex().ljust(64, "0"))
    mask = np.ones(pixels.shape[:2], bool)
    return list(rows_of(photo_colors(photo, {"clothes": mask}).document()))


NAVY, RED, WHITE = (27, 42, 60), (200, 30, 40), (245, 245, 243)


FORMULAS = ("=1+2.jpg", "+1.jpg", "-1.jpg", "@a.jpg", "\t=1.jpg", "'=1.jpg", "''a.jpg", "'a.jpg")


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_table_comes_back(tmp_path: Path, suffix: str) -> None:
    table = rows('a, "b".jpg', NAVY, RED) + rows("写真.jpg", WHITE)
    table += [row for name in FORMULAS for row in rows(name, RED)]
    path = tmp_path / f"palettes{suffix}"
    write_table(path, table)
    assert read_table(path) == table
    write_table(path, [])
    assert read_table(path) == []


@pytest.mark.parametrize("suffix", [".csv", ".jsonl"])
def test_a_table_with_a_byte_order_mark_is_read(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"palettes{suffix}"
    write_table(path, rows("a.jpg", NAVY))
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert read_table(path) == rows("a.jpg", NAVY)


def test_no_cell_is_a_formula_to_a_spreadsheet(tmp_path: Path) -> None:
    path = tmp_path / "palettes.csv"
    write_table(path, [row for name in FORMULAS for row in rows(name, NAVY)])
    with path.open(encoding="utf-8", newline="") as file:
        cells = [cell for row in csv.reader(file) for cell in row]
    for cell in cells:
        number = re.fullmatch(r"-?[\d.]+", cell)
        assert number or not cell.startswith(("=", "+", "-", "@", "\t", "\r"))


def test_rows_tell_the_color() -> None:
    first, second = rows("a.jpg", NAVY, RED)
    assert first.hex == "#1b2a3c"
    assert (first.rank, second.rank) == (1, 2)
    assert first.share == pytest.approx(2 / 3, abs=0.01)
    assert first.basic == "navy/red"


def test_wrong_tables_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ColorError, match=r"\*\.csv"):
        write_table(tmp_path / "palettes.xlsx", [])
    with pytest.raises(ColorError, match="no table"):
        read_table(tmp_path / "none.csv")
    infinite = tmp_path / "infinite.parquet"
    columns = {name: [math.inf if kind is not str else "x"] for name, kind in COLUMNS.items()}
    parquet.write_table(pyarrow.table(columns), infinite)
    for suffix, content in (
        (".csv", b"a,b\n1,2\n"),
        (".csv", b",".join(name.encode() for name in COLUMNS) + b"\n" + b"x" * 200_000),
        (".csv", b",".join(name.encode() for name in COLUMNS) + b"\nx" + b",x" * 99),
        (".jsonl", b"{"),
        (".jsonl", b"[" * 200_000),
        (".jsonl", b"[]"),
        (".parquet", b"PAR"),
        (".parquet", infinite.read_bytes()),
    ):
        path = tmp_path / f"broken{suffix}"
        path.write_bytes(content)
        with pytest.raises(ColorError, match=r"no palette table|has no column"):
            read_table(path)


def test_parquet_without_its_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ColorError, match="pip install pyarrow"):
        write_table(tmp_path / "palettes.parquet", [])
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_rows_are_there_as_they_are_added(tmp_path: Path, suffix: str) -> None:
    path, first, second = tmp_path / f"t{suffix}", rows("=a.jpg", NAVY), rows("b.jpg", RED, WHITE)
    with growing_table(path, first) as add:
        add(second)
        if suffix != ".parquet":  # which is no file before its end
            assert read_table(path) == first + second
        add(first)
    assert read_table(path) == first + second + first
    assert list(tmp_path.iterdir()) == [path]
    with growing_table(path):
        pass
    assert read_table(path) == []


@pytest.mark.parametrize("suffix", [".csv", ".jsonl"])
def test_a_full_disk_leaves_whole_rows(
    tmp_path: Path, suffix: str, full_disk: Callable[[int], AbstractContextManager[None]]
) -> None:
    path = tmp_path / f"t{suffix}"
    with growing_table(path, rows("a.jpg", NAVY)) as add:
        with full_disk(path.stat().st_size + 20), pytest.raises(OutputError, match="cannot write"):
            add(rows("b.jpg", RED, WHITE))
        assert read_table(path) == rows("a.jpg", NAVY)
        add(rows("c.jpg", WHITE))
    assert read_table(path) == rows("a.jpg", NAVY) + rows("c.jpg", WHITE)


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_an_interrupted_table_keeps_its_rows(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"t{suffix}"

    def job() -> None:
        with growing_table(path) as add:
            add(rows("a.jpg", NAVY))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        job()
    assert read_table(path) == rows("a.jpg", NAVY)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_only_tables_of_this_program_are_replaced(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"t{suffix}"
    check_own(path)
    write_table(path, rows("a.jpg", NAVY))
    check_own(path)
    foreign = {".csv": b"a,b\n1,2\n", ".jsonl": b'{"a": 1}\n', ".parquet": b"PAR"}[suffix]
    for content in (foreign, b"\xff\xfe"):
        path.write_bytes(content)
        with pytest.raises(OutputError, match="holds no table of pix2seg"):
            check_own(path)


def test_a_table_of_other_columns_is_told_what_it_lacks(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    write_table(path, rows("a.jpg", NAVY))
    whole = path.read_text("utf-8")
    for text in ("", whole.replace(",", ";")):
        path.write_text(text, "utf-8")
        with pytest.raises(ColorError, match=r"has no column 'sha256'; give a table .* by commas"):
            read_table(path)
    path.write_text(whole.replace("hex", "code"), "utf-8")
    with pytest.raises(ColorError, match="has no column 'hex'"):
        read_table(path)
