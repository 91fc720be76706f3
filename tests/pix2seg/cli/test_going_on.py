"""A batch that was broken off goes on, and keeps what was done."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from pix2seg import batch
from pix2seg.cli import app
from pix2seg.cli.output import json_lines
from pix2seg.colors.table import read_table
from pix2seg.errors import Pix2SegError


@pytest.fixture
def shop(tmp_path: Path, photos: list[Path]) -> Path:
    """Two folders that share a name."""
    for folder, photo in zip(("a", "b"), photos, strict=False):
        (tmp_path / "shop" / folder).mkdir(parents=True)
        with Image.open(photo) as image:
            image.reduce(8).save(tmp_path / "shop" / folder / "front.jpg")
    return tmp_path / "shop"


def segment(shop: Path, weights: Path, *options: object) -> Result:
    table, out = shop.parent / "t.csv", shop.parent / "out"
    fixed = ["--weights", weights, "--person", "none", "--device", "cpu", "--table", table]
    arguments = ["segment", shop, "--out", out, *fixed, *options]
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_what_is_there_is_left_out(shop: Path, small_weights: Path) -> None:
    assert segment(shop, small_weights).exit_code == 0
    rows = read_table(shop.parent / "t.csv")
    assert {row.file for row in rows} == {"a/front.jpg", "b/front.jpg"}
    mask = shop.parent / "out" / "a" / "front.mask.png"
    before = mask.stat().st_mtime_ns

    shutil.copy(shop / "a" / "front.jpg", shop / "a" / "more.jpg")
    (shop.parent / "out" / "b" / "front.overlay.png").unlink()
    again = segment(shop, small_weights, "--skip-existing")
    assert again.exit_code == 0
    assert "1 of 3 photos have their results" in again.stderr
    assert mask.stat().st_mtime_ns == before
    assert (shop.parent / "out" / "b" / "front.overlay.png").is_file()
    table = read_table(shop.parent / "t.csv")
    assert [row for row in table if row.file != "a/more.jpg"] == rows
    assert "3 of 3" in segment(shop, small_weights, "--skip-existing").stderr
    assert read_table(shop.parent / "t.csv") == table


def test_folders_that_share_names_go_on_too(shop: Path, small_weights: Path) -> None:
    words = ["segment", shop / "a", shop / "b", "--weights", small_weights, "--person", "none"]
    words += ["--device", "cpu", "--out", shop.parent / "out", "--table", shop.parent / "t.csv"]

    def go_on() -> Result:
        return CliRunner().invoke(app, [*map(str, words), "--skip-existing"])

    assert go_on().exit_code == 0
    table = read_table(shop.parent / "t.csv")
    assert {row.file for row in table} == {"a/front.jpg", "b/front.jpg"}
    assert (shop.parent / "out" / "b" / "front.mask.png").is_file()
    assert "2 of 2 photos have their results" in go_on().stderr
    (shop.parent / "out" / "a" / "front.mask.png").unlink()
    assert "1 of 2 photos have their results" in go_on().stderr
    again = read_table(shop.parent / "t.csv")
    assert sorted(again, key=lambda row: row.file) == sorted(table, key=lambda row: row.file)


def test_ctrl_c_keeps_what_is_done(
    shop: Path, small_weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*arguments: Any) -> Iterator[Any]:
        yield next(segment_files(*arguments))
        raise KeyboardInterrupt

    segment_files = batch.segment_files
    monkeypatch.setattr(batch, "segment_files", interrupted)
    for suffix in ("csv", "parquet"):
        table = shop.parent / f"u.{suffix}"
        broken = segment(shop, small_weights, shop / "*.tiff", "--table", table)
        assert broken.exit_code != 0
        assert "no photo matches" in broken.stderr
        assert "--skip-existing" in broken.stderr
        assert {row.file for row in read_table(table)} == {"a/front.jpg"}


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_table_outlives_a_run_that_cannot_begin(
    shop: Path, small_weights: Path, jobs: int
) -> None:
    segment(shop, small_weights)
    table = (shop.parent / "t.csv").read_bytes()
    broken = shop.parent / "broken.safetensors"
    broken.write_bytes(b"no weights")
    assert segment(shop, broken, "--jobs", jobs).exit_code != 0
    assert (shop.parent / "t.csv").read_bytes() == table


@pytest.mark.parametrize("command", ["segment", "palette"])
def test_a_table_outlives_json_that_cannot_be_written(
    shop: Path, small_weights: Path, run_here: Callable[..., Any], command: str
) -> None:
    segment(shop, small_weights)
    table = (shop.parent / "t.csv").read_bytes()
    how = ["--weights", small_weights, "--person", "none"] if command == "segment" else []
    ended = run_here(
        command, shop, *how, "--out", shop.parent / "new", "--table", shop.parent / "t.csv",
        "--json", shop,
    )  # fmt: skip
    assert ended.code == 2
    assert "is a directory" in ended.err
    assert (shop.parent / "t.csv").read_bytes() == table


def test_what_was_told_before_a_process_was_killed_is_kept(
    shop: Path, small_weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*arguments: Any) -> Iterator[Any]:
        yield next(segment_files(*arguments))
        raise Pix2SegError("a process was killed")

    segment_files = batch.segment_files
    monkeypatch.setattr(batch, "segment_files", killed)
    written, table = shop.parent / "all.jsonl", shop.parent / "all.parquet"
    broken = segment(shop, small_weights, "--json", written, "--table", table)
    assert broken.exit_code == 2
    assert "a process was killed" in broken.stderr
    assert json.loads(written.read_text("utf-8"))["image"]["file"] == "a/front.jpg"
    assert {row.file for row in read_table(table)} == {"a/front.jpg"}


def test_json_goes_on_too(shop: Path, small_weights: Path) -> None:
    written = shop.parent / "all.jsonl"
    options = ("--colors", "--json", written)
    assert segment(shop, small_weights, *options).exit_code == 0
    lines = written.read_text("utf-8").splitlines()
    assert len(lines) == 2
    (shop.parent / "out" / "b" / "front.mask.png").unlink()
    assert segment(shop, small_weights, *options, "--skip-existing").exit_code == 0
    again = written.read_text("utf-8").splitlines()
    assert [json.loads(line) for line in again] == [json.loads(line) for line in lines]
    assert segment(shop, small_weights, *options, "--skip-existing").exit_code == 0
    assert written.read_text("utf-8").splitlines() == again


def test_what_is_wrong_is_told_where_nothing_is_left_to_do(shop: Path, small_weights: Path) -> None:
    assert segment(shop, small_weights).exit_code == 0
    again = segment(shop, small_weights, shop / "none*.jpg", "--skip-existing")
    assert again.exit_code == 2
    assert "no photo matches" in again.stderr


def test_other_wishes_are_done_anew(shop: Path, small_weights: Path) -> None:
    assert segment(shop, small_weights).exit_code == 0
    for wish in ("--cutouts", "--everyone"):
        again = segment(shop, small_weights, wish, "--skip-existing")
        assert "0 of 2 photos have their results" in again.stderr


def test_a_photo_is_not_taken_for_another_of_its_name(shop: Path, small_weights: Path) -> None:
    assert segment(shop, small_weights).exit_code == 0
    other = shop / "a" / "front.bmp"  # its name comes before front.jpg
    with Image.open(shop / "b" / "front.jpg") as image:
        image.save(other)
    mask = shop.parent / "out" / "a" / "front.mask.png"
    before = mask.read_bytes()
    assert segment(shop, small_weights, "--skip-existing").exit_code == 0
    assert mask.read_bytes() != before
    rows = read_table(shop.parent / "t.csv")
    assert {row.file for row in rows} == {"a/front.bmp", "a/front.jpg", "b/front.jpg"}


def test_rows_of_photos_outside_the_run_stay_and_none_stands_twice(
    shop: Path, small_weights: Path
) -> None:
    assert segment(shop, small_weights).exit_code == 0
    rows = read_table(shop.parent / "t.csv")
    (shop.parent / "out" / "b" / "front.mask.png").unlink()
    shutil.rmtree(shop / "a")
    assert segment(shop, small_weights, "--skip-existing").exit_code == 0
    assert read_table(shop.parent / "t.csv") == rows


def test_what_should_be_looked_at_is_collected_later_too(shop: Path, small_weights: Path) -> None:
    assert segment(shop, small_weights, "--colors").exit_code == 0
    out, kept = shop.parent / "out", shop.parent / "look"
    for name, review in (("a", "a torn outline"), ("b", None)):
        file = out / name / "front.palette.json"
        document = json.loads(file.read_text("utf-8")) | {"review": review}
        file.write_text(json.dumps(document), "utf-8")
    again = segment(shop, small_weights, "--colors", "--review", kept, "--skip-existing")
    assert "1 of 2 photos have their results" in again.stderr


def test_json_alone_is_no_result_to_go_on_from(shop: Path, small_weights: Path) -> None:
    written = shop.parent / "all.jsonl"
    words = ["segment", shop, "--weights", small_weights, "--person", "none", "--json", written]
    assert CliRunner().invoke(app, [str(word) for word in words]).exit_code == 0
    before = written.read_bytes()
    again = CliRunner().invoke(app, [*map(str, words), "--skip-existing"])
    assert again.exit_code == 2
    assert "there are no results to go on from" in " ".join(again.stderr.split())
    assert written.read_bytes() == before


def _write_and_end(write: Callable[..., None], document: object, end: BaseException) -> None:
    write(document)
    raise end


@pytest.mark.parametrize("end", [SystemExit(143), KeyboardInterrupt(), OSError("no space left")])
def test_lines_of_json_are_kept_however_it_ends(tmp_path: Path, end: BaseException) -> None:
    written, document = tmp_path / "all.jsonl", {"image": {"file": "a.jpg"}, "classes": {}}
    with pytest.raises(type(end)), json_lines(str(written)) as write:
        _write_and_end(write, document, end)
    assert json.loads(written.read_text("utf-8")) == document


@pytest.mark.parametrize("option", ["--table", "--json"])
def test_a_file_of_somebody_else_s_is_not_replaced(
    shop: Path, run_here: Callable[..., Any], option: str
) -> None:
    mine = shop.parent / "mine.csv"
    mine.write_text("a,b\n1,2\n")
    ended = run_here("palette", shop, "--out", shop.parent / "out", option, mine)
    assert ended.code == 2
    assert "of pix2seg; name another file" in ended.err
    assert mine.read_text() == "a,b\n1,2\n"


def test_a_link_to_the_table_is_the_table(shop: Path, run_here: Callable[..., Any]) -> None:
    table = shop.parent / "t.csv"
    (shop.parent / "link.jsonl").symlink_to(table)
    for same in (shop.parent / "link.jsonl", shop / ".." / "t.csv"):
        ended = run_here("palette", shop, "--out", shop, "--table", table, "--json", same)
        assert ended.code == 2
        assert "name two files" in " ".join(ended.err.split())


def test_lines_of_json_outlive_a_table_that_cannot_be_written(
    shop: Path, run_here: Callable[..., Any]
) -> None:
    written, out = shop.parent / "all.jsonl", shop.parent / "out"
    assert run_here("palette", shop, "--out", out, "--json", written).code == 0
    before = written.read_bytes()
    assert before.count(b"\n") == 2
    (shop.parent / "file").touch()
    words = ["--json", written, "--table", shop.parent / "file" / "t.csv"]
    assert run_here("palette", shop, "--out", out, *words).code == 2
    assert written.read_bytes() == before


def test_results_in_the_default_folder_are_photos_to_who_asks_for_them(
    shop: Path, run_here: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(shop)
    assert run_here("palette", "a").code == 0
    assert "1 done" in run_here("palette", "pix2seg-out", "--out", shop.parent / "again").err
    assert "2 done" in run_here("palette", ".", "--out", shop.parent / "all").err
