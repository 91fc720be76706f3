from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


@pytest.mark.parametrize("options", [["--out", "onnx"], []])
def test_weights_that_would_become_one_file_are_refused_before_any_work(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    run_here: Callable[..., Any],
    small_weights: Path,
    options: list[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    first, second = Path("a/best.safetensors"), Path("b/best.safetensors")
    first.parent.mkdir()
    first.write_bytes(small_weights.read_bytes())
    if options:
        second.parent.mkdir()
        second.write_bytes(small_weights.read_bytes())
    else:  # beside the weights, they are told apart by their folders
        second.parent.symlink_to(first.parent)
    before = sorted(tmp_path.rglob("*"))
    ended = run_here("export", first, second, *options)
    assert ended.code == 2
    (line,) = ended.err.splitlines()
    assert f"{first} and {second} would both become " in line
    assert "export them one by one" in line
    assert sorted(tmp_path.rglob("*")) == before
