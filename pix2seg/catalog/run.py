"""Filling a catalogue: what to do, who does it, and what has become of it."""

import os
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import chain, islice
from math import ceil
from typing import TYPE_CHECKING

from pix2seg.catalog.catalog import FACTS, Catalog
from pix2seg.catalog.engines.local import default_workers
from pix2seg.catalog.plan import Plan
from pix2seg.catalog.source import Item, list_source
from pix2seg.catalog.storage import Folder, is_remote, local_path
from pix2seg.catalog.work import Settings
from pix2seg.errors import CatalogError

if TYPE_CHECKING:
    from pix2seg.segmenter import Segmenter

SHARD_SIZE = 1000
"""Photos a shard, unless they are so few that some workers would have none."""


@dataclass(frozen=True)
class State:
    """How far a catalogue is, or some shards of it.

    Attributes:
        shards: all that are planned.
        done: those that are done.
        photos: all that are planned.
        ok: photos with a good row.
        failed: photos with a failed row.
        seconds: what the shards took, added up over workers.
    """

    shards: int
    done: int
    photos: int
    ok: int
    failed: int
    seconds: float

    @property
    def left(self) -> int:
        """Photos of shards that are not done."""
        return self.photos - self.ok - self.failed


@dataclass(frozen=True)
class Opened:
    """A catalogue that can be filled.

    Attributes:
        catalog: the catalogue.
        settings: how it is filled.
        device: where its models run here, such as `cpu`.
    """

    catalog: Catalog
    settings: Settings
    device: str


def begin_catalog(
    source: str,
    location: str,
    settings: Settings,
    *,
    column: str | None = None,
    shard_size: int | None = None,
    workers: int | None = None,
    keep_plan: bool = False,
) -> Opened:
    """Make a catalogue, or open it to go on, and plan the shards of photos that are new.

    Args:
        source: see `list_source`.
        location: the catalogue's folder or URI.
        settings: how to catalogue.
        column: the list's column.
        shard_size: photos a shard; by default what the catalogue was begun with, or so many that
            each worker has a shard, `SHARD_SIZE` at most.
        workers: how many there will be; by default as many as `default_workers` says.
        keep_plan: take the plan that is there as it is, without a look at the source.

    Raises:
        CatalogError: the source cannot be read or holds no photo, the catalogue was begun with
            other settings, or a plan that shall be kept is missing.
        Pix2SegError: the models cannot be loaded.
        OutputError: the catalogue cannot be written.
    """
    segmenter = settings.segmenter()
    if shard_size is None and FACTS in Folder(location).names():
        shard_size = Catalog(location).facts.get("shard_size")
    facts = {
        "source": source if is_remote(source) else os.path.normpath(local_path(source).absolute()),
        "column": column,
        "shard_size": shard_size,
        "options": settings.facts(),
        "model": _model(segmenter),
        "scheme": segmenter.scheme.to_dict(),
    }
    found = list_source(source, column)
    planned = len(Plan(Folder(location))) > 0
    if keep_plan and not planned:
        raise CatalogError(f"{location} has no plan yet; make one with --plan, without --shards")
    if not planned:
        found = _at_least_one(found, source)
    catalog = Catalog.begin(location, facts)
    try:
        if not keep_plan:
            if shard_size is None:
                at_once = workers or default_workers(segmenter.device)
                found, shard_size = _for_each_worker(found, at_once)
            catalog.plan.extend(found, shard_size)
    except CatalogError:
        # A source that is refused leaves no catalogue, unless another run has planned meanwhile.
        if not len(Plan(catalog.folder)):
            catalog.folder.remove(FACTS)
        raise
    return Opened(catalog, settings, segmenter.device)


def reopen_catalog(
    location: str, weights: str | None = None, device: str = "auto", trust: bool = False
) -> Opened:
    """A catalogue with the settings that it was begun with.

    Args:
        location: the catalogue's folder or URI.
        weights: the generator that it was begun with; the one in the box by default.
        device: where to work.
        trust: see `Settings`.

    Raises:
        CatalogError: there is no catalogue, or it was begun with other models.
        Pix2SegError: the models cannot be loaded.
    """
    catalog = Catalog(location)
    try:
        settings = Settings(weights=weights, device=device, trust=trust, **catalog.facts["options"])
    except TypeError as error:
        raise CatalogError(
            f"{catalog.folder.place(FACTS)} has other options than this version; was a newer "
            "pix2seg at work?"
        ) from error
    segmenter = settings.segmenter()
    catalog.refuse_other({**catalog.facts, "model": _model(segmenter)})
    return Opened(catalog, settings, segmenter.device)


def open_shards(catalog: Catalog, among: Collection[int] | None = None) -> list[int]:
    """The shards that are not done yet, of all or of some."""
    done = catalog.done()
    return [shard for shard in _planned(catalog, among) if shard not in done]


def failed_shards(catalog: Catalog) -> dict[int, int]:
    """Failed photos by shard, of the shards that have any."""
    return {shard: stats.failed for shard, stats in catalog.stats().items() if stats.failed}


def _at_least_one(found: Iterator[Item], source: str) -> Iterator[Item]:
    """The photos of a source, of which the first has been looked for.

    Raises:
        CatalogError: the source cannot be read or holds no photo.
    """
    first = next(found, None)
    if first is None:
        raise CatalogError(f"{source} holds no photos")
    return chain([first], found)


def _for_each_worker(found: Iterator[Item], workers: int) -> tuple[Iterator[Item], int]:
    """The photos, and a shard size with which no worker is without, `SHARD_SIZE` at most."""
    first = list(islice(found, SHARD_SIZE * workers))
    return chain(first, found), max(ceil(len(first) / workers), 1)


def _model(segmenter: "Segmenter") -> dict[str, str]:
    return {"generator": segmenter.info.version, "person": segmenter.extractor.version}


def _planned(catalog: Catalog, among: Collection[int] | None) -> list[int]:
    """The shards of the plan, all or some."""
    shards = range(len(catalog.plan))
    return [shard for shard in shards if among is None or shard in among]


def state(catalog: Catalog, among: Collection[int] | None = None) -> State:
    """How far a catalogue is, or some shards of it.

    Raises:
        CatalogError: a shard's counts cannot be read.
    """
    shards, stats = _planned(catalog, among), catalog.stats(among)
    return State(
        shards=len(shards),
        done=len(stats),
        photos=sum(catalog.plan.counts[shard] for shard in shards),
        ok=sum(s.ok for s in stats.values()),
        failed=sum(s.failed for s in stats.values()),
        seconds=sum(s.seconds for s in stats.values()),
    )
