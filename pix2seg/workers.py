"""Processes that share the work on many items."""

import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context, parent_process
from typing import TypeVar

from pix2seg.cores import core_count

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_workers(
    step: Callable[[Item], Result],
    items: Iterable[Item],
    *,
    processes: int | None = None,
    threads: int = 1,
    chunksize: int = 1,
) -> Iterator[Result]:
    """What a step gives for each item, in order, worked out in several processes.

    Ctrl-C is for the caller's process, and the workers end with it, whatever ends that.

    Args:
        step: can be pickled, as can items and results.
        items: all are drawn at once.
        processes: by default one for each core.
        threads: what each keeps to.
        chunksize: how many items are handed over at a time.

    Raises:
        concurrent.futures.process.BrokenProcessPool: a worker was killed.
    """
    # PyTorch's threads do not survive a fork.
    workers = ProcessPoolExecutor(
        processes or core_count(),
        mp_context=get_context("spawn"),
        initializer=start_worker,
        initargs=(threads,),
    )
    try:
        with without_ctrl_c():
            results = workers.map(step, items, chunksize=chunksize)
        yield from results
    finally:
        workers.shutdown(cancel_futures=True)


def start_worker(threads: int) -> None:
    """What a worker process does first: it leaves Ctrl-C to its parent, and ends with it.

    Args:
        threads: what it keeps to.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_with_parent()
    # PyTorch, ONNX Runtime and OpenCV read these as they start to compute.
    os.environ["OMP_NUM_THREADS"] = os.environ["OPENCV_FOR_THREADS_NUM"] = str(threads)


def end_with_parent() -> None:
    """End this process, which another one started, when that one does, whatever ends it."""
    threading.Thread(target=_follow_parent, daemon=True).start()


def _follow_parent() -> None:
    parent = parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


@contextmanager
def without_ctrl_c() -> Iterator[None]:
    """Processes that start meanwhile are deaf to Ctrl-C even before they can say so themselves."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
