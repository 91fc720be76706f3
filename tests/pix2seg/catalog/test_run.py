import json
import multiprocessing
import os
import random
import shutil
import signal
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pyarrow import parquet

from pix2seg.catalog.catalog import Catalog
from pix2seg.catalog.engines.base import run_shards
from pix2seg.catalog.engines.local import LocalPool
from pix2seg.catalog.plan import Plan
from pix2seg.catalog.run import begin_catalog, failed_shards, open_shards, reopen_catalog, state
from pix2seg.catalog.schema import read_mask_png
from pix2seg.catalog.source import Item
from pix2seg.catalog.storage import Folder
from pix2seg.catalog.work import Job, Settings, Worker
from pix2seg.errors import CatalogError
from pix2seg.segmenter import Segmenter

KILLS = 20

Fill = Callable[[str, str], Catalog]


def rows(catalog: Catalog) -> list[dict[str, Any]]:
    """All rows, but for how long each took."""
    return [{**row, "seconds": None} for row in catalog.all_rows()]


def fill_here(source: str, out: str, settings: Settings) -> None:
    """What `pix2seg catalog run` does, by a process that may be killed."""
    catalog = begin_catalog(source, out, settings, shard_size=2).catalog
    pool = LocalPool(Job(out, settings))
    pool.context = multiprocessing.get_context("fork")  # torch has one thread here, see conftest
    for _ in run_shards(pool, open_shards(catalog), 2):
        pass


def test_rows_tell_of_each_photo(small_catalog: Catalog, shop: Path, settings: Settings) -> None:
    found = rows(small_catalog)
    files = ["men/front0.jpg", "men/front1.jpg", "women/broken.jpg", "women/front0.jpg"]
    assert [row["file"] for row in found] == [*files, "women/front1.jpg"]
    broken = found.pop(2)
    assert broken["status"] == "failed"
    assert "not a photo" in broken["error"]
    assert broken["palettes"] is None

    result = Segmenter(settings.weights, person="none", device="cpu")(shop / files[0])
    row = found[0]
    assert row["uri"] == str(shop / files[0])
    assert row["sha256"] == result.photo.sha256
    assert (row["width"], row["height"]) == (result.photo.width, result.photo.height)
    assert (read_mask_png(row["mask"]) == result.mask).all()
    assert row["model"]["generator"] == result.model["generator"]
    assert {c["class"]: c["share"] for c in row["coverage"]} == pytest.approx(
        result.coverage(), abs=1e-6
    )
    for palette in row["palettes"]:
        swatches = result.palette()[palette["class"]]
        assert [c["hex"] for c in palette["colors"]] == [s.color.hex for s in swatches]
    colors = [c for palette in row["palettes"] for c in palette["colors"]]
    index = parquet.read_table(small_catalog.index(0)).to_pylist()
    of_first = [color for color in index if color["row"] == 0]
    assert sorted(c["share"] for c in of_first) == pytest.approx(sorted(c["share"] for c in colors))


