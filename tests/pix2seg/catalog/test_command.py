import io
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from pix2seg.catalog.catalog import Catalog
from pix2seg.cli import app

Fill = Callable[[str, str], Catalog]


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["catalog", *map(str, arguments)])


def test_from_photos_to_an_export(shop: Path, small_onnx: Path, tmp_path: Path) -> None:
    source, out = tmp_path / "shop", tmp_path / "out"
    shutil.copytree(shop, source)
    how = ("--weights", small_onnx, "--device", "cpu", "--workers", 1)
    fill = ("run", source, out, "--person", "none", "--masks", "--shard-size", 3, *how)
    planned = run(*fill, "--plan")
    assert "5 photos to do, in 2 of 2 shards" in planned.stderr
    assert run(*fill, "--shards", "1-7").exit_code == 0
    assert Catalog(str(out)).done() == {1}
    filled, again, part = run(*fill), run(*fill), run(*fill, "--shards", "1-7")
    assert "4 photos ok, 1 failed" in filled.stderr
    assert "2 of 2 shards done" in again.stderr
    assert "nothing left to do" in again.stderr
    assert "1 of 1 shards done: 2 photos ok, 0 failed" in part.stderr
    assert (filled.exit_code, again.exit_code, part.exit_code) == (2, 2, 0)  # of its shards alone

    said = run("status", out).stdout
    assert "2 of 2 shards done" in said
    assert "1 × PHOTO is not a photo in a format known here" in said
    shutil.copy(source / "men" / "front0.jpg", source / "women" / "broken.jpg")
    retried = run("retry", out, *how)
    assert retried.exit_code == 0
    assert "5 photos ok, 0 failed" in retried.stderr

    exported = run("export", out, "--to", "voc", "--out", tmp_path / "voc", "--where", "width > 0")
    assert "5 photos exported" in exported.stderr
    assert len(list((tmp_path / "voc" / "SegmentationClass").rglob("*.png"))) == 5
    none = run("export", out, "--to", "csv", "--out", tmp_path / "csv", "--where", "width < 0")
    assert none.exit_code == 1
    assert none.stderr.replace("\n", " ").endswith(
        "no good photo for which --where 'width < 0' holds, so nothing was exported "
    )
    assert "exported to" not in none.stderr
    assert not (tmp_path / "csv").exists()
    (source / "men" / "front0.jpg").unlink()
    rest = run("export", out, "--to", "imagefolder", "--out", tmp_path / "folder")
    assert rest.exit_code == 2
    assert "4 photos exported" in rest.stderr
    assert "front0.jpg does not exist" in rest.stderr
    wrong = run(*fill, "--shards", "9-1")
    assert wrong.exit_code == 2
    assert "no range of shards" in wrong.stderr


@pytest.mark.parametrize(("size", "counts"), [((), [2, 2, 1]), (("--shard-size", 4), [4, 1])])
def test_few_photos_give_each_worker_a_shard(
    shop: Path, small_onnx: Path, tmp_path: Path, size: tuple[object, ...], counts: list[int]
) -> None:
    source, out = tmp_path / "shop", tmp_path / "out"
    shutil.copytree(shop, source)
    how = ("--weights", small_onnx, "--person", "none", "--device", "cpu", "--plan")
    assert run("run", source, out, *how, "--workers", 3, *size).exit_code == 0
    assert Catalog(str(out)).plan.counts == counts
    shutil.copy(source / "men" / "front0.jpg", source / "new.jpg")
    assert run("run", source, out, *how, "--workers", 1).exit_code == 0  # what has begun goes on
    assert Catalog(str(out)).plan.counts == [*counts, 1]


def test_status_puts_failures_of_a_kind_together(shop: Path, fill: Fill, tmp_path: Path) -> None:
    source, photo = tmp_path / "source", (shop / "men" / "front0.jpg").read_bytes()
    source.mkdir()
    (source / "a.jpg").write_bytes(photo[:-30])
    with tarfile.open(source / "b.tar", "w") as tar:
        info = tarfile.TarInfo("c2.jpg")
        info.size = len(photo) - 200
        tar.addfile(info, io.BytesIO(photo[:-200]))
    fill(str(source), str(tmp_path / "out"))
    said = run("status", tmp_path / "out").stdout
    assert "2 × PHOTO is broken or cut off (image file is truncated (N bytes" in said
    assert f"such as {source / 'a.jpg'}" in said
