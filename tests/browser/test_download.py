"""What the page gives to take away."""

import json
import zipfile
from io import BytesIO
from pathlib import Path

import pytest
from browser_page import Page
from PIL import Image

from pix2seg.colors.document import palette_schema


@pytest.fixture
def names(photo: Path) -> set[str]:
    pictures = ("mask.png", "garments.png", "overlay.png", "clothes.png", "top.png")
    palettes = ("palette.json", "gpl", "ase", "css", "tokens.json")
    return {f"{photo.stem}.{kind}" for kind in (*pictures, *palettes)}


def test_everything_comes_as_one_zip(page: Page, photo: Path, names: set[str]) -> None:
    import jsonschema

    page.choose(photo)
    file = page.download("[data-download=all]")
    assert file.name == f"{photo.stem}.pix2seg.zip"
    with zipfile.ZipFile(file) as archive, Image.open(photo) as image:
        assert archive.testzip() is None
        assert names <= set(archive.namelist())
        document = json.loads(archive.read(f"{photo.stem}.palette.json"))
        jsonschema.validate(document, palette_schema())
        assert archive.read(f"{photo.stem}.ase").startswith(b"ASEF")
        assert archive.read(f"{photo.stem}.gpl").startswith(b"GIMP Palette")
        for name in archive.namelist():
            if name.endswith(".png"):
                assert Image.open(BytesIO(archive.read(name))).size == image.size
        cutout = Image.open(BytesIO(archive.read(f"{photo.stem}.clothes.png")))
        assert cutout.mode == "RGBA"


@pytest.mark.parametrize(
    ("kind", "suffix"), [("ase", ".ase"), ("css", ".css"), ("tokens", ".tokens.json")]
)
def test_one_kind_comes_alone(
    page: Page, photo: Path, kind: str, suffix: str, tmp_path: Path
) -> None:
    dotted = tmp_path / f"{photo.stem}.v2{photo.suffix}"
    dotted.write_bytes(photo.read_bytes())
    page.choose(dotted)
    file = page.download(f"[data-download={kind}]")
    assert file.name == dotted.stem + suffix
    if kind != "ase":
        text = file.read_text("utf-8")
        assert [code for code in page.colors() if code not in text] == []


def test_all_photos_come_in_folders_of_their_own(
    page: Page, photos: list[Path], names: set[str]
) -> None:
    page.choose(*photos[:2])
    assert page.text("#every") == "All 2 photos"
    with zipfile.ZipFile(page.download("#every")) as archive:
        assert archive.testzip() is None
        assert {name.split("/")[0] for name in archive.namelist()} == {p.stem for p in photos[:2]}
        assert {f"{photos[0].stem}/{name}" for name in names} <= set(archive.namelist())


def test_photos_that_failed_are_left_out_and_counted(page: Page, photos: list[Path]) -> None:
    page.drop("broken.jpg", b"no photo at all")
    page.until(lambda: page.all(".thumbnail.failed"), "the failure")
    for done, text in ((1, "1 photo, 1 left out"), (2, "2 photos, 1 left out")):
        page.drop(photos[done].name, photos[done].read_bytes())
        page.until(lambda done=done: len(page.all(".thumbnail.done")) == done, "the photo")  # type: ignore[misc]
        page.all(".choose")[done].click()
        assert page.text("#every") == text
    with zipfile.ZipFile(page.download("#every")) as archive:
        folders = {name.split("/")[0] for name in archive.namelist()}
    assert folders == {photo.stem for photo in photos[1:3]}
    assert [line for line in page.console() if "v1/segment" not in line] == []
