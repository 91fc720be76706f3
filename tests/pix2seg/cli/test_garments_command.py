import csv
import json
import re
from dataclasses import replace
from pathlib import Path

import jsonschema
import numpy as np
from PIL import Image
from typer.testing import CliRunner

from pix2seg import Segmenter
from pix2seg.catalog.listing import TableListing
from pix2seg.catalog.search import find
from pix2seg.cli import app
from pix2seg.colors.document import palette_schema
from pix2seg.colors.row import rows_of
from pix2seg.colors.table import read_table, write_table
from pix2seg.colors.wanted import parse_wanted
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
    scores = {row["garment"]: row["score"] for row in rows}
    assert scores == {"": ""} | {g["kind"]: str(g["score"]) for g in document["garments"]}
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
    assert re.search(rf" ({'|'.join(kinds().foreground)})\??( \w|,)", plain)
    assert "#" not in plain
    assert "#" in run(*words, "--out", tmp_path, "--verbose")
    assert "#" in run(*words, "--out", tmp_path, "--colors")  # of the classes


def test_kinds_that_are_hardly_sure_get_a_question_mark(
    garment_weights: Path, photos: list[Path], tmp_path: Path
) -> None:
    words = ["segment", photos[0], "--weights", garment_weights, "--person", "none", "--garments"]
    told = run(*words, "--out", tmp_path, "--colors")
    document = json.loads((tmp_path / f"{photos[0].stem}.palette.json").read_text("utf-8"))
    assert document["garments"]
    for garment in document["garments"]:
        sure = garment["score"] >= 0.7
        assert f" {garment['kind']}{'' if sure else '?'} " in told


def test_tables_list_each_person_and_searches_look_at_the_whole(
    garment_weights: Path, small_photo: Path, tmp_path: Path
) -> None:
    whole = Segmenter(garment_weights, person="none", device="cpu")(small_photo)
    half = replace(whole, mask=np.where(np.arange(whole.mask.shape[1]) < 40, whole.mask, 0))
    document = replace(whole, people=(whole, half)).colors(garments=True).document()
    rows = list(rows_of(document))
    assert {row.person for row in rows} == {None, 1, 2}
    of = {n: [replace(row, person=None) for row in rows if row.person == n] for n in (None, 1, 2)}
    assert of[None] == of[1] == list(rows_of(whole.colors(garments=True).document()))
    assert of[2] != of[1]
    table, alone = tmp_path / "t.csv", tmp_path / "alone.csv"
    write_table(table, rows)
    write_table(alone, of[None])
    assert read_table(table) == rows
    wanted = parse_wanted(rows[0].hex, TableListing(table).kinds())
    assert find(TableListing(table), wanted) == find(TableListing(alone), wanted) != []
