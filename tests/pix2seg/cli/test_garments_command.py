import csv
import json
from pathlib import Path

import jsonschema
import numpy as np
from PIL import Image
from typer.testing import CliRunner

from pix2seg.cli import app
from pix2seg.colors.document import palette_schema
from pix2seg.garments import kinds

RUNNER = CliRunner()


def run(*words: object, code: int = 0) -> str:
    result = RUNNER.invoke(app, [str(word) for word in words], catch_exceptions=False)
    assert result.exit_code == code, result.output
    return result.output


def test_garments_reach_files_table_and_search(
    garment_weights: Path, photos: list[Path], tmp_path: Path
) -> None:
    out, table = tmp_path / "out", tmp_path / "t.csv"
    run(
        "segment", photos[0], "--weights", garment_weights, "--person", "none", "--garments",
        "--colors", "--cutouts", "--out", out, "--table", table, "--review", tmp_path / "look",
    )  # fmt: skip
    stem = photos[0].stem
    document = json.loads((out / f"{stem}.palette.json").read_text("utf-8"))
    jsonschema.validate(document, palette_schema())
    shown = {garment["kind"] for garment in document["garments"]}
    with Image.open(out / f"{stem}.garments.png") as image:
        ids = np.unique(np.asarray(image))
    assert shown == {kinds().names[i] for i in ids if i >= 3}
    assert all((out / f"{stem}.{kind}.png").exists() for kind in shown)
    with table.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["garment"] for row in rows} == {"", *shown}
    assert {row["quality"] for row in rows} == {str(document["quality"])}
    looked = tmp_path / "look" / f"{stem}.overlay.png"
    assert looked.exists() == (document["review"] is not None)
    first = document["garments"][0]
    wanted = first["colors"][0]["hex"]
    listing = run("find", wanted, "--in", table, "--garment", first["kind"])
    assert photos[0].name in listing
    assert first["kind"] in listing
    like = ("find", "--like", photos[0], "--weights", garment_weights, "--in", table)
    assert photos[0].name in run(*like, "--garment", first["kind"])
    assert "not both" in run(
        "find", "red", "--in", table, "--class", "hair", "--garment", "x", code=2
    )


def test_weights_without_garments_are_refused(
    small_weights: Path, photos: list[Path], tmp_path: Path
) -> None:
    told = run(
        "segment", photos[0], "--weights", small_weights, "--person", "none", "--garments",
        "--out", tmp_path, code=2,
    )  # fmt: skip
    assert "name no garments" in told
    assert not list(tmp_path.iterdir())


def test_garments_are_told_with_base_colors_alone(
    garment_weights: Path, photos: list[Path], tmp_path: Path
) -> None:
    words = ["segment", photos[0], "--weights", garment_weights, "--person", "none", "--garments"]
    plain = run(*words, "--out", tmp_path)
    assert any(f" {kind} " in plain for kind in kinds().foreground)
    assert "#" not in plain
    assert "#" in run(*words, "--out", tmp_path, "--verbose")
    assert "#" in run(*words, "--out", tmp_path, "--colors")  # of the classes
