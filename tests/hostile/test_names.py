"""Names of files that no one gives a file: they are taken, or named and passed over."""

import csv
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]
"""See conftest.py."""

GOOD = (
    "dbl[1  2].jpg",
    "[red].jpg",
    ":smile:.jpg",
    "=1+2.jpg",
    "@here.jpg",
    "-rf.jpg",
    " .jpg",
    "a\nb.jpg",
    "\x1b[31mred.jpg",
    "\u202egpj.exe.jpg",
    "été 2024.jpg",
    "シャツ.jpg",
    "\U0001f457.jpg",
    "quote'\".jpg",
    "$(reboot).jpg",
    "n" * 200 + ".jpg",
)
BAD = (b"latin-\xe9.jpg", b"surrogate-\xed\xb3\xbf.jpg", b"n" * 251 + b".jpg")


@pytest.fixture
def folder(tmp_path: Path, small_photo: Path) -> Path:
    folder = tmp_path / "in [/b]"
    folder.mkdir(parents=True)
    for name in (*map(os.fsencode, GOOD), *BAD):
        shutil.copy(small_photo, os.fsencode(folder) + b"/" + name)
    return folder


def test_segment_takes_all_names_that_are_text(
    run: Run, segment: list[object], folder: Path, tmp_path: Path
) -> None:
    out, table = tmp_path / "out [red]", tmp_path / "table.csv"
    ended = run(*segment, folder, "--out", out, "--table", table, "--json", "-")
    assert ended.code == 2
    documents = [json.loads(line) for line in ended.out.splitlines()]
    assert {document["image"]["file"] for document in documents} == set(GOOD)
    masks = {file.name.removesuffix(".mask.png") for file in out.glob("*.mask.png")}
    assert masks == {name.removesuffix(".jpg") for name in GOOD}
    complaints = [line for line in ended.err.splitlines() if line.startswith("pix2seg: ")]
    assert len([line for line in complaints if "be looked at" not in line]) == len(BAD)
    assert f"results in {out}" in ended.err
    with table.open(encoding="utf-8", newline="") as file:
        first = {row[0] for row in csv.reader(file)}
    assert not any(cell.startswith(("=", "+", "-", "@")) for cell in first)


def test_palette_and_find_take_them_too(run: Run, folder: Path, tmp_path: Path) -> None:
    table = tmp_path / "table.jsonl"
    ended = run("palette", folder, "--out", tmp_path / "out", "--table", table, "--to", "css")
    assert ended.code == 2
    documents = (tmp_path / "out").glob("*.palette.json")
    files = {json.loads(file.read_text())["image"]["file"] for file in documents}
    assert files == set(GOOD)
    found = run("find", "#808080", "--in", table, "--within", 100)
    assert found.code == 0
    assert "[red].jpg" in found.out
    assert run("find", "#808080", "--in", table, "--class", "[/b]").code == 2


def test_words_in_brackets_are_words(run: Run, small_photo: Path, tmp_path: Path) -> None:
    data = tmp_path / "[/data]"
    commands = [
        ["segment", tmp_path / "[/b].jpg"],
        ["segment", small_photo, "--weights", "[/b].safetensors"],
        ["segment", small_photo, "--person", "[/b]"],
        ["segment", small_photo, "--person-box", "[/b]"],
        ["person", small_photo, "--background", "[/b]"],
        ["palette", small_photo, "--mask", "[/b].png"],
        ["train", "--run", "r", "--data", data, "--recipe", "pix2pix-ccp4", "--set", "[/b]"],
        ["train", "--run", "r", "--data", data, "--recipe", "[/b]"],
        ["train", "--run", "[/b]", "--resume"],
        ["evaluate", "--data", data],
        ["prepare", "ccp", data, tmp_path / "out"],
        ["prepare", "folder", data, data, tmp_path / "out", "--scheme", "[/b]"],
    ]
    for words in commands:
        ended = run(*words, "--\x1b[31m") if words[-1] == "[/b]" else run(*words)
        assert ended.code == 2
        assert "[/" in ended.err.replace("\n", "") or "No such option" in ended.err
