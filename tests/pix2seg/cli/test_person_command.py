import json
import re
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from pix2seg.cli import app
from pix2seg.cli.options import person_options
from pix2seg.generators.info import DEFAULT_PERSON
from pix2seg.photo import read_photo
from pix2seg.preprocess.person import EXTRACTORS
from pix2seg.preprocess.person.base import box_around

runner = CliRunner()


def run(*arguments: object) -> tuple[int, str]:
    result = runner.invoke(app, [str(a) for a in arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result.exit_code, " ".join(result.output.split())


@pytest.fixture
def figure(tmp_path: Path) -> Path:
    """A red figure on blue, which GrabCut parts from it."""
    pixels = np.full((150, 100, 3), (90, 160, 220), np.uint8)
    pixels[30:140, 35:65] = (150, 30, 40)
    noise = np.random.default_rng(0).integers(-8, 8, pixels.shape)
    path = tmp_path / "in" / "figure.png"
    path.parent.mkdir()
    Image.fromarray(np.clip(pixels + noise, 0, 255).astype(np.uint8)).save(path)
    return path


def test_each_background_stands_behind_a_clean_person(photos: list[Path], tmp_path: Path) -> None:
    words = ["person", photos[1], "--out", tmp_path, "--background", "transparent"]
    code, output = run(*words, "--background", "#010203", "--background", "blur")
    assert code == 0
    assert "1 done with person-mask-rcnn" in output
    name = photos[1].stem
    files = {f"{name}.{what}.png" for what in ("alpha", "transparent", "010203", "blur")}
    assert {file.name for file in tmp_path.iterdir()} == files
    alpha = np.asarray(Image.open(tmp_path / f"{name}.alpha.png"))
    truth = np.asarray(Image.open(photos[1].with_suffix(".png"))) > 0
    found = alpha >= 128
    assert (found & truth).sum() / (found | truth).sum() > 0.85
    assert ((alpha > 0) & (alpha < 255)).sum() > 1000  # soft edges
    areas = cv2.connectedComponentsWithStats((alpha > 0).astype(np.uint8))[2][1:, 4]
    assert areas.sum() - areas.max() < 0.001 * areas.max()  # nothing is stray
    pixels = read_photo(photos[1]).pixels
    rgba = np.asarray(Image.open(tmp_path / f"{name}.transparent.png"))
    assert np.array_equal(rgba[..., 3], alpha)
    assert np.array_equal(rgba[alpha == 255][:, :3], pixels[alpha == 255])
    flat = np.asarray(Image.open(tmp_path / f"{name}.010203.png"))
    assert (flat[alpha == 0] == (1, 2, 3)).all()
    blurred = np.asarray(Image.open(tmp_path / f"{name}.blur.png")).astype(int)
    assert 0 < np.abs(blurred - pixels)[alpha == 0].mean() < 40


def test_crop_cuts_to_the_person(photos: list[Path], tmp_path: Path) -> None:
    for folder, words in (("whole", []), ("crop", ["--crop"])):
        assert run("person", photos[1], "--out", tmp_path / folder, *words)[0] == 0
    name = photos[1].stem
    alpha = np.asarray(Image.open(tmp_path / "whole" / f"{name}.alpha.png"))
    x0, y0, x1, y1 = box_around(alpha > 0)
    cut = np.asarray(Image.open(tmp_path / "crop" / f"{name}.alpha.png"))
    assert np.array_equal(cut, alpha[y0:y1, x0:x1])
    assert Image.open(tmp_path / "crop" / f"{name}.grey.png").size == (x1 - x0, y1 - y0)


def test_one_picture_goes_to_standard_output(
    figure: Path,
    photos: list[Path],
    small_onnx: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    words = ["person", str(figure), "--person", "grabcut", "--weights", str(small_onnx)]
    words += ["--background", "transparent"]
    assert run(*words, "--out", tmp_path)[0] == 0
    piped = runner.invoke(app, [*words, "--out", "-"])
    assert piped.exit_code == 0
    assert piped.stdout_bytes == (tmp_path / "figure.transparent.png").read_bytes()
    monkeypatch.chdir(tmp_path)
    named = runner.invoke(app, [*words, "--out", "./-"])
    assert named.stdout_bytes == b""
    assert (tmp_path / "-" / "figure.transparent.png").is_file()
    for more in (["--background", "black"], ["--everyone"], [photos[0]]):
        code, output = run(*words, *more, "--out", "-")
        assert code == 2
        assert "one picture" in output.replace("│ ", "")


def test_a_line_tells_of_each_photo(figure: Path, small_onnx: Path, tmp_path: Path) -> None:
    words = ["person", figure, "--person", "grabcut", "--weights", small_onnx, "--out", tmp_path]
    assert re.search(r"figure\.png a person on \d+\.\d% of the photo, quality 0", run(*words)[1])
    assert "of the photo" not in run(*words, "--quiet")[1]


def test_unknown_background_is_refused(figure: Path, small_onnx: Path, tmp_path: Path) -> None:
    words = ["person", figure, "--person", "none", "--weights", small_onnx, "--background"]
    code, output = run(*words, "mauve", "--out", tmp_path)
    assert code == 2
    assert "'mauve' is none of" in output.replace("│ ", "")
    code, output = run(*words, "transparant", "--out", tmp_path)
    assert code == 2
    assert output.endswith("CSS names it; transparent?")


def test_background_may_be_a_css_colour(figure: Path, small_onnx: Path, tmp_path: Path) -> None:
    words = ["person", figure, "--person", "none", "--weights", small_onnx, "--out", tmp_path]
    assert run(*words, "--background", "Crimson")[0] == 0
    assert (tmp_path / f"{figure.stem}.dc143c.png").exists()
    assert run(*words, "--background", "Gray", "--background", "Transparent")[0] == 0
    for name in ("grey", "transparent"):
        assert (tmp_path / f"{figure.stem}.{name}.png").exists()


def test_nobody_found_is_one_warning_and_the_whole_photo(small_onnx: Path, tmp_path: Path) -> None:
    thin = tmp_path / "thin.png"
    Image.fromarray(np.full((20, 3, 3), 90, np.uint8)).save(thin)
    words = [thin, "--person", "grabcut", "--weights", small_onnx, "--out", tmp_path / "out"]
    code, output = run("person", *words, "--background", "transparent", "--background", "grey")
    assert code == 1
    assert output.count("nobody found") == 1
    assert "1 of them without a person" in output
    with Image.open(tmp_path / "out" / "thin.transparent.png") as kept:
        assert kept.mode == "RGBA"
        assert np.array_equal(np.asarray(kept)[..., :3], np.asarray(Image.open(thin)))
    assert not np.asarray(Image.open(tmp_path / "out" / "thin.alpha.png")).any()
    assert (np.asarray(Image.open(tmp_path / "out" / "thin.grey.png")) == 90).all()
    code, output = run("segment", *words, "--colors")
    assert code == 0
    assert output.count("nobody found") == 1
    document = json.loads((tmp_path / "out" / "thin.palette.json").read_text())
    assert document["person"]["found"] is False


@pytest.mark.parametrize("box", ["1,2,3", "a,b,c,d", "5,5,5,9", "9,0,3,4", ""])
def test_wrong_box_is_refused(figure: Path, box: str) -> None:
    code, output = run("person", figure, "--person-box", box)
    assert code == 2
    assert "is no box" in output


def test_option_that_an_extractor_lacks_is_refused(figure: Path, small_onnx: Path) -> None:
    words = ["person", figure, "--weights", small_onnx, "--person", "grabcut", "--everyone"]
    result = runner.invoke(app, [str(word) for word in words])
    assert "has no option everyone; it takes box" in str(result.exception)


def test_options_reach_the_extractor() -> None:
    options = {"weights": "coco", "config": None, "trust": False}
    everyone = person_options("coco", None, False, True, None)
    assert everyone == {**options, "everyone": True, "box": None}
    chosen = person_options("coco", None, False, False, "1,2,3,4")
    assert chosen == {**options, "everyone": False, "box": (1, 2, 3, 4)}


@pytest.mark.parametrize("command", ["person", "segment"])
def test_a_box_is_for_one_person_of_one_photo(command: str, figure: Path, tmp_path: Path) -> None:
    words = [command, figure, "--person-box", "1,2,3,4", "--out", tmp_path / "out"]
    code, output = run(*words, "--everyone")
    assert code == 2
    assert "it names one person" in output
    Image.open(figure).save(figure.with_name("other.png"))
    code, output = run(*words, figure.with_name("other.png"))
    assert code == 2
    assert "these are 2" in output
    assert not (tmp_path / "out").exists()


def test_help_names_every_extractor_and_the_default() -> None:
    for command in ("person", "segment"):
        _, output = run(command, "--help")
        assert all(name in output for name in EXTRACTORS)
        assert f"{DEFAULT_PERSON} (default)" in output.replace("│ │ ", "")


def test_no_results_are_claimed_where_none_are(
    figure: Path, small_onnx: Path, tmp_path: Path
) -> None:
    words = ["person", figure, "--weights", small_onnx]
    code, output = run(*words, "--person-box", "900,900,950,950", "--out", tmp_path / "out")
    assert code == 2
    assert "0 done with person-mask-rcnn" in output
    assert "results in" not in output
    assert "lies outside the photo" in output
    assert not (tmp_path / "out").exists()


def test_pictures_that_are_there_are_left_out(
    photos: list[Path], figure: Path, small_onnx: Path, tmp_path: Path
) -> None:
    words = ["person", *photos[:2], "--person", "none", "--weights", small_onnx, "--out", tmp_path]
    words += ["--background", "white"]
    assert run(*words)[0] == 0
    (tmp_path / f"{photos[1].stem}.white.png").unlink()
    before = (tmp_path / f"{photos[0].stem}.white.png").stat().st_mtime_ns
    code, output = run(*words, "--skip-existing")
    assert code == 0
    assert "1 of 2 photos have their pictures" in output
    assert (tmp_path / f"{photos[0].stem}.white.png").stat().st_mtime_ns == before
    assert (tmp_path / f"{photos[1].stem}.white.png").is_file()
    assert "2 of 2 photos have" in run(*words, "--skip-existing")[1]
    assert "0 of 2 photos have" in run(*words, "--skip-existing", "--background", "blur")[1]


def test_a_folder_named_like_a_picture_is_refused(figure: Path, small_onnx: Path) -> None:
    for command in ("person", "segment"):
        words = [command, figure, "--weights", small_onnx, "--out", figure.parent / "cut.png"]
        result = runner.invoke(app, [str(word) for word in words])
        assert "is named like a picture" in str(result.exception)
        assert not (figure.parent / "cut.png").exists()


def test_photos_that_are_done_count_as_shown(
    figure: Path, small_onnx: Path, tmp_path: Path
) -> None:
    thin = tmp_path / "thin.png"
    Image.fromarray(np.full((20, 3, 3), 90, np.uint8)).save(thin)
    words = ["--person", "grabcut", "--weights", small_onnx, "--out", tmp_path / "out"]
    assert run("person", figure, *words)[0] == 0
    assert run("person", figure, thin, *words, "--skip-existing")[0] == 0
    assert run("person", thin, *words)[0] == 1
