"""Who is slow, or goes away, holds nothing."""

import logging
import socket
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import httpx
import numpy as np
import pytest
from PIL import Image

Running = Callable[..., AbstractContextManager[httpx.Client]]

JPEG = {"Content-Type": "image/jpeg"}


def connect(client: httpx.Client) -> socket.socket:
    return socket.create_connection((client.base_url.host, client.base_url.port or 80), timeout=20)


def head(photo: bytes, query: str = "") -> bytes:
    words = f"POST /v1/segment{query} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(photo)}\r\n\r\n"
    return words.encode()


def keep_asking(connection: socket.socket) -> None:
    """Send more requests for twenty seconds, and take no answer."""
    for _ in range(200):
        time.sleep(0.1)
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 100)


def gone(client: httpx.Client) -> float:
    """How many went away before their answer so far."""
    counter = 'pix2seg_requests_total{route="/v1/segment",status="499"}'
    lines = client.get("/metrics").text.splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.startswith(counter))


@pytest.fixture
def noise(tmp_path: Path) -> bytes:
    """A photo whose pictures are some megabytes each."""
    pixels = np.random.default_rng(0).integers(0, 256, (1500, 2000, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "noise.jpg")
    return (tmp_path / "noise.jpg").read_bytes()


def fetch(connection: socket.socket, pause: float = 0.0) -> None:
    """Take an answer, 64 KiB at once and with a pause before each.

    Raises:
        ConnectionError: it was cut off.
    """
    answer = connection.recv(65536)
    head, _, body = answer.partition(b"\r\n\r\n")
    left = int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0]) - len(body)
    while left > 0:
        time.sleep(pause)
        part = connection.recv(65536)
        if not part:
            raise ConnectionError(f"{left} bytes are missing")
        left -= len(part)


def trickle(connection: socket.socket) -> None:
    """Take an answer for ten seconds, 4 KiB in each tenth.

    Raises:
        ConnectionError: it was cut off.
    """
    for _ in range(100):
        time.sleep(0.1)
        if not connection.recv(4096):
            raise ConnectionError


def test_a_deadline_is_kept(running: Running, photos: list[Path]) -> None:
    with running(deadline=0.001) as client:
        answer = client.post("/v1/segment", content=photos[0].read_bytes(), headers=JPEG)
    assert answer.status_code == 503
    assert answer.json()["type"] == "urn:pix2seg:problem:deadline"
    assert int(answer.headers["retry-after"]) >= 1


def test_uploads_share_a_bounded_memory(running: Running, photos: list[Path]) -> None:
    photo = photos[0].read_bytes()
    with running(queue=1, batch=1, max_upload=len(photo)) as client:
        halves = [connect(client) for _ in range(4)]
        for connection in halves:
            connection.sendall(head(photo) + photo[:-1000])
        time.sleep(0.3)
        statuses = []
        for connection in halves:
            connection.sendall(photo[-1000:])
            statuses.append(connection.recv(12)[9:])
            connection.close()
        assert set(statuses) == {b"200", b"503"}
        again = client.post("/v1/segment", content=photo, headers=JPEG)
        assert again.status_code == 200


def test_who_goes_away_is_not_worked_for(
    service: httpx.Client, photos: list[Path], tmp_path: Path
) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (30, 40, 3), dtype=np.uint8)
    Image.fromarray(pixels).resize((1600, 1200)).save(tmp_path / "large.jpg")
    photo = (tmp_path / "large.jpg").read_bytes()
    before = gone(service)
    for _ in range(3):
        with connect(service) as connection:
            connection.sendall(head(photo, "?pictures=mask,overlay,map,cutouts") + photo)
    for _ in range(200):
        if gone(service) == before + 3:
            break
        time.sleep(0.05)
    else:
        raise AssertionError("nobody noticed")
    answer = service.post("/v1/segment", content=photos[0].read_bytes(), headers=JPEG)
    assert answer.status_code == 200


def test_a_head_that_does_not_come_ends_the_connection(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pix2seg.serve.protocol.HEAD_SECONDS", 0.5)
    with running() as client:
        for begun in (b"", b"GET /healthz HT"):
            with connect(client) as connection:
                connection.sendall(begun)
                assert connection.makefile("rb").read() == b""
        with connect(client) as connection:  # the same for a second request
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            assert connection.recv(65536).startswith(b"HTTP/1.1 200")
            connection.sendall(b"GET /hea")
            began = time.monotonic()
            connection.makefile("rb").read()
            assert time.monotonic() - began < 10


def test_an_answer_that_is_not_fetched_ends_the_connection(
    running: Running, photos: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pix2seg.serve.protocol.FETCH_SECONDS", 0.5)
    photo = photos[0].read_bytes()
    with running() as client, connect(client) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        one = head(photo, "?pictures=mask,overlay,map,cutouts") + photo
        for _ in range(20):  # pipelined; their answers are more than all buffers hold
            connection.sendall(one)
        with pytest.raises(ConnectionError):
            keep_asking(connection)
        answer = client.post("/v1/segment", content=photo, headers=JPEG)
        assert answer.status_code == 200


def test_an_answer_that_is_fetched_slowly_comes_whole(
    running: Running, noise: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pix2seg.serve.protocol.FETCH_SECONDS", 0.5)
    with running() as client, connect(client) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        connection.sendall(head(noise, "?picture=photo") + noise)
        began = time.monotonic()
        fetch(connection, pause=0.02)
        assert time.monotonic() - began > 2


def test_an_answer_that_is_fetched_too_slowly_is_cut_off(
    running: Running, noise: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pix2seg.serve.protocol.FETCH_SECONDS", 1.0)
    monkeypatch.setattr("pix2seg.serve.protocol.UNSENT", 4096)
    with running() as client, socket.socket() as connection:
        # With small packets and buffers something goes all the time, though little.
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 1000)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
        connection.connect((client.base_url.host, client.base_url.port))
        connection.sendall(head(noise, "?picture=photo") + noise)
        connection.recv(1, socket.MSG_PEEK)
        with pytest.raises(ConnectionError):
            trickle(connection)


def test_the_end_does_not_wait_for_who_fetches_nothing(
    running: Running, caplog: pytest.LogCaptureFixture
) -> None:
    logging.getLogger("uvicorn").propagate = True
    with running(deadline=2) as client:
        connection = connect(client)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * 100)
        time.sleep(1)
    connection.close()
    assert [r.message for r in caplog.records if r.levelno > logging.INFO] == []


@pytest.mark.parametrize(("per_client", "most", "status"), [(1, 1_000_000_000, 429), (0, 1, 503)])
def test_an_answer_is_held_until_it_is_fetched(
    running: Running,
    noise: bytes,
    photos: list[Path],
    monkeypatch: pytest.MonkeyPatch,
    per_client: int,
    most: int,
    status: int,
) -> None:
    monkeypatch.setattr("pix2seg.serve.sending.MOST_UNSENT", most)
    with running(per_client=per_client) as client, connect(client) as connection:

        def ask() -> int:
            photo = photos[0].read_bytes()
            return client.post("/v1/segment", content=photo, headers=JPEG).status_code

        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        connection.sendall(head(noise, "?picture=photo") + noise)
        connection.recv(1, socket.MSG_PEEK)
        assert ask() == status
        fetch(connection)
        while ask() != 200:
            time.sleep(0.05)
