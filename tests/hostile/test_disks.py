"""Disks that are full, folders that cannot be written, pipes that take no more."""

import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]
"""See conftest.py."""


@pytest.mark.parametrize("room", [500, 2000, 10_000])
def test_full_disk_leaves_whole_files_or_none(
    run: Run,
    segment: list[object],
    small_photo: Path,
    tmp_path: Path,
    full_disk: Callable[[int], AbstractContextManager[None]],
    room: int,
) -> None:
    whole, out = tmp_path / "whole", tmp_path / "out"
    words = [*segment, small_photo, "--colors", "--cutouts", "--map"]
    assert run(*words, "--out", whole).code == 0
    with full_disk(room):
        ended = run(*words, "--out", out)
    assert ended.code == 2
    assert "cannot write" in ended.err
    for file in out.glob("*"):  # none where the folder itself was refused
        assert file.read_bytes() == (whole / file.name).read_bytes()


def test_file_in_the_place_of_a_folder_is_named(
    run: Run, segment: list[object], small_photo: Path, small_mask: Path, tmp_path: Path
) -> None:
    file = tmp_path / "file"
    file.write_text("mine")
    folder = ["prepare", "folder", small_photo.parent, small_mask.parent]
    for words in (
        [*segment, small_photo, "--out", file],
        ["palette", small_photo, "--out", file],
        ["person", small_photo, "--person", "none", "--weights", segment[2], "--out", file / "x"],
        [*folder, file, "--scheme", "four"],
        ["palette", small_photo, "--out", tmp_path / "out", "--table", file / "t.csv"],
    ):
        ended = run(*words)
        assert ended.code == 2
        assert "cannot write" in ended.err
        assert "more photos" not in ended.err
    assert file.read_text() == "mine"


@pytest.mark.parametrize(
    "words", [["ablate", "--out"], ["calibrate", "--out"], ["evaluate", "--json"]]
)
def test_folder_in_the_place_of_a_file_is_named_before_the_work(
    run: Run, tmp_path: Path, words: list[str]
) -> None:
    ended = run(*words, tmp_path, "--data", tmp_path / "none")
    assert ended.code == 2
    assert words[1] in ended.err
    assert "is a directory" in ended.err


def test_folder_in_the_place_of_the_json_is_named_before_the_photos_are_done(
    run: Run, segment: list[object], small_photo: Path, tmp_path: Path
) -> None:
    for words in ([*segment, small_photo], ["palette", small_photo]):
        ended = run(*words, "--json", tmp_path)
        assert ended.code == 2
        assert ended.err.endswith(f"cannot write {tmp_path}: is a directory\n")
        assert small_photo.name not in ended.out + ended.err


@pytest.mark.parametrize("words", [["palette", "{photo}", "--json", "-"], ["recipes"]])
def test_output_that_takes_no_more_is_named(
    small_photo: Path, tmp_path: Path, words: list[str]
) -> None:
    words = [word.format(photo=small_photo) for word in words]
    with Path("/dev/full").open("wb") as full:
        ended = subprocess.run(
            [sys.executable, "-m", "pix2seg", *words],
            stdout=full, stderr=subprocess.PIPE, text=True, cwd=tmp_path,
        )  # fmt: skip
    assert ended.returncode == 2
    assert ended.stderr.endswith("pix2seg: standard output: no space left on device\n")
    assert "Traceback" not in ended.stderr
    assert "Exception" not in ended.stderr
