"""Processes of this machine, one thread each."""

import multiprocessing
from collections.abc import Sequence
from multiprocessing.connection import Connection, wait
from multiprocessing.context import BaseContext

from pix2seg.catalog.engines.base import Runner, WorkerDied
from pix2seg.catalog.work import Job, Worker
from pix2seg.cores import core_count
from pix2seg.errors import CatalogError, Pix2SegError
from pix2seg.workers import start_worker, without_ctrl_c

READY = "ready"

Message = bool | str | Pix2SegError | None


class LocalPool:
    """Processes of this machine.

    Args:
        job: what to do.
    """

    def __init__(self, job: Job) -> None:
        self.job = job
        # Threads of torch do not survive a fork.
        self.context: BaseContext = multiprocessing.get_context("spawn")

    def start(self) -> "LocalRunner":
        """Start a process."""
        return LocalRunner(self.context, self.job)

    def waiting(self, runners: Sequence[Runner]) -> Sequence[Runner]:
        """Those that have something to say, the dead among them."""
        by_end = {runner.end: runner for runner in runners if isinstance(runner, LocalRunner)}
        return [by_end[end] for end in wait(list(by_end)) if isinstance(end, Connection)]


class LocalRunner:
    """A process with a worker."""

    def __init__(self, context: BaseContext, job: Job) -> None:
        self.end, other_end = context.Pipe()
        self.process = context.Process(target=_serve, args=(other_end, job))  # type: ignore[attr-defined]
        with without_ctrl_c():
            self.process.start()
        other_end.close()  # so that the process's end is heard
        self.ready = False

    def give(self, shard: int, deadly: Sequence[int]) -> None:
        """Let it do a shard."""
        self.end.send((shard, deadly))

    def take(self) -> bool | None:
        """What it has to say."""
        try:
            said: Message = self.end.recv()
            if said == READY:
                self.ready = True
                said = self.end.recv()
        except (EOFError, ConnectionResetError):
            if self.ready:
                raise WorkerDied from None
            raise CatalogError(
                "a worker ended while it loaded the models; out of memory? Try fewer --workers"
            ) from None
        if isinstance(said, Pix2SegError):
            raise said
        assert said is None or isinstance(said, bool)
        return said

    def stop(self) -> None:
        """End the process."""
        self.end.close()
        self.process.terminate()
        self.process.join()


def default_workers(device: str) -> int:
    """One process for a GPU, or one for each core that this process may use.

    Args:
        device: where a segmenter runs, such as `cpu`.
    """
    return core_count() if device == "cpu" else 1


def _serve(connection: Connection, job: Job) -> None:
    """A worker process: does the shards that it is given until there is nobody to listen."""
    start_worker(threads=1)
    try:
        worker = Worker(job)
        connection.send(READY)
        while True:
            shard, deadly = connection.recv()
            for well in worker.run(shard, deadly):
                connection.send(well)
            connection.send(None)
    except Pix2SegError as error:
        connection.send(error)
    except (EOFError, BrokenPipeError):
        return
    except Exception as error:  # else its end would be laid to the photo at work
        connection.send(CatalogError(f"a worker cannot go on: {type(error).__name__}: {error}"))
