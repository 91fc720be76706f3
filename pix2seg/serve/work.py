"""A request's turn: a bounded queue, photos joined into batches, threads that nobody can hold."""

import asyncio
import math
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from pix2seg.serve.metrics import Metrics
from pix2seg.serve.problems import Problem
from pix2seg.serve.sending import Sending

if TYPE_CHECKING:
    from pix2seg.photo import Photo
    from pix2seg.result import Segmentation

THREADS = 2
"""Threads that decode photos, find colours and write PNG beside the one that segments."""

BATCH_PIXELS = 24_000_000
"""Photos are joined up to this size in sum, so that large ones do not fill the memory."""

Result = TypeVar("Result")


@dataclass(frozen=True)
class Task:
    """What is to be segmented.

    Attributes:
        photo: the photo.
        people: whom the person extractor shall choose: its options `everyone` and `box`, where
            they are not to be as the service was told.
    """

    photo: "Photo"
    people: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class _Job:
    task: Task | None
    """None once nobody waits: neither queue nor batch shall hold the photo then."""
    done: "asyncio.Future[Segmentation]"


class Work:
    """Does the work of all requests, in their order.

    Only `queue` requests wait; of those whose turn it is, few enough hold decoded photos that
    memory stays bounded. While photos are segmented, those that come are joined into the next
    batch. A request that is given up leaves the queue, and a batch, at once.

    Args:
        segment: gives a task its segmentation or what went wrong with it; called in one thread,
            always the same.
        queue: how many requests may wait.
        batch: how many photos are joined at most.
        metrics: told of queue, batches and steps.
        sending: no turn begins while answers that are being fetched use all their memory.
    """

    def __init__(
        self,
        segment: Callable[[Task], "Segmentation | Exception"],
        *,
        queue: int,
        batch: int,
        metrics: Metrics,
        sending: Sending,
    ) -> None:
        self._segment, self._queue, self._batch = segment, queue, batch
        self.metrics, self._sending = metrics, sending
        self._waiting = 0
        self._turns = asyncio.Semaphore(batch + THREADS)
        self._jobs: asyncio.Queue[_Job] = asyncio.Queue()
        self._model = ThreadPoolExecutor(1, "segment")
        self._steps = ThreadPoolExecutor(THREADS, "step")
        self._pace = 1.0  # seconds a photo, lately

    @asynccontextmanager
    async def turn(self, seconds: dict[str, float]) -> AsyncIterator["Turn"]:
        """Wait for one's turn, and keep it while the context is open.

        Args:
            seconds: gets the seconds of each step.

        Raises:
            Problem: the queue is full, or so is the memory for answers.
        """
        if self._waiting >= self._queue:
            retry = max(1, math.ceil(self._waiting * self._pace))
            raise Problem(
                "busy",
                f"{self._waiting} requests are waiting already; retry in {retry} s",
                retry=retry,
            )
        with self.metrics.step("wait", seconds):
            self._count(+1)
            try:
                await self._turns.acquire()
            finally:
                self._count(-1)
        try:
            self._sending.check()
            yield Turn(self, seconds)
        finally:
            self._turns.release()

    async def in_model_thread(self, work: Callable[[], Result]) -> Result:
        """What `work` gives, done in the thread that segments."""
        return await asyncio.get_running_loop().run_in_executor(self._model, work)

    async def in_step_thread(self, work: Callable[[], Result]) -> Result:
        """What `work` gives, done beside the thread that segments."""
        return await asyncio.get_running_loop().run_in_executor(self._steps, work)

    async def segment(self, task: Task) -> "Segmentation":
        """A photo's segmentation, done together with others that wait."""
        job = _Job(task, asyncio.get_running_loop().create_future())
        self._jobs.put_nowait(job)
        try:
            return await job.done
        finally:
            job.task = None

    async def run(self) -> None:
        """Segment what comes, until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            jobs = await self._next_batch()
            self.metrics.batches.observe(len(jobs))
            began, count = loop.time(), len(jobs)
            await self.in_model_thread(partial(self._segment_jobs, jobs, loop))
            self._pace += 0.2 * ((loop.time() - began) / count - self._pace)

    def close(self) -> None:
        """End the threads when they are done with what they do."""
        self._model.shutdown(cancel_futures=True)
        self._steps.shutdown(cancel_futures=True)

    def _segment_jobs(self, jobs: list[_Job], loop: asyncio.AbstractEventLoop) -> None:
        while jobs:  # none is held longer than needed
            job = jobs.pop(0)
            if task := job.task:
                loop.call_soon_threadsafe(_deliver, job, self._segment(task))

    async def _next_batch(self) -> list[_Job]:
        jobs: list[_Job] = []
        values = 0
        while not jobs or (
            len(jobs) < self._batch and values < 3 * BATCH_PIXELS and not self._jobs.empty()
        ):
            job = await self._jobs.get()
            if job.task:
                jobs.append(job)
                values += job.task.photo.pixels.size
        return jobs

    def _count(self, change: int) -> None:
        self._waiting += change
        self.metrics.queue.set(self._waiting)


def _deliver(job: _Job, result: "Segmentation | Exception") -> None:
    if job.done.done():  # given up meanwhile
        return
    if isinstance(result, Exception):
        job.done.set_exception(result)
    else:
        job.done.set_result(result)


@dataclass(frozen=True)
class Turn:
    """One request's turn.

    Attributes:
        work: whose turn it is.
        seconds: of each step so far.
    """

    work: Work
    seconds: dict[str, float]

    async def step(self, name: str, work: Callable[[], Result]) -> Result:
        """What `work` gives, done in a thread and timed as `name`."""
        with self.work.metrics.step(name, self.seconds):
            return await self.work.in_step_thread(work)

    async def segment(self, task: Task) -> "Segmentation":
        """A photo's segmentation."""
        with self.work.metrics.step("segment", self.seconds):
            return await self.work.segment(task)
