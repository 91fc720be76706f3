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
        items: drawn one by one; what that raises is raised after the results of those before.
    """
    with ThreadPoolExecutor(1) as thread:
        pending: deque[Future[Result]] = deque()
        try:
            for future in _submitted(thread, step, items):
                pending.append(future)
                if len(pending) > AHEAD:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:
            for future in pending:
                future.cancel()


def _submitted(
    thread: ThreadPoolExecutor, step: Callable[[Item], Result], items: Iterable[Item]
) -> Iterator[Future[Result]]:
    """The futures of all items, and of one that cannot be drawn, if there is one."""
    try:
        for item in items:
            yield thread.submit(step, item)
    except Exception as error:  # whatever the caller's items raise
        failed: Future[Result] = Future()
        failed.set_exception(error)
        yield failed
