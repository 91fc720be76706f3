"""A small catalogue, filled once, and what fills others."""

from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from pix2seg.catalog.catalog import Catalog
from pix2seg.catalog.run import begin_catalog, open_shards
from pix2seg.catalog.work import Job, Settings, Worker

pytest.importorskip("pyarrow")
pytest.importorskip("duckdb")

Fill = Callable[[str, str], Catalog]


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory, photos: list[Path]) -> Path:
    """Small real photos in two folders that share names, and a broken one."""
    root = tmp_path_factory.mktemp("shop")
    for i, photo in enumerate(photos):
        file = root / ("men" if i % 2 else "women") / f"front{i // 2}.jpg"
        file.parent.mkdir(exist_ok=True)
        with Image.open(photo) as image:
            image.reduce(8).save(file)
    (root / "women" / "broken.jpg").write_bytes(b"no photo")
    return root


@pytest.fixture(scope="session")
def settings(small_onnx: Path) -> Settings:
    """Fast ones: no search for the person, a small generator."""
    return Settings(weights=str(small_onnx), person="none", masks=True, device="cpu")


@pytest.fixture(scope="session")
def fill(settings: Settings) -> Fill:
    """Fills a catalogue of a source, in this process, two photos a shard."""

    def fill(source: str, out: str) -> Catalog:
        catalog = begin_catalog(source, out, settings, shard_size=2).catalog
        worker = Worker(Job(out, settings))
        for shard in open_shards(catalog):
            list(worker.run(shard))
        return catalog

    return fill


@pytest.fixture(scope="session")
def small_catalog(shop: Path, fill: Fill, tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    """The shop's catalogue, with masks."""
    return fill(str(shop), str(tmp_path_factory.mktemp("catalog") / "out"))
