import asyncio
import gc
import re
import threading
import weakref
from collections.abc import Coroutine
from typing import Any, cast

import numpy as np
import pytest

from pix2seg.photo import Photo, read_photo
from pix2seg.result import Segmentation
from pix2seg.serve.metrics import Metrics
from pix2seg.serve.problems import Problem
from pix2seg.serve.sending import Sending
from pix2seg.serve.work import Task, Work

PHOTOS = [read_photo(np.full((2, 2, 3), i, np.uint8)) for i in range(20)]


class Model:
    """Gives each photo back as its own result, when it is allowed to; red ones fail."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.segmented: list[Photo] = []

    def __call__(self, task: Task) -> Segmentation | Exception:
        assert self.go.wait(5)
        self.segmented.append(task.photo)
        return ValueError("13") if task.photo is PHOTOS[13] else cast(Segmentation, task.photo)


def run(work: Work, test: Coroutine[Any, Any, None]) -> None:
    async def both() -> None:
        running = asyncio.create_task(work.run())
        try:
            await asyncio.wait_for(test, 10)
        finally:
            running.cancel()
            work.close()

    asyncio.run(both())


def make(model: Model, **bounds: int) -> Work:
    bounds = {"queue": 100, "batch": 4, **bounds}
    return Work(model, **bounds, metrics=Metrics(), sending=Sending())


def batches(work: Work) -> dict[str, int]:
    """How many batches there were, by the upper bounds of their sizes."""
    text = work.metrics.text().decode()
    found = re.findall(r'^pix2seg_batch_photos_bucket{le="(.*)"} (\d+)', text, re.MULTILINE)
    return {bound: int(count) for bound, count in found}


async def ask(work: Work, photo: Photo) -> Any:
    async with work.turn({}) as turn:
        return await turn.segment(Task(photo))


def test_photos_that_come_meanwhile_are_joined_and_each_gets_its_own() -> None:
    model = Model()
    work = make(model)

    async def test() -> None:
        asked = [asyncio.create_task(ask(work, photo)) for photo in PHOTOS[:12]]
        await asyncio.sleep(0.05)
        model.go.set()
        assert await asyncio.gather(*asked) == PHOTOS[:12]

    run(work, test())
    assert len(model.segmented) == 12
    of = batches(work)
    assert of["3.0"] < of["4.0"] == of["+Inf"]


def test_one_that_fails_does_not_fail_the_others() -> None:
    model = Model()
    work = make(model)

    async def test() -> None:
        asked = [asyncio.create_task(ask(work, photo)) for photo in PHOTOS[11:16]]
        await asyncio.sleep(0.05)
        model.go.set()
        results = await asyncio.gather(*asked, return_exceptions=True)
        assert isinstance(results[2], ValueError)
        assert [r for i, r in enumerate(results) if i != 2] == [*PHOTOS[11:13], *PHOTOS[14:16]]

    run(work, test())


def test_a_full_queue_sends_away_and_says_for_how_long() -> None:
    model = Model()
    work = make(model, queue=3, batch=1)

    async def test() -> None:
        asked = [asyncio.create_task(ask(work, photo)) for photo in PHOTOS[:10]]
        await asyncio.sleep(0.05)
        model.go.set()
        results = await asyncio.gather(*asked, return_exceptions=True)
        done = [r for r in results if isinstance(r, Photo)]
        sent_away = [r for r in results if isinstance(r, Problem)]
        assert len(done) + len(sent_away) == 10
        assert len(done) == 6  # three at work, three waiting
        assert {problem.status for problem in sent_away} == {503}
        assert all(int(problem.headers["Retry-After"]) >= 1 for problem in sent_away)
        assert await ask(work, PHOTOS[0]) is PHOTOS[0]

    run(work, test())


def test_who_gives_up_leaves_queue_and_batch_and_is_not_segmented() -> None:
    model = Model()
    work = make(model)

    async def test() -> None:
        asked = [asyncio.create_task(ask(work, photo)) for photo in PHOTOS[:10]]
        await asyncio.sleep(0.05)
        for task in asked[1:]:
            task.cancel()
        await asyncio.sleep(0.05)
        model.go.set()
        assert await asked[0] is PHOTOS[0]
        assert await ask(work, PHOTOS[1]) is PHOTOS[1]

    run(work, test())
    assert model.segmented == PHOTOS[:2]


def test_who_gives_up_leaves_no_photo_behind() -> None:
    model = Model()
    work = make(model)
    left = []

    async def test() -> None:
        first = asyncio.create_task(ask(work, PHOTOS[0]))
        await asyncio.sleep(0.05)
        for _ in range(20):
            photo = read_photo(np.zeros((2, 2, 3), np.uint8))
            left.append(weakref.ref(photo))
            task = asyncio.create_task(ask(work, photo))
            del photo
            await asyncio.sleep(0.001)
            task.cancel()
            await asyncio.wait([task])
            del task
        gc.collect()
        assert [photo() for photo in left] == [None] * 20
        model.go.set()
        await first

    run(work, test())


@pytest.mark.parametrize("sizes", [(3000, 3000, 3000, 1), (10, 10, 10, 10)])
def test_large_photos_are_not_joined_without_bound(sizes: tuple[int, ...]) -> None:
    photos = [read_photo(np.zeros((size, size, 3), np.uint8)) for size in sizes]
    model = Model()
    work = make(model)

    async def test() -> None:
        first = asyncio.create_task(ask(work, PHOTOS[0]))
        await asyncio.sleep(0.02)
        asked = [asyncio.create_task(ask(work, photo)) for photo in photos]
        await asyncio.sleep(0.02)
        model.go.set()
        await asyncio.gather(first, *asked)

    run(work, test())
    assert batches(work)["+Inf"] == (3 if sizes[0] == 3000 else 2)
    assert batches(work)["3.0"] == (3 if sizes[0] == 3000 else 1)
