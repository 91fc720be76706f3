from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pix2seg.catalog.catalog import Catalog
from pix2seg.catalog.engines.base import run_shards
from pix2seg.catalog.run import begin_catalog, open_shards
from pix2seg.catalog.work import Job, Settings
from pix2seg.errors import CatalogError

ray = pytest.importorskip("ray")


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A cluster of this machine that says it had two GPUs; its workers find this checkout."""
    root = Path(__file__).parents[3]
    monkeypatch.setenv("PYTHONPATH", str(root))
    how = {"include_dashboard": False, "log_to_driver": False, "logging_level": "error"}
    ray.init(num_cpus=4, num_gpus=2, **how)
    yield ray
    ray.shutdown()


def test_actors_fill_the_same_catalogue(
    cluster: Any, shop: Path, small_catalog: Catalog, settings: Settings, tmp_path: Path
) -> None:
    from pix2seg.catalog.engines.cluster import RayPool

    out = str(tmp_path / "out")
    opened = begin_catalog(str(shop), out, settings, shard_size=2)
    pool = RayPool(Job(out, settings), "auto")
    assert pool.worker_count(None) == 3
    with pytest.raises(CatalogError, match="room for 3 workers, not 4"):
        pool.worker_count(4)
    open_device = Job(out, replace(settings, device="auto"))
    assert RayPool(open_device, "auto").worker_count(None) == 2
    done = list(run_shards(pool, open_shards(opened.catalog), 2))
    assert sorted(done) == [False, True, True, True, True]
    here, there = list(small_catalog.all_rows()), list(opened.catalog.all_rows())
    for row in here + there:
        row["seconds"] = None
    assert there == here
