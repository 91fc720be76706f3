"""What Prometheus is told: requests, seconds of each step, the queue, batches, memory."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
    multiprocess,
)

SHARED = "PROMETHEUS_MULTIPROC_DIR"
"""Where several workers add up their numbers; the Prometheus client reads it by itself."""

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)


class Metrics:
    """The counters of one service; each has its own, so that tests do not share them."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        labels = ("route", "status")
        self._requests = Counter(
            "pix2seg_requests", "Requests answered.", labels, registry=self._registry
        )
        self._seconds = Histogram(
            "pix2seg_request_seconds",
            "Seconds from a request's first byte until its answer was fetched.",
            ("route",),
            buckets=SECONDS,
            registry=self._registry,
        )
        self._steps = Histogram(
            "pix2seg_step_seconds",
            "Seconds of a request's steps: upload, wait, read, segment, answer.",
            ("step",),
            buckets=SECONDS,
            registry=self._registry,
        )
        self.queue = Gauge(
            "pix2seg_queue_requests",
            "Requests that wait for their turn.",
            multiprocess_mode="livesum",
            registry=self._registry,
        )
        self.batches = Histogram(
            "pix2seg_batch_photos",
            "Photos segmented together.",
            buckets=(1, 2, 3, 4, 6, 8, 12, 16),
            registry=self._registry,
        )
        self._memory = Gauge(
            "pix2seg_memory_bytes",
            "Resident memory.",
            multiprocess_mode="livesum",
            registry=self._registry,
        )

    def answered(self, route: str, status: int, seconds: float) -> None:
        """Count a request."""
        self._requests.labels(route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)
        self._memory.set(resident_memory())

    @contextmanager
    def step(self, name: str, steps: dict[str, float]) -> Iterator[None]:
        """Time a step, for Prometheus and into `steps` for the log; one that fails counts too."""
        began = perf_counter()
        try:
            yield
        finally:
            seconds = perf_counter() - began
            self._steps.labels(name).observe(seconds)
            steps[name] = round(steps.get(name, 0.0) + seconds, 4)

    def text(self) -> bytes:
        """All numbers in Prometheus' text format, of all workers where they share them."""
        self._memory.set(resident_memory())
        registry = self._registry
        if SHARED in os.environ:
            _forget_the_dead(Path(os.environ[SHARED]))
            registry = CollectorRegistry()
            multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return generate_latest(registry)


def _forget_the_dead(shared: Path) -> None:
    """What workers hold ends with them; what they counted stays."""
    for file in shared.glob("gauge_live*.db"):
        try:
            os.kill(int(file.stem.rpartition("_")[2]), 0)
        except ProcessLookupError:
            file.unlink(missing_ok=True)


def resident_memory() -> int:
    """Bytes of memory that this process holds now; 0 where the system does not tell."""
    try:
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    except OSError:
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")