def test_a_broken_photo_of_any_name_is_a_row(shop: Path, fill: Fill, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    shutil.copy(shop / "men" / "front0.jpg", source)
    with open(os.fsencode(source) + b"/caf\xe9.jpg", "wb") as file:  # noqa: PTH123
        file.write(b"no photo")
    broken, good = fill(str(source), str(tmp_path / "out")).rows(0)
    assert good["status"] == "ok"
    assert "is not a photo" in broken["error"]


def test_shards_keep_their_numbers_beyond_five_digits(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    for photo, planned, name in (("a.jpg", 0, "99000"), ("b.jpg", 1, "100000")):
        Plan(folder).extend([Item(photo, photo)], 1)
        file = tmp_path / "_plan" / f"{planned:05d}.parquet"
        file.rename(file.with_stem(name))  # as if so many came before
    assert [Plan(folder).items(shard)[0].file for shard in (0, 1)] == ["a.jpg", "b.jpg"]


def test_other_libraries_read_it(small_catalog: Catalog) -> None:
    import duckdb
    import pandas
    import polars

    shards = small_catalog.folder.place("*.parquet")
    wide = "SELECT unnest(palettes, recursive := true) FROM read_parquet(?) WHERE status = 'ok'"
    listed = duckdb.connect().execute(wide, [shards]).fetchall()
    assert len(listed) == 4 * 3
    frame = polars.scan_parquet(shards).filter(polars.col("status") == "ok").collect()
    assert frame["person"].struct.field("found").to_list() == [True] * 4
    first = pandas.read_parquet(small_catalog.place(0))
    assert first["palettes"][0][0]["class"] == "clothes"


def test_what_killed_runs_and_others_left_is_no_part_of_it(
    shop: Path, fill: Fill, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, seen = tmp_path / "out", set[str]()
    monkeypatch.setattr(os, "fsync", lambda file: seen.update(f.name for f in out.rglob("*")))
    catalog = fill(str(shop), str(out))
    unfinished = {name for name in seen if name.startswith(".")}
    assert unfinished
    assert not [name for name in unfinished if name.endswith(".parquet")]  # DuckDB would read it
    whole = catalog.plan.counts
    (out / "_plan" / ".pix2seg-0badcafe.parquet").write_bytes(b"half of")
    (out / "backup (1)_stats.json").touch()
    again = Catalog(str(out))
    assert again.plan.counts == whole
    assert open_shards(again) == []


def test_a_worker_that_cannot_go_on_blames_no_photo(
    shop: Path, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise OSError("the disk is gone")

    out = str(tmp_path / "out")
    catalog = begin_catalog(str(shop), out, settings, shard_size=2).catalog
    monkeypatch.setattr(Worker, "run", broken)
    pool = LocalPool(Job(out, settings))
    pool.context = multiprocessing.get_context("fork")
    with pytest.raises(CatalogError, match="cannot go on: OSError: the disk is gone"):
        list(run_shards(pool, [0], 1))
    assert catalog.done() == set()


def test_kills_lose_nothing(
    shop: Path, small_catalog: Catalog, settings: Settings, tmp_path: Path
) -> None:
    began = time.monotonic()
    fill_here(str(shop), str(tmp_path / "unbroken"), settings)
    whole = time.monotonic() - began
    draw, out, wrong, killed = random.Random(0), tmp_path / "out", 0, 0
    context = multiprocessing.get_context("fork")
    for _ in range(KILLS):
        done = Catalog(str(out)).done() if (out / "catalog.json").exists() else set()
        if done == {0, 1, 2}:
            shutil.rmtree(out)
            done = set()
        process = context.Process(target=fill_here, args=(str(shop), str(out), settings))
        process.start()
        process.join(draw.uniform(0, whole))
        process.kill()
        process.join()
        killed += process.exitcode == -signal.SIGKILL
        wrong += not done <= (Catalog(str(out)).done() if done else set())
    assert killed, "no kill came before its run had ended"
    assert not wrong
    fill_here(str(shop), str(out), settings)
    assert rows(Catalog(str(out))) == rows(small_catalog)


def test_done_shards_are_left_alone(shop: Path, fill: Fill, tmp_path: Path) -> None:
    source, out = tmp_path / "source", str(tmp_path / "out")
    shutil.copytree(shop, source)
    first = fill(str(source), out)
    before = {f: f.stat().st_mtime_ns for f in Path(out).glob("0*")}
    shutil.copy(source / "men" / "front0.jpg", source / "men" / "added.jpg")
    grown = fill(str(source), out)
    assert {f: f.stat().st_mtime_ns for f in before} == before
    assert grown.plan.counts == [2, 2, 1, 1]
    assert [r["file"] for r in grown.rows(3)] == ["men/added.jpg"]
    assert len(first.plan) == 3


def test_other_settings_are_refused(
    small_catalog: Catalog, shop: Path, settings: Settings, small_mask_rcnn: Path, tmp_path: Path
) -> None:
    out = small_catalog.folder.location
    for change, message in (
        ({"max_colors": 2}, "--max-colors none, not 2"),
        ({"flip": True}, "--flip off, not on"),
        ({"flip": True, "max_colors": 2}, "--flip off, not on; --max-colors none, not 2"),
        ({"person": "grabcut"}, "model person none, not grabcut"),
        ({"weights": None}, r"model generator small \w+, not pix2pix"),
    ):
        other = Settings(**{**vars(settings), **change})
        with pytest.raises(CatalogError, match=message):
            begin_catalog(str(shop), out, other, shard_size=2)
    with pytest.raises(CatalogError, match="shard_size 2, not 3"):
        begin_catalog(str(shop), out, settings, shard_size=3)
    with pytest.raises(CatalogError, match="source"):
        begin_catalog(str(tmp_path), out, settings, shard_size=2)
    with pytest.raises(CatalogError, match="other files"):
        begin_catalog(str(shop), str(shop / "men"), settings, shard_size=2)


def test_a_refused_source_leaves_no_catalogue(
    shop: Path, settings: Settings, tmp_path: Path
) -> None:
    out, source = tmp_path / "out", tmp_path / "source"

    def begin(source: Path, keep_plan: bool = False) -> Catalog:
        how = {"shard_size": 2, "keep_plan": keep_plan}
        return begin_catalog(str(source), str(out), settings, **how).catalog

    with pytest.raises(CatalogError, match="no folder"):
        begin(source)
    source.mkdir()
    with pytest.raises(CatalogError, match="holds no photos"):
        begin(source)
    assert not out.exists()
    shutil.copytree(shop / "men", source, dirs_exist_ok=True)
    assert begin(source).plan.counts == [2]
    shutil.rmtree(source)
    source.mkdir()  # what is planned stays
    assert begin(source).plan.counts == [2]
    assert begin(source, keep_plan=True).plan.counts == [2]


def test_failed_photos_are_tried_again(
    shop: Path, fill: Fill, settings: Settings, tmp_path: Path
) -> None:
    source, out = tmp_path / "source", str(tmp_path / "out")
    shutil.copytree(shop, source)
    fill(str(source), out)
    opened = reopen_catalog(out, settings.weights, "cpu")
    assert replace(settings, trust=True).facts() == opened.catalog.facts["options"]
    catalog = opened.catalog
    assert failed_shards(catalog) == {1: 1}
    good, took = catalog.rows(1)[1], catalog.counts(1).seconds
    shutil.copy(source / "men" / "front0.jpg", source / "women" / "broken.jpg")
    assert list(Worker(Job(out, opened.settings, retry=True)).run(1)) == [True]
    assert state(catalog).failed == 0
    assert catalog.counts(1).seconds > took  # for the good row that stays, and the one that came
    mended, untouched = catalog.rows(1)
    assert mended["sha256"] == catalog.rows(0)[0]["sha256"]
    assert untouched == good


def test_photos_that_end_a_process_fail(
    shop: Path, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def deadly(segmenter: Segmenter, source: Any) -> Any:
        if source.file == "women/front0.jpg":
            os.kill(os.getpid(), signal.SIGKILL)
        return call(segmenter, source)

    call = Segmenter.__call__
    monkeypatch.setattr(Segmenter, "__call__", deadly)
    out = str(tmp_path / "out")
    fill_here(str(shop), out, settings)
    found = {row["file"]: row for row in Catalog(out).all_rows()}
    assert found["women/front0.jpg"]["error"] == "ended the process that worked on it"
    assert [row["status"] for row in found.values()].count("ok") == 3


def test_workers_end_with_their_parent(shop: Path, settings: Settings, tmp_path: Path) -> None:
    out = tmp_path / "out"
    context = multiprocessing.get_context("fork")
    process = context.Process(target=fill_here, args=(str(shop), str(out), settings))
    process.start()
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    if not children.exists():
        pytest.skip("only Linux tells a process's children")
    while not (workers := children.read_text().split()):
        time.sleep(0.01)
    process.kill()
    process.join()
    limit = time.monotonic() + 30
    while any(_lives(worker) for worker in workers):
        assert time.monotonic() < limit
        time.sleep(0.05)


def _lives(process: str) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(") ")[2][0] != "Z"
    except OSError:
        return False


def test_broken_catalogues_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match=r"no catalog\.json"):
        Catalog(str(tmp_path))
    (tmp_path / "catalog.json").write_text("{")
    with pytest.raises(CatalogError, match="broken"):
        Catalog(str(tmp_path))
    (tmp_path / "catalog.json").write_text(json.dumps({"schema": "pix2seg.catalog/9"}))
    with pytest.raises(CatalogError, match="not of this version"):
        Catalog(str(tmp_path))
    with pytest.raises(CatalogError, match="https:// is not known"):
        Catalog("https://shop.example/out")


def test_runs_that_plan_at_the_same_time_plan_each_photo_once(tmp_path: Path) -> None:
    items = [Item(f"{i}.jpg", f"{i}.jpg") for i in range(7)]
    ours, theirs = Plan(Folder(tmp_path)), Plan(Folder(tmp_path))
    theirs.extend(items[2:5], 2)
    ours.extend(items, 2)
    for plan in (ours, Plan(Folder(tmp_path))):
        planned = [plan.items(shard) for shard in range(len(plan))]
        assert planned[:2] == [items[2:4], items[4:5]]
        assert [item for shard in planned[2:] for item in shard] == items[:2] + items[5:]
    assert {file.suffix for file in (tmp_path / "_plan").iterdir()} == {".parquet"}


def test_shards_need_a_plan(shop: Path, settings: Settings, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with pytest.raises(CatalogError, match="has no plan yet"):
        begin_catalog(str(shop), str(out), settings, keep_plan=True)
    assert not out.exists()


def test_a_list_that_is_refused_in_its_middle_leaves_no_catalogue(
    shop: Path, settings: Settings, tmp_path: Path
) -> None:
    listed, out = tmp_path / "list.jsonl", tmp_path / "out"
    good = json.dumps({"uri": str(shop / "men" / "front0.jpg")})
    listed.write_text(good + '\n{"uri": null}\n')
    with pytest.raises(CatalogError, match="a row without a photo"):
        begin_catalog(str(listed), str(out), settings)
    assert not (out / "catalog.json").exists()
    there = begin_catalog(str(shop / ".." / shop.name), str(out), settings, shard_size=2).catalog
    assert there.facts["source"] == str(shop)


def test_a_disk_without_links_takes_a_plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*paths: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "link", refuse)
    items = [Item("a.jpg", "a.jpg")]
    Plan(Folder(tmp_path)).extend(items, 2)
    assert Plan(Folder(tmp_path)).items(0) == items
    assert [file.name for file in (tmp_path / "_plan").iterdir()] == ["00000.parquet"]
