"""Running the service: a socket, one process or several, an end in good order."""

import os
import shutil
import signal
import socket
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from uvicorn import Config, Server
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess

from pix2seg.cores import core_count
from pix2seg.errors import Pix2SegError, ServiceError, reason_of
from pix2seg.serve.app import create_app
from pix2seg.serve.log import LOGGER, log_event, start_logging
from pix2seg.serve.metrics import SHARED
from pix2seg.serve.protocol import PatientProtocol
from pix2seg.serve.settings import Settings
from pix2seg.workers import end_with_parent

BACKLOG = 512
"""Connections that the system holds until they are taken."""

KEEP_ALIVE = 15
"""Seconds that a connection without a request is kept."""

ANSWER_SECONDS = 60
"""A worker that does not answer its supervisor for so long is replaced.

uvicorn's own 5 are fewer than a busy machine takes to start one: none would ever get ready."""


def serve(settings: Settings, *, host: str, port: int, workers: int = 1) -> None:
    """Serve until SIGTERM or SIGINT: then take nothing new, finish what was begun, and return.

    Args:
        settings: what the service is told.
        host: the address to listen on.
        port: 0 takes a free one; the first line of the log says which.
        workers: processes, each with a model of its own.

    Raises:
        KeyboardInterrupt: it was SIGINT that ended it.
        ServiceError: the address is taken, or a worker could not start.
        Pix2SegError: the model cannot be loaded.
    """
    start_logging()
    with closing(_listen(host, port)) as listener:
        shown, taken = listener.getsockname()[:2]
        url = f"http://[{shown}]:{taken}" if ":" in shown else f"http://{shown}:{taken}"
        log_event("listening", url=url, workers=workers)
        if workers == 1:
            _serve_alone(settings, listener)
        else:
            _serve_together(settings, listener, workers)
    log_event("stopped")


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        raise ServiceError(
            f"cannot listen on {host}:{port} ({reason_of(error)}); choose another --host or --port"
        ) from error
    listener.set_inheritable(True)
    return listener


def server_config(app: Any, settings: Settings, **more: Any) -> Config:
    """How uvicorn serves the application, or what makes it.

    Args:
        app: what `create_app` gives.
        settings: the deadline bounds how long the end may take.
        more: further settings of uvicorn's.
    """
    return Config(
        app,
        http=PatientProtocol,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=round(settings.deadline) + 1,
        **more,
    )


def _serve_alone(settings: Settings, listener: socket.socket) -> None:
    failures: list[Pix2SegError] = []

    def failed(error: Pix2SegError) -> None:
        failures.append(error)
        signal.raise_signal(signal.SIGTERM)

    # uvicorn raises the signal that ended it once more when all is done: by then it is obeyed.
    signal.signal(signal.SIGTERM, lambda number, frame: None)
    Server(server_config(create_app(settings, failed), settings)).run([listener])
    if failures:
        raise failures[0]


def _serve_together(settings: Settings, listener: socket.socket, workers: int) -> None:
    # Processes that each take all cores only wait for each other.
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, core_count() // workers)))
    app = partial(_worker_app, settings)
    with _shared_numbers():
        config = server_config(
            app,
            settings,
            factory=True,
            workers=workers,
            timeout_worker_healthcheck=ANSWER_SECONDS,
        )
        supervisor = _Supervisor(config, [listener])
        supervisor.run()
    if any(process.exitcode == STARTUP_FAILURE for process in supervisor.processes):
        raise ServiceError("a worker could not start; its line in the log says why")
    if supervisor.interrupted:
        raise KeyboardInterrupt


class _Supervisor(Multiprocess):
    """uvicorn's, which does not tell SIGINT from SIGTERM once it has ended."""

    interrupted = False

    def handle_int(self) -> None:
        super().handle_int()
        self.interrupted = True


def _worker_app(settings: Settings) -> FastAPI:
    end_with_parent()
    start_logging()
    return create_app(settings, _end_worker)


def _end_worker(error: Pix2SegError) -> None:
    """End so that the supervisor knows that another try would fail too."""
    LOGGER.error("failed", extra={"facts": {"detail": str(error)}})
    os._exit(STARTUP_FAILURE)


@contextmanager
def _shared_numbers() -> Iterator[None]:
    """A folder in memory where workers add up their metrics; nothing of it reaches a disk."""
    memory = Path("/dev/shm")
    if not os.access(memory, os.W_OK):
        yield  # each worker tells its own numbers
        return
    folder = tempfile.mkdtemp(prefix="pix2seg-", dir=memory)
    os.environ[SHARED] = folder
    try:
        yield
    finally:
        del os.environ[SHARED]
        shutil.rmtree(folder, ignore_errors=True)
