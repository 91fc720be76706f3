"""Processes of this machine, one thread each."""

import multiprocessing
import os
from collections.abc import Sequence
from multiprocessing.connection import Connection, wait
from multiprocessing.context import BaseContext
from typing import Literal

from pix2seg.catalog.engines.base import Ended, Hand
from pix2seg.catalog.work import Job, Worker
from pix2seg.errors import CatalogError, Pix2SegError
from pix2seg.workers import start_worker, without_ctrl_c

READY = "ready"

Message = bool | str | Pix2SegError | None


class LocalTeam:
    """Processes of this machine.

    Args:
        job: what to do.
        start: how a process starts. Threads of torch do not survive a fork, so only a process
            that keeps torch to one thread may fork.
    """

    def __init__(self, job: Job, start: Literal["spawn", "fork"] = "spawn") -> None:
        self.job = job
        self.context: BaseContext = multiprocessing.get_context(start)

    def hire(self) -> "LocalHand":
        """Start a process."""
        return LocalHand(self.context, self.job)

    def waiting(self, hands: Sequence[Hand]) -> Sequence[Hand]:
        """Those that have something to say, the dead among them."""
        ears = {hand.ear: hand for hand in hands if isinstance(hand, LocalHand)}
        return [ears[ear] for ear in wait(list(ears)) if isinstance(ear, Connection)]


class LocalHand:
    """A process with a worker."""

    def __init__(self, context: BaseContext, job: Job) -> None:
        self.ear, mouth = context.Pipe()
        self.process = context.Process(target=_serve, args=(mouth, job))  # type: ignore[attr-defined]
        with without_ctrl_c():
            self.process.start()
        mouth.close()  # so that the process's end is heard
        self.ready = False

    def give(self, shard: int, deadly: Sequence[int]) -> None:
        """Let it do a shard."""
        self.ear.send((shard, deadly))

    def take(self) -> bool | None:
        """What it has to say."""
        try:
            said: Message = self.ear.recv()
            if said == READY:
                self.ready = True
                said = self.ear.recv()
        except (EOFError, ConnectionResetError):
            if self.ready:
                raise Ended from None
            raise CatalogError(
                "a worker ended while it loaded the models; out of memory? Try fewer --workers"
            ) from None
        if isinstance(said, Pix2SegError):
            raise said
        assert said is None or isinstance(said, bool)
        return said

    def stop(self) -> None:
        """End the process."""
        self.ear.close()
        self.process.terminate()
        self.process.join()


def default_workers(device: str) -> int:
    """One process for a GPU, or one for each core that this process may use.

    Args:
        device: where a segmenter runs, such as `cpu`.
    """
    if device != "cpu":
        return 1
    allowed = getattr(os, "sched_getaffinity", None)  # Linux alone has it
    return len(allowed(0)) if allowed else os.cpu_count() or 1


def _serve(mouth: Connection, job: Job) -> None:
    """A worker process: does the shards that it is given until there is nobody to listen."""
    start_worker(threads=1)
    try:
        worker = Worker(job)
        mouth.send(READY)
        while True:
            shard, deadly = mouth.recv()
            for well in worker.run(shard, deadly):
                mouth.send(well)
            mouth.send(None)
    except Pix2SegError as error:
        mouth.send(error)
    except (EOFError, BrokenPipeError):
        return
