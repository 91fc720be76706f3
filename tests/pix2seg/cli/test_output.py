from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pix2seg.cli.output import printable, results


def test_nothing_that_a_terminal_obeys_is_printed() -> None:
    assert printable("été シャツ\tx\ny") == "été シャツ\tx\ny"
    assert printable("\x1b[31m\x07\u202e\udcff\r") == r"\x1b[31m\x07\u202e\udcff\r"


def test_what_is_no_terminal_gets_a_line_for_each_row(capsys: pytest.CaptureFixture[str]) -> None:
    from rich.table import Table

    table = Table("photo", "distance", box=None)
    table.add_row("a long name " * 20, "1.2")
    results().print(table)
    results().print("word " * 100)
    rows = capsys.readouterr().out.splitlines()
    assert [len(row.split()) for row in rows] == [2, 61, 100]


@pytest.mark.parametrize("command", ["ablate", "calibrate", "compare"])
def test_a_place_that_takes_nothing_is_told_before_any_work(
    tmp_path: Path, run_here: Callable[..., Any], command: str
) -> None:
    (tmp_path / "file").touch()
    work = [tmp_path / "none"] if command == "compare" else ["--data", tmp_path / "none"]
    ended = run_here(command, *work, "--out", tmp_path / "file" / "folder" / "out")
    assert ended.code == 2
    assert f"cannot write {tmp_path / 'file' / 'folder'}" in ended.err


def test_numbers_are_whole_on_a_narrow_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from rich.table import Table

    monkeypatch.setenv("COLUMNS", "20")
    table = Table("class", "IoU", "Dice", "boundary F", "share", box=None)
    table.add_row("[red]clothes", "0.123", "0.234", "0.345", "45.6%")
    results().print(table)
    printed = capsys.readouterr().out
    assert "…" not in printed
    for cell in ("[red]clothes", "0.123", "0.234", "0.345", "45.6%"):
        assert cell in printed
