import io
from base64 import b64decode
from pathlib import Path

import pytest
from PIL import Image

from pix2seg import Segmentation, Segmenter
from pix2seg.colors.names import name_of
from pix2seg.notebook import HEIGHT


@pytest.fixture(scope="module")
def result(photos: list[Path], small_weights: Path) -> Segmentation:
    return Segmenter(small_weights, person="none")(photos[0])


def test_a_result_says_what_it_is_in_one_line(result: Segmentation) -> None:
    text = repr(result)
    assert len(text) < 200
    photo, coverage = result.photo, result.coverage()
    assert f"{photo.file}, {photo.width}x{photo.height}" in text
    for name in result.scheme.foreground:
        assert (f"{name} {coverage[name]:.1%}" in text) == bool(coverage[name])
    assert "array" not in repr(photo) + repr(result.person)


def test_notebooks_show_the_overlay_and_the_palette(result: Segmentation) -> None:
    with Image.open(io.BytesIO(result._repr_png_())) as overlay:
        assert overlay.size == (result.photo.width, result.photo.height)
    encoded = [part.split('"')[0] for part in result._repr_html_().split("base64,")[1:]]
    shown = [Image.open(io.BytesIO(b64decode(text))) for text in encoded]
    for picture, whole in zip(shown, (overlay, result.colors().image()), strict=True):
        assert picture.height == min(whole.height, HEIGHT)
        assert picture.width / picture.height == pytest.approx(whole.width / whole.height, 0.01)


def test_colors_are_saved_where_a_text_says(result: Segmentation, tmp_path: Path) -> None:
    written = result.colors().save(f"{tmp_path}/photo")
    assert written == [tmp_path / "photo.palette.png", tmp_path / "photo.palette.json"]
    assert all(file.is_file() for file in written)


def test_swatches_have_names(result: Segmentation) -> None:
    swatches = [swatch for palette in result.palette().values() for swatch in palette]
    assert swatches
    assert all(swatch.name == name_of(swatch.color) for swatch in swatches)
