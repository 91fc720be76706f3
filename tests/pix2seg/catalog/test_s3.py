"""A catalogue in object storage: moto's server stands for S3."""

import multiprocessing
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pix2seg.catalog.catalog import Catalog
from pix2seg.catalog.export import export_catalog
from pix2seg.catalog.listing import CatalogListing
from pix2seg.catalog.run import begin_catalog, open_shards
from pix2seg.catalog.search import find
from pix2seg.catalog.work import Job, Settings, Worker
from pix2seg.colors.color import Color
from pix2seg.colors.wanted import Wanted

moto = pytest.importorskip("moto.server")
boto3 = pytest.importorskip("boto3")

SOURCE, OUT = "s3://shop/photos", "s3://shop/catalog"
KILLS = 3


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch, shop: Path) -> Iterator[Any]:
    """A bucket with the shop's photos."""
    server = moto.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    for name, value in (
        ("AWS_ENDPOINT_URL", f"http://{host}:{port}"),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
        ("AWS_REGION", "us-east-1"),
        ("AWS_DEFAULT_REGION", "us-east-1"),
    ):
        monkeypatch.setenv(name, value)
    bucket = boto3.resource("s3").create_bucket(Bucket="shop")
    for file in shop.rglob("*.jpg"):
        bucket.upload_file(str(file), f"photos/{file.relative_to(shop).as_posix()}")
    yield bucket
    server.stop()


def fill_there(settings: Settings) -> None:
    catalog = begin_catalog(SOURCE, OUT, settings, shard_size=2).catalog
    worker = Worker(Job(OUT, settings))
    for shard in open_shards(catalog):
        list(worker.run(shard))


def use_there(code: str, folder: Path) -> None:
    catalog = Catalog(OUT)
    found = find(CatalogListing(catalog), [Wanted("", (Color.from_hex(code),))], 1)
    (folder / "found").write_text(" ".join(match.uri or "" for match in found))
    export_catalog(catalog, "coco", folder / "coco", photos=True)


def start(target: Callable[..., None], *args: Any) -> Any:
    """A process of its own: Arrow's client of S3 has threads, which do not survive a fork."""
    process = multiprocessing.get_context("fork").Process(target=target, args=args)
    process.start()
    return process


def test_object_storage(
    bucket: Any, shop: Path, small_catalog: Catalog, settings: Settings, tmp_path: Path
) -> None:
    draw = random.Random(0)
    for _ in range(KILLS):
        process = start(fill_there, settings)
        process.join(draw.uniform(0.2, 3))
        process.kill()
        process.join()
    process = start(fill_there, settings)
    process.join()
    assert process.exitcode == 0
    for entry in bucket.objects.filter(Prefix="catalog/"):
        place = tmp_path / entry.key
        place.parent.mkdir(parents=True, exist_ok=True)
        bucket.download_file(entry.key, str(place))
    there = list(Catalog(str(tmp_path / "catalog")).all_rows())
    here = list(small_catalog.all_rows())
    for row, own in zip(there, here, strict=True):
        assert row["uri"] == f"{SOURCE}/{own['file']}"
        same = {key: own[key] for key in own.keys() - {"uri", "seconds", "error"}}
        assert {key: row[key] for key in same} == same

    code = here[0]["palettes"][0]["colors"][0]["hex"]
    process = start(use_there, code, tmp_path)
    process.join()
    assert process.exitcode == 0
    assert there[0]["uri"] in (tmp_path / "found").read_text().split()
    assert (tmp_path / "coco" / "images" / here[0]["file"]).read_bytes() == Path(
        here[0]["uri"]
    ).read_bytes()
