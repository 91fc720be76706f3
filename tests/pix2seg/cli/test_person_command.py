import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from pix2seg.cli import app
from pix2seg.cli.options import person_options
from pix2seg.generators.info import DEFAULT_PERSON
from pix2seg.photo import read_photo
from pix2seg.preprocess.person import EXTRACTORS

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


@pytest.mark.parametrize(
    ("background", "color"),
    [(None, 127), ("black", 0), ("white", 255), ("#010203", (1, 2, 3)), ("transparent", None)],
)
def test_person_writes_a_mask_and_the_photo_without_the_rest(
    figure: Path, small_weights: Path, tmp_path: Path, background: str | None, color: object
) -> None:
    words = ["person", figure, "--person", "grabcut", "--weights", small_weights]
    if background:
        words += ["--background", background]
    code, output = run(*words, "--out", tmp_path / "out")
    assert code == 0
    assert "1 photos done with grabcut" in output
    mask = np.asarray(Image.open(tmp_path / "out" / "figure.person.png"))
    assert mask.dtype == np.uint8
    assert set(np.unique(mask)) == {0, 255}
    assert mask[80, 50] == 255
    hidden = np.asarray(Image.open(tmp_path / "out" / "figure.grey.png"))
    pixels = read_photo(figure).pixels
    assert np.array_equal(hidden[mask > 0][:, :3], pixels[mask > 0])
    if color is None:
        assert hidden[5, 5, 3] == 0
        assert hidden[80, 50, 3] == 255
    else:
        assert (hidden[5, 5] == color).all()


def test_unknown_background_is_refused(figure: Path, small_weights: Path, tmp_path: Path) -> None:
    words = ["person", figure, "--person", "none", "--weights", small_weights, "--background"]
    code, output = run(*words, "mauve", "--out", tmp_path)
    assert code == 2
    assert "'mauve' is none of" in output.replace("│ ", "")


def test_nobody_found_is_one_warning_and_the_whole_photo(
    small_weights: Path, tmp_path: Path
) -> None:
    thin = tmp_path / "thin.png"
    Image.fromarray(np.full((20, 3, 3), 90, np.uint8)).save(thin)
    words = [thin, "--person", "grabcut", "--weights", small_weights, "--out", tmp_path / "out"]
    code, output = run("person", *words)
    assert code == 0
    assert output.count("nobody found") == 1
    assert not np.asarray(Image.open(tmp_path / "out" / "thin.person.png")).any()
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


def test_option_that_an_extractor_lacks_is_refused(figure: Path, small_weights: Path) -> None:
    words = ["person", figure, "--weights", small_weights, "--person", "grabcut", "--everyone"]
    result = runner.invoke(app, [str(word) for word in words])
    assert "has no option everyone; it takes box" in str(result.exception)


def test_options_reach_the_extractor() -> None:
    assert person_options("coco", None, True, "1,2,3,4") == {
        "weights": "coco",
        "config": None,
        "everyone": True,
        "box": (1, 2, 3, 4),
    }


def test_help_names_every_extractor_and_the_default() -> None:
    for command in ("person", "segment"):
        _, output = run(command, "--help")
        assert all(name in output for name in EXTRACTORS)
        assert f"{DEFAULT_PERSON} (default)" in output.replace("│ │ ", "")
