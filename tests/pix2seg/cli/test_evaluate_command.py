import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


@pytest.mark.parametrize("options", [["--json", "file/x.json"], ["--worst", 1, "file"]])
def test_a_place_that_takes_nothing_is_told_before_any_work(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    run_here: Callable[..., Any],
    options: list[object],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("file").touch()
    ended = run_here("evaluate", "--data", "none", *options)
    assert ended.code == 2
    assert "cannot write file" in ended.err


def test_scores_may_go_to_a_pipe(tmp_path: Path, run_here: Callable[..., Any]) -> None:
    reader, writer = os.pipe()  # its folder takes no files
    ended = run_here("evaluate", "--data", tmp_path, "--json", f"/dev/fd/{writer}")
    for end in (reader, writer):
        os.close(end)
    assert "not a prepared data set" in ended.err
