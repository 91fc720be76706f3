"""A running service with a small, untrained model, and one that is a process of its own."""

import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from uvicorn import Server

from pix2seg.serve.app import create_app
from pix2seg.serve.server import server_config
from pix2seg.serve.settings import Settings

Running = Callable[..., AbstractContextManager[httpx.Client]]


@contextmanager
def run_service(settings: Settings) -> Iterator[httpx.Client]:
    """A service in a thread of this process, ready for photos."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = Server(server_config(create_app(settings), settings))
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            port = listener.getsockname()[1]
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=120) as client:
                wait_until_ready(client)
                yield client
        finally:
            server.should_exit = True
            thread.join(30)


def wait_until_ready(client: httpx.Client, seconds: float = 60) -> None:
    for _ in range(round(seconds / 0.05)):
        try:
            if client.get("/readyz").status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.05)
    raise TimeoutError("the service did not become ready")


@pytest.fixture(scope="session")
def running(small_weights: Path) -> Running:
    """A service with the settings given, as a context."""

    def run(**settings: Any) -> AbstractContextManager[httpx.Client]:
        return run_service(Settings(**{"weights": small_weights, "person": "none", **settings}))

    return run


@pytest.fixture(scope="session")
def service(running: Running) -> Iterator[httpx.Client]:
    """A service with everything at its default but the limits on uploads."""
    with running(max_upload=400_000, max_pixels=2_000_000, upload_seconds=1.5) as client:
        yield client


@dataclass
class Process:
    """`pix2seg serve` as a process, and its address."""

    process: "subprocess.Popen[str]"
    url: str

    def wait_for(self, workers: int) -> None:
        """Read what it logs until so many workers are ready."""
        assert self.process.stderr is not None
        ready = 0
        while ready < workers:
            ready += json.loads(self.process.stderr.readline())["event"] == "ready"

    def events(self) -> list[dict[str, Any]]:
        """What it logged after what was read before; waits for its end."""
        _, text = self.process.communicate(timeout=120)
        return [json.loads(line) for line in text.splitlines()]


@pytest.fixture
def start(small_onnx: Path) -> Iterator[Callable[..., Process]]:
    """Start `pix2seg serve` with the words given; ended after the test at the latest."""
    processes = []

    def run(*words: object) -> Process:
        command = [sys.executable, "-m", "pix2seg", "serve", "--port", "0", "--person", "none"]
        process = subprocess.Popen(
            [*command, "--weights", str(small_onnx), *map(str, words)],
            stderr=subprocess.PIPE,
            text=True,
        )
        processes.append(process)
        assert process.stderr is not None
        first = json.loads(process.stderr.readline())
        return Process(process, first["url"])

    yield run
    for process in processes:
        process.kill()
        process.wait()
