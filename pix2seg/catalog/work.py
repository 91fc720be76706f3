"""One worker's part: it holds the model and turns the photos of a shard into rows."""

import time
from collections import deque
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pix2seg.catalog.catalog import Catalog, Stats
from pix2seg.catalog.schema import FAILED, OK, PhotoRow, document_row, failed_row, mask_png
from pix2seg.catalog.source import Item
from pix2seg.colors.names import NameList
from pix2seg.engines.base import Engine, Precision
from pix2seg.errors import Pix2SegError, WeightsError
from pix2seg.garments import kinds
from pix2seg.limits import MAX_PIXELS
from pix2seg.memory import keep_freed_memory
from pix2seg.photo import read_photo

if TYPE_CHECKING:
    from pix2seg.result import Segmentation
    from pix2seg.segmenter import Segmenter

READ_AHEAD = 4
"""Photos that are fetched while one is segmented: object storage takes its time over each."""

NOT_PINNED = ("weights", "trust", "engine", "device")
"""Settings that a later run may change: the models' versions tell of the weights, a row's `model`
what ran them, and whom to trust is not for a file to say."""


@dataclass(frozen=True)
class Settings:
    """How photos are catalogued: what `Segmenter` and `Segmentation.colors` take, and what is kept.

    Attributes:
        trust: let Detectron2 run what lies in its files.
        masks: keep the masks.
        garments: find garments.
    """

    weights: str | None = None
    person: str | None = None
    trust: bool = False
    everyone: bool = False
    hide: bool | None = None
    flip: bool = False
    max_colors: int | None = None
    names: NameList = "css"
    max_pixels: int = MAX_PIXELS
    masks: bool = False
    garments: bool = False
    precision: Precision = "auto"
    engine: Engine = "auto"
    device: str = "auto"

    def segmenter(self) -> "Segmenter":
        """The models.

        Raises:
            Pix2SegError: they cannot be loaded.
        """
        from pix2seg.segmenter import Segmenter

        return Segmenter(
            self.weights,
            person=self.person,
            engine=self.engine,
            device=self.device,
            precision=self.precision,
            hide=self.hide,
            flip=self.flip,
            person_options={"everyone": self.everyone, "trust": self.trust},
        )

    def facts(self) -> dict[str, Any]:
        """What `catalog.json` says of them: all but what a later run may change."""
        return {key: value for key, value in asdict(self).items() if key not in NOT_PINNED}


@dataclass(frozen=True)
class Job:
    """What workers are told.

    Attributes:
        location: the catalogue's.
        settings: as the catalogue was begun.
        retry: do the failed photos of shards again, instead of all photos.
    """

    location: str
    settings: Settings
    retry: bool = False


class Worker:
    """Loads the models once and does shard after shard.

    Raises:
        Pix2SegError: the models cannot be loaded.
    """

    def __init__(self, job: Job) -> None:
        keep_freed_memory()
        self.job = job
        self.catalog = Catalog(job.location)
        self.segmenter = job.settings.segmenter()

    def run(self, shard: int, deadly: Collection[int] = ()) -> Iterator[bool]:
        """Do a shard and write it.

        Args:
            shard: which one.
            deadly: photos that ended the process that worked on them, by their turns: those are
                not tried again.

        Yields:
            At each photo's turn, whether it went well; the shard is written after the last.

        Raises:
            Pix2SegError: the shard cannot be read or written.
        """
        began = time.perf_counter()
        rows: list[PhotoRow] = self.catalog.rows(shard) if self.job.retry else []
        before = self.catalog.counts(shard).seconds if self.job.retry else 0.0
        items = self.catalog.plan.items(shard)
        todo = [i for i in range(len(items)) if not rows or rows[i]["status"] == FAILED]
        rows = rows or [{}] * len(items)
        for turn, (i, read) in enumerate(_read_ahead(items, todo)):
            if turn in deadly:
                rows[i] = failed_row(items[i], "ended the process that worked on it")
            else:
                rows[i] = self._row(items[i], read)
            yield rows[i]["status"] == OK
        ok = sum(row["status"] == OK for row in rows)
        seconds = round(before + time.perf_counter() - began, 3)
        self.catalog.write(shard, rows, Stats(len(rows), ok, len(rows) - ok, seconds))

    def _row(self, item: Item, read: Callable[[], bytes | Path]) -> PhotoRow:
        settings = self.job.settings
        began = time.perf_counter()
        try:
            photo = read_photo(read(), max_pixels=settings.max_pixels, name=item.file)
            result = self.segmenter(photo)
            document = result.colors(
                settings.max_colors, garments=settings.garments, names=settings.names
            ).document()
            row = document_row(item, document) | self._facts(result)
            return row | {"seconds": round(time.perf_counter() - began, 4)}
        except WeightsError:  # no photo's fault: with these weights, all would fail
            raise
        except Pix2SegError as error:
            return failed_row(item, str(error))
        except Exception as error:  # one photo never ends a night's work, whatever is wrong
            return failed_row(item, f"{type(error).__name__}: {error}")

    def _facts(self, result: "Segmentation") -> PhotoRow:
        coverage = result.coverage().items()
        facts: PhotoRow = {
            "coverage": [{"class": name, "share": round(share, 6)} for name, share in coverage]
        }
        if self.job.settings.masks:
            facts["mask"] = mask_png(result.mask, result.scheme)
            if self.job.settings.garments and result.garment_mask is not None:
                facts["garment_mask"] = mask_png(result.garment_mask, kinds())
        return facts


def _read_ahead(
    items: Sequence[Item], positions: Sequence[int]
) -> Iterator[tuple[int, Callable[[], bytes | Path]]]:
    """Each position with what gives its photo, or raises why there is none."""
    with ThreadPoolExecutor(READ_AHEAD) as readers:
        waiting: deque[tuple[int, Future[bytes | Path]]] = deque()
        for position in positions:
            waiting.append((position, readers.submit(items[position].read)))
            if len(waiting) > READ_AHEAD:
                i, future = waiting.popleft()
                yield i, future.result
        for i, future in waiting:
            yield i, future.result
