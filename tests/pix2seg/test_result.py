import io
import json
import pickle
from base64 import b64decode
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pix2seg import Segmentation, Segmenter
from pix2seg.colors.names import name_of
from pix2seg.errors import ColorError, SchemeError, WeightsError
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
    overlay = result.overlay()
    with Image.open(io.BytesIO(result._repr_png_())) as shown_alone:
        assert shown_alone.height == min(overlay.height, HEIGHT)
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


def test_palettes_say_what_shops_say(result: Segmentation) -> None:
    document = result.colors().document()["classes"]
    for name, palette in result.palette().items():
        if len(palette):
            assert list(palette.basic) == document[name]["basic"]
            assert palette.feed == document[name]["feed"]
            assert palette[0].basic == document[name]["colors"][0]["basic"]


def test_parts_are_called_as_people_do(result: Segmentation) -> None:
    person = result.mask > 0
    assert np.array_equal(result.where("person"), person)
    assert np.array_equal(result.where("Hair"), result.where("hair"))
    assert np.array_equal(result.alpha("Clothes"), result.alpha("clothes"))
    with pytest.raises(SchemeError, match="no class or garment 'hiar'; take hair"):
        result.where("hiar")
    with pytest.raises(WeightsError, match="name no garments"):
        result.where("jeans")


def test_the_person_stands_before_any_background(result: Segmentation) -> None:
    alpha, pixels = result.alpha(), result.photo.pixels
    white = np.asarray(result.before())
    assert (white[alpha == 0] == 255).all()
    assert np.array_equal(white[alpha == 1], pixels[alpha == 1])
    navy = np.asarray(result.before("#1b2a3c"))
    assert (navy[alpha == 0] == (27, 42, 60)).all()
    assert np.array_equal(navy, np.asarray(result.before((27, 42, 60))))
    with pytest.raises(ColorError, match=r"'mauve' is none of grey, black, white, blur and"):
        result.before("mauve")


def test_files_keep_the_folders_of_a_name_and_stay_in_theirs(
    result: Segmentation, tmp_path: Path
) -> None:
    for called, base in (("a/x.jpg", "a/x"), ("../x.jpg", "x"), ("/a/x.jpg", "x")):
        photo = replace(result.photo, file=called)
        written = replace(result, photo=photo).save(tmp_path / "out")
        assert written[-1] == tmp_path / "out" / f"{base}.mask.png"


def test_what_is_saved_is_what_was_asked_for(result: Segmentation, tmp_path: Path) -> None:
    result.save(tmp_path, "x", colors=True, max_colors=1, names="xkcd")
    document = json.loads((tmp_path / "x.palette.json").read_text("utf-8"))
    expected = result.colors(1, names="xkcd").document()
    assert document == expected
    for palette in document["classes"].values():
        assert [color["share"] for color in palette["colors"]] in ([], [1.0])
        assert all(isinstance(color["share"], float) for color in palette["colors"])


def test_a_result_can_be_pickled_after_its_cutouts_were_made(result: Segmentation) -> None:
    alpha = result.alpha()
    assert np.array_equal(pickle.loads(pickle.dumps(result)).alpha(), alpha)
