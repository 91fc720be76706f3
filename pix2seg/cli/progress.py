"""How far a long job is: a line that changes on a terminal, a new line now and then elsewhere."""

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console
    from rich.status import Status

EVERY = 30.0
"""Seconds between lines where there is no terminal."""

REFRESH = 0.5
"""Seconds between changes of the line on a terminal."""


class Progress:
    """Counts photos and says so; a context.

    Args:
        console: where to.
        total: photos to do.
    """

    def __init__(self, console: "Console", total: int) -> None:
        self.console, self.total = console, total
        self.done = self.failed = 0
        self.began = self.said = time.monotonic()
        self.status: Status | None = None

    def __enter__(self) -> "Progress":
        if self.console.is_terminal:
            self.status = self.console.status(self.line())
            self.status.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.status:
            self.status.stop()

    def count(self, well: bool) -> None:
        """One photo more is done, well or not."""
        self.done += 1
        self.failed += not well
        now = time.monotonic()
        if now - self.said < (REFRESH if self.status else EVERY):
            return
        self.said = now
        if self.status:
            self.status.update(self.line())
        else:
            self.console.print(self.line())

    def line(self) -> str:
        """Such as `1,200 of 5,000 photos, 3.10 a second, 2 failed, 20 min left`."""
        rate = self.done / max(time.monotonic() - self.began, 1e-9)
        line = f"{self.done:,} of {self.total:,} photos, {rate:.2f} a second, {self.failed} failed"
        left = max(self.total - self.done, 0)
        return f"{line}, {_duration(left / rate)} left" if self.done and left else line


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
