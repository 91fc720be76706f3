"""Files that are not what they are called: each is read, or named in one line."""

import io
import os
import random
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, features

from pix2seg.errors import DatasetError, PhotoError
from pix2seg.photo import read_photo
from pix2seg.preprocess.dataset.folder import read_mask

Run = Callable[..., Any]
"""See conftest.py."""

FORMATS = {
    "JPEG": {},
    "PNG": {},
    "GIF": {},
    "BMP": {},
    "WEBP": {},
    "TIFF": {"compression": "tiff_lzw"},
    "JPEG2000": {},
    "TGA": {"compression": "tga_rle"},
    "PPM": {},
    "AVIF": {},
}


def damaged(data: bytes, rng: random.Random) -> bytes:
    """Some bytes flipped, cut out, doubled or cut off, mostly near the start."""
    copy = bytearray(data)
    for _ in range(rng.randint(1, 4)):
        place = min(int(rng.expovariate(8 / len(data))), len(copy) - 1)
        kind = rng.randrange(5)
        if kind == 0:
            copy[place] ^= 1 << rng.randrange(8)
        elif kind == 1:
            copy[place] = rng.choice([0, 1, 127, 128, 255])
        elif kind == 2:
            del copy[place : place + rng.randint(1, 64)]
        elif kind == 3:
            copy[place:place] = copy[place : place + rng.randint(1, 64)]
        else:
            del copy[len(copy) * 3 // 4 :]
        copy = copy or bytearray(b"\0")
    return bytes(copy)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("format", FORMATS)
def test_damaged_photos_are_read_or_refused(small_photo: Path, rounds: range, format: str) -> None:
    if not features.check(format.lower()) and format == "AVIF":
        pytest.skip("this Pillow reads no AVIF")
    encoded = io.BytesIO()
    with Image.open(small_photo) as image:
        image.reduce(2).save(encoded, format, **FORMATS[format])
    refused = 0
    for seed in rounds:
        rng = random.Random(seed)
        for _ in range(100):
            try:
                photo = read_photo(damaged(encoded.getvalue(), rng), max_pixels=1_000_000)
            except PhotoError as error:
                refused += 1
                message = str(error)
                if "\n" in message:
                    pytest.fail(message)
            else:
                assert photo.pixels.dtype == np.uint8
    assert refused


@pytest.mark.filterwarnings("ignore")
def test_damaged_masks_are_read_or_refused(tmp_path: Path, small_mask: Path, rounds: range) -> None:
    whole, path = small_mask.read_bytes(), tmp_path / "mask.png"
    refused = 0
    for seed in rounds:
        rng = random.Random(seed)
        for _ in range(300):
            path.write_bytes(damaged(whole, rng))
            try:
                assert read_mask(path).dtype == np.uint8
            except DatasetError:
                refused += 1
    assert refused


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def odd_files(photo: bytes) -> dict[str, bytes]:
    """Files that are called photos."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 8, 8, 8, 6, 0, 0, 0))
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("a.jpg", photo)
    deep = io.BytesIO()
    Image.fromarray(np.full((9, 9), 40_000, np.uint16)).save(deep, "PNG")
    return {
        "empty.jpg": b"",
        "zeros.jpg": bytes(10_000),
        "text.jpg": b"Dear customer",
        "page.jpg": b"<!doctype html><img src=x>",
        "drawing.png": b'<svg xmlns="http://www.w3.org/2000/svg"><script>1</script></svg>',
        "archive.png": archive.getvalue(),
        "script.gif": b"GIF89a=1;alert(1)",
        "eps.png": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
        "icon.png": b"\0\0\1\0\1\0\1\1" + bytes(60),
        "no data.png": b"\x89PNG\r\n\x1a\n" + header + chunk(b"IEND", b""),
        "bomb.png": b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", 2**31 - 1, 2**31 - 1, 8, 6, 0, 0, 0))
        + chunk(b"IDAT", zlib.compress(bytes(10_000))),
        "flat.png": b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", 0, 9, 8, 6, 0, 0, 0)),
        "cut.jpg": photo[: len(photo) // 2],
        "good.jpg": photo,
        "polyglot.jpg": photo + archive.getvalue(),
        "16 bits.png": deep.getvalue(),
    }


READ = {"good.jpg", "polyglot.jpg", "16 bits.png"}


def test_a_batch_of_odd_files_is_done_to_the_end(
    run: Run, segment: list[object], small_photo: Path, tmp_path: Path
) -> None:
    folder, out = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    files = odd_files(small_photo.read_bytes())
    for name, data in files.items():
        (folder / name).write_bytes(data)
    (folder / "folder.jpg").mkdir()
    (folder / "nowhere.jpg").symlink_to("gone.jpg")
    (folder / "loop a.jpg").symlink_to("loop b.jpg")
    (folder / "loop b.jpg").symlink_to("loop a.jpg")
    os.mkfifo(folder / "fifo.jpg")
    special = [folder / name for name in ("nowhere.jpg", "loop a.jpg", "fifo.jpg")]
    blocked = out / "polyglot.mask.png"
    blocked.mkdir(parents=True)
    ended = run(*segment, folder, *special, "/dev/zero", "--out", out, "--colors")
    assert ended.code == 2
    done = {file.name.removesuffix(".mask.png") for file in out.glob("*.mask.png")}
    assert done == {Path(name).stem for name in READ}
    assert blocked.is_dir()
    complaints = [line for line in ended.err.splitlines() if line.startswith("pix2seg: ")]
    for name in [*(files.keys() - READ), *(path.name for path in special), "/dev/zero"]:
        assert sum(name in line for line in complaints) == 1, name
    assert sum("polyglot.mask.png: is a directory" in line for line in complaints) == 1
    assert not list(out.rglob(".*"))


def test_photos_beside_their_results_are_photos_and_never_replaced(
    run: Run, segment: list[object], small_photo: Path, small_mask: Path, tmp_path: Path
) -> None:
    photo, mine = tmp_path / "photos" / "a.jpg", tmp_path / "photos" / "a.mask.png"
    photo.parent.mkdir()
    photo.write_bytes(small_photo.read_bytes())
    for _ in range(2):  # the second time, the results of the first lie there
        assert run(*segment, tmp_path, "--out", tmp_path).code == 0
        assert run(*segment, photo.parent, "--out", tmp_path).code == 0
    made = sorted(file.relative_to(tmp_path).as_posix() for file in tmp_path.rglob("*.*"))
    kinds = ("mask.png", "overlay.png")
    assert made == sorted(
        ["photos/a.jpg", *(f"{folder}a.{kind}" for folder in ("", "photos/") for kind in kinds)]
    )
    mine.write_bytes(small_mask.read_bytes())
    ended = run(*segment, photo, mine, "--out", photo.parent)
    assert ended.code == 2
    assert "might replace" in ended.err
    assert mine.read_bytes() == small_mask.read_bytes()
