"""--quiet and --verbose, and what a terminal sees while photos are worked on."""

import gc
import os
import pty
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from pix2seg import __version__
from pix2seg.cli import app
from pix2seg.cli.telling import news

TELLING = [
    ["segment"], ["palette"], ["person"], ["train"], ["learning-rate"], ["evaluate"], ["compare"],
    ["ablate"], ["calibrate"], ["export"], ["prepare", "ccp"], ["prepare", "folder"],
    ["prepare", "coco"], ["prepare", "cvat"], ["prepare", "labelstudio"], ["catalog", "run"],
    ["catalog", "retry"], ["catalog", "export"],
]  # fmt: skip


def run(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


@pytest.mark.parametrize("command", TELLING, ids=" ".join)
def test_every_command_that_tells_how_its_work_goes_can_tell_less_and_more(
    command: list[str],
) -> None:
    told = run(*command, "--help").stdout
    assert re.search(r"-q, --quiet .*\n.*-v, --verbose ", told)


def test_garbage_is_collected_again_once_there_is_news(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    for step in ("freeze", "enable"):
        monkeypatch.setattr(gc, step, lambda step=step: done.append(step))
    monkeypatch.setattr(gc, "isenabled", lambda: "enable" in done)
    news()
    news()
    assert done == ["freeze", "enable"]


def test_the_last_line_counts_what_failed(
    small_photo: Path, small_onnx: Path, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"no photo")
    words = ["segment", small_photo, broken, "--weights", small_onnx, "--person", "none"]
    result = run(*words, "--out", tmp_path / "out", "--device", "cpu")
    assert result.exit_code == 2
    assert "1 segmented on cpu, 1 failed, results in" in result.stderr.replace("\n", " ")


def test_quiet_leaves_errors_and_results_alone_and_verbose_says_what_runs(
    small_photo: Path, small_onnx: Path, tmp_path: Path
) -> None:
    words = ["segment", small_photo, "--weights", small_onnx, "--person", "none"]
    words += ["--out", tmp_path, "--device", "cpu"]
    plain, verbose = run(*words), run(*words, "-v")
    assert "1 segmented on cpu" in plain.stderr
    assert "small" not in plain.stderr.replace(small_photo.name, "")
    assert verbose.stderr.startswith(f"pix2seg {__version__}, Python")
    assert re.search(
        r"generator small \w+, person none, engine \w+\ntook [\d.]+ s\n", verbose.stderr
    )
    missing = run(*words[:1], small_photo, tmp_path / "none.jpg", *words[2:], "--quiet")
    assert missing.exit_code == 2
    lines = [line for line in missing.stderr.splitlines() if "should be looked at" not in line]
    assert lines == [f"pix2seg: {tmp_path / 'none.jpg'} does not exist"]
    both = run(*words, "-q", "-v")
    assert both.exit_code == 2
    assert "leave one out" in both.stderr


def test_results_are_no_news(small_photo: Path, tmp_path: Path) -> None:
    words = ["palette", small_photo, "--out", tmp_path, "--json", "-"]
    assert run(*words, "--quiet").stdout == run(*words).stdout
    assert run(*words, "--quiet").stderr == ""


def test_a_terminal_sees_each_photo_on_a_line_of_its_own(
    small_photo: Path, small_onnx: Path, tmp_path: Path
) -> None:
    leader, follower = pty.openpty()
    shutil.copy(small_photo, tmp_path / "other.jpg")
    words = ["segment", small_photo, tmp_path / "other.jpg", "--weights", small_onnx]
    words += ["--person", "none", "--out", tmp_path]
    process = subprocess.Popen(
        [sys.executable, "-m", "pix2seg", *map(str, words)],
        stderr=follower,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "100"},
    )
    os.close(follower)
    shown = b""
    while process.poll() is None or not shown.endswith(b"\n"):
        try:
            shown += os.read(leader, 1 << 16)
        except OSError:  # the other end is closed
            break
    os.close(leader)
    assert process.wait() == 0
    assert shown.index(b"loading") < shown.index(b", quality")
    lines = re.split(rb"[\r\n]+", shown)
    told = [line for line in lines if b", quality" in line]
    assert len(told) == 2
    assert b"segmenting" in shown
    assert not any(b"segmenting" in line for line in told)  # the bar's line is not gone on with
