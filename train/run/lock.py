"""One training at a time in a run's folder."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from pix2seg.errors import OutputError, TrainingError, reason_of

LOCK = ".lock"


@contextmanager
def only_training(run: Path) -> Iterator[None]:
    """Keep other processes from training into a run's folder, which is made if need be.

    The system lets go of the lock when this process ends, however it ends.

    Raises:
        TrainingError: another process trains there.
        OutputError: the folder cannot be written.
    """
    try:
        run.mkdir(parents=True, exist_ok=True)
        lock = FileLock(run / LOCK)
        lock.acquire(blocking=False)
    except Timeout:
        raise TrainingError(
            f"another process trains into {run}; wait for it, or name another folder"
        ) from None
    except OSError as error:
        raise OutputError(f"cannot write {run}: {reason_of(error)}") from error
    try:
        yield
    finally:
        lock.release()
