"""Steps that overlap: one thread prepares or puts away what another works on."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

AHEAD = 1
"""So many items are in work ahead: enough to overlap, and few large photos are in memory."""


def overlapped(step: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
    """What a step gives for each item, in order, done in another thread.

    Items are drawn in the caller's thread, at most `AHEAD` before their results are taken. So
    `overlapped(read, names)` reads the next file while the last is worked on, and
    `overlapped(write, map(work, files))` works on the next while the last is written.

    Args:
        step: what it raises is raised where its result would have been.
        items: drawn one by one.
    """
    with ThreadPoolExecutor(1) as thread:
        pending: deque[Future[Result]] = deque()
        try:
            for item in items:
                pending.append(thread.submit(step, item))
                if len(pending) > AHEAD:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:
            for future in pending:
                future.cancel()
