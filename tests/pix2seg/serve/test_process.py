"""`pix2seg serve` as people start and end it."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from pix2seg.cli import app
from pix2seg.serve.metrics import SHARED

Start = Callable[..., Any]

JPEG = {"Content-Type": "image/jpeg"}


def wait_until_ready(client: httpx.Client) -> None:
    for _ in range(600):
        if client.get("/readyz").status_code == 200:
            return
        time.sleep(0.1)
    raise TimeoutError("the service did not become ready")


def wait_until_refused(host: str, port: int) -> None:
    for _ in range(600):
        try:
            socket.create_connection((host, port), timeout=120).close()
        except ConnectionRefusedError:
            return
        time.sleep(0.1)
    raise AssertionError("it still takes connections")


def test_sigterm_finishes_what_was_begun_and_exits_0(start: Start, photos: list[Path]) -> None:
    service = start()
    host, port = service.url.removeprefix("http://").split(":")
    assert host == "127.0.0.1"
    with httpx.Client(base_url=service.url) as client:
        wait_until_ready(client)
    photo = photos[0].read_bytes()
    head = (
        "POST /v1/segment?pictures=mask,overlay HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
        f"Expect: 100-continue\r\nContent-Length: {len(photo)}\r\n\r\n"
    )
    with socket.create_connection((host, int(port)), timeout=120) as connection:
        connection.sendall(head.encode())
        assert connection.recv(100).startswith(b"HTTP/1.1 100")  # the request is begun
        service.process.send_signal(signal.SIGTERM)
        wait_until_refused(host, int(port))
        connection.sendall(photo)
        answer = connection.makefile("rb").read()
    events = service.events()
    assert service.process.returncode == 0
    assert answer.startswith(b"HTTP/1.1 200")
    assert b'"pictures"' in answer
    assert events[-1]["event"] == "stopped"
    assert not [event for event in events if "exception" in event]


@pytest.mark.parametrize("workers", [1, 2])
def test_ctrl_c_ends_like_other_commands(start: Start, workers: int) -> None:
    service = start("--workers", workers)
    service.wait_for(workers)
    service.process.send_signal(signal.SIGINT)
    service.events()
    assert service.process.returncode == 130


def test_workers_share_the_address_and_the_numbers(start: Start, photos: list[Path]) -> None:
    service = start("--workers", 2)
    service.wait_for(workers=2)
    lasting = {"headers": {"Connection": "close"}, "timeout": 60}  # each falls to either worker
    with httpx.Client(base_url=service.url, **lasting) as client:
        for _ in range(6):
            answer = client.post("/v1/segment", content=photos[0].read_bytes(), headers=JPEG)
            assert answer.status_code == 200
        text = client.get("/metrics").text
    values = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    assert values['pix2seg_requests_total{route="/v1/segment",status="200"}'] == "6.0"
    assert float(values["pix2seg_memory_bytes"]) > 100e6
    service.process.send_signal(signal.SIGTERM)
    service.events()
    assert service.process.returncode == 0


def test_workers_end_with_a_service_that_was_killed(start: Start) -> None:
    service = start("--workers", 2)
    service.wait_for(workers=2)
    host, port = service.url.removeprefix("http://").split(":")
    service.process.kill()
    wait_until_refused(host, int(port))


def test_workers_that_died_hold_nothing(tmp_path: Path) -> None:
    worker = """
from pix2seg.serve.metrics import Metrics
metrics = Metrics()
metrics.queue.set(5)
metrics.answered("page", 200, 0.1)
print(metrics.text().decode())
"""
    for count in (1, 2):
        told = subprocess.run(
            [sys.executable, "-c", worker],
            env={**os.environ, SHARED: str(tmp_path)},
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        ).stdout
        assert "pix2seg_queue_requests 5.0" in told
        assert f'pix2seg_requests_total{{route="page",status="200"}} {count}.0' in told


def serve(*words: object) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "pix2seg", "serve", "--port", "0", *map(str, words)],
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.mark.parametrize("workers", [1, 2])
def test_weights_that_do_not_load_end_it(tmp_path: Path, workers: int) -> None:
    ended = serve("--weights", tmp_path / "none.safetensors", "--workers", workers)
    assert ended.returncode == 2
    assert "no weights file" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_what_it_cannot_start_with_is_one_line(tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.write_text("\n")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        for words, message in (
            (["--port", taken.getsockname()[1]], "choose another --host or --port"),
            (["--host", "203.0.113.7"], "cannot listen on 203.0.113.7"),
            (["--token-file", tmp_path / "none"], "cannot read the token file"),
            (["--token-file", empty], "holds no token"),
            (["--allow-origin", "*"], "--allow-origin *: this is no origin"),
            (["--allow-origin", "https://a.example/"], "https://a.example/: this is no origin"),
        ):
            ended = serve(*words)
            assert ended.returncode == 2
            assert message in " ".join(ended.stderr.split())
            assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("option", ["--deadline", "--upload-seconds"])
@pytest.mark.parametrize("seconds", ["inf", "nan", "86401"])
def test_no_request_may_take_for_ever(option: str, seconds: str) -> None:
    ended = CliRunner().invoke(app, ["serve", option, seconds])
    assert ended.exit_code == 2
    assert f"'{option}'" in ended.output
    assert "86400" in ended.output
