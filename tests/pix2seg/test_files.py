import errno
import os
import re
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pix2seg.errors import OutputError
from pix2seg.files import ABANDONED, atomic_write, write_image, write_png


def test_file_appears_whole_in_a_new_folder(tmp_path: Path) -> None:
    path = tmp_path / "new" / "file.txt"
    with atomic_write(path) as temporary:
        temporary.write_text("half")
        assert not path.exists()
        assert temporary.suffix == ".txt"
        temporary.write_text("whole")
    assert path.read_text() == "whole"
    assert list(path.parent.iterdir()) == [path]


def test_file_replaces_the_one_before(tmp_path: Path) -> None:
    path = tmp_path / "file.txt"
    path.write_text("old")
    with atomic_write(path) as temporary:
        assert temporary.parent == path.parent  # a move within a folder is one step
        assert temporary.name.startswith(".")
        temporary.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_full_disk_is_named_and_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "file.txt"
    path.write_text("old")

    def write_half() -> None:
        with atomic_write(path) as temporary:
            temporary.write_text("new")
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(OutputError, match=r"cannot write .*file\.txt: no space left on device$"):
        write_half()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_what_was_there_stays_when_writing_fails(
    tmp_path: Path, error: type[BaseException]
) -> None:
    path = tmp_path / "file.txt"
    path.write_text("old")

    def write_half() -> None:
        with atomic_write(path) as temporary:
            temporary.write_text("new")
            raise error

    with pytest.raises(error):
        write_half()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    for path in (tmp_path / "file" / "x.txt", tmp_path / "folder"):
        with (
            pytest.raises(OutputError, match=f"cannot write {re.escape(str(path))}: "),
            atomic_write(path) as temporary,
        ):
            temporary.write_text("x")
    assert sorted(f.name for f in tmp_path.iterdir()) == ["file", "folder"]


def test_permissions_are_those_of_any_new_file(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        with atomic_write(tmp_path / "file") as temporary:
            temporary.write_text("x")
    finally:
        os.umask(before)
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o640


def test_long_names_are_fine(tmp_path: Path) -> None:
    path = tmp_path / ("ä" * 100 + ".json")
    with atomic_write(path) as temporary:
        temporary.write_text("x")
    assert path.exists()


@pytest.mark.parametrize("mode", ["L", "P", "RGB", "RGBA"])
def test_png_holds_every_pixel(tmp_path: Path, mode: str) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (30, 20, 4), np.uint8)
    image = Image.fromarray(noise)
    image = image if mode == "RGBA" else image.convert("RGB").convert(mode)
    write_png(tmp_path / "picture.png", image)
    with Image.open(tmp_path / "picture.png") as read:
        assert read.mode == mode
        assert (np.asarray(read) == np.asarray(image)).all()


@pytest.mark.parametrize("format", ["JPEG", "PNG", "TIFF"])
def test_full_disk_leaves_no_picture_cut_off(
    tmp_path: Path, full_disk: Callable[[int], AbstractContextManager[None]], format: str
) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (100, 100, 3), np.uint8)
    image = Image.fromarray(noise)
    for name, room in (("new", 5000), ("old", 10**6)):
        with full_disk(room):
            if name == "new":
                with pytest.raises(OutputError, match="cannot write"):
                    write_image(tmp_path / name, image, format)
            else:
                write_image(tmp_path / name, image, format)
    assert [f.name for f in tmp_path.iterdir()] == ["old"]
    with Image.open(tmp_path / "old") as read:
        read.load()


def test_what_killed_processes_left_is_removed(tmp_path: Path) -> None:
    hidden = []
    for folder in ("one", "two"):  # a process looks into each folder once
        with atomic_write(tmp_path / folder / "a.txt") as temporary:
            temporary.write_text("x")
            hidden.append(temporary)
    abandoned, at_work, foreign = hidden[0], hidden[0].with_suffix(".png"), tmp_path / "one" / ".x"
    other = tmp_path / "three"
    other.mkdir()
    files = [other / file.name for file in (abandoned, at_work, foreign)]
    for file in files:
        file.write_text("half")
        os.utime(file, (0, time.time() - ABANDONED - 60))
    os.utime(files[1])
    with atomic_write(other / "a.txt") as temporary:
        temporary.write_text("x")
    assert sorted(other.iterdir()) == sorted([other / "a.txt", *files[1:]])


def test_a_link_leads_to_what_is_written(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("old")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with atomic_write(tmp_path / "link") as temporary:
        temporary.write_text("new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_text() == "new"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_takes_what_is_written(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with ThreadPoolExecutor(1) as reader:
        read = reader.submit(pipe.read_text)
        with atomic_write(pipe) as place:
            place.write_text("through")
        assert read.result(timeout=10) == "through"
    assert pipe.is_fifo()
