"""What every engine does alike: shards are handed out, counted, and taken back from the dead."""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from pix2seg.errors import CatalogError

MOST_DEATHS = 5
"""So many photos of a shard may end a process; more are not the photos' fault."""


class WorkerDied(Exception):  # noqa: N818  it is news, and no error of its own
    """A runner's process has ended without a word."""


class Runner(Protocol):
    """A worker as its engine sees it."""

    def give(self, shard: int, deadly: Sequence[int]) -> None:
        """Let it do a shard; see `Worker.run`."""

    def take(self) -> bool | None:
        """What it has to say: whether a photo went well, or None at the end of the shard.

        Raises:
            WorkerDied: it has died.
            Pix2SegError: it could not go on.
        """

    def stop(self) -> None:
        """End it, whatever it does."""


class Pool(Protocol):
    """An engine's runners."""

    def start(self) -> Runner:
        """Start a worker."""

    def waiting(self, runners: Sequence[Runner]) -> Sequence[Runner]:
        """Those of the runners that have something to say; waits until there is one."""


@dataclass
class _Task:
    """A shard that a runner does.

    Attributes:
        shard: which one.
        deadly: the photos that ended a process, by their turns.
        done: photos done; the turn of the one that is worked on.
    """

    shard: int
    deadly: list[int] = field(default_factory=list)
    done: int = 0

    def after_death(self) -> "_Task":
        """The shard anew, without the photo that it was at."""
        if len(self.deadly) == MOST_DEATHS:
            raise CatalogError(
                f"shard {self.shard} has ended {MOST_DEATHS + 1} processes, which mostly means "
                "out of memory; run it again with fewer --workers"
            )
        return _Task(self.shard, [*self.deadly, self.done])


def run_shards(pool: Pool, shards: Sequence[int], workers: int) -> Iterator[bool]:
    """Do the shards.

    A photo that ends the process that works on it is left out, as failed, when its shard is done
    again.

    Args:
        pool: who does them.
        shards: which ones.
        workers: how many at once.

    Yields:
        Of each photo, as it is done, whether it went well; photos done twice count twice.

    Raises:
        Pix2SegError: a worker cannot go on.
    """
    todo = deque(_Task(shard) for shard in shards)
    busy: dict[Runner, _Task] = {}
    try:
        for _ in range(min(workers, len(todo))):
            _give(pool.start(), todo.popleft(), busy)
        while busy:
            for runner in pool.waiting(list(busy)):
                task = busy[runner]
                try:
                    said = runner.take()
                except WorkerDied:
                    del busy[runner]
                    runner.stop()
                    _give(pool.start(), task.after_death(), busy)
                    continue
                if said is not None:
                    task.done += 1
                    yield said
                elif todo:
                    _give(runner, todo.popleft(), busy)
                else:
                    del busy[runner]
                    runner.stop()
    finally:
        for runner in busy:
            runner.stop()


def _give(runner: Runner, task: _Task, busy: dict[Runner, _Task]) -> None:
    busy[runner] = task
    runner.give(task.shard, task.deadly)
