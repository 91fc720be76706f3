"""Uploads that mean harm: never a fault, never a traceback, still serving afterwards."""

import io
import logging
import random
import socket
import struct
import time
import zlib
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
from PIL import Image

MUTANTS = 60
"""Of each of four formats; with the rest there are 300."""

REFUSED = {400, 408, 413, 415, 422, 503}


def encoded(photo: Path, kind: str) -> bytes:
    data = io.BytesIO()
    with Image.open(photo) as image:
        image.reduce(6).save(data, kind)
    return data.getvalue()


def mutant(data: bytes, draw: random.Random) -> bytes:
    """The file with bytes changed, cut out, repeated or cut off."""
    changed = bytearray(data)
    for _ in range(draw.randint(1, 8)):
        at = draw.randrange(len(changed))
        what = draw.randrange(4)
        if what == 0:
            changed[at] = draw.randrange(256)
        elif what == 1:
            del changed[at : at + draw.randint(1, 20)]
        elif what == 2:
            changed[at:at] = changed[at : at + draw.randint(1, 200)]
        else:
            changed[at : at + 4] = draw.randbytes(4)
        if len(changed) < 2:
            break
    return bytes(changed[: draw.randint(2, len(changed))] if draw.random() < 0.2 else changed)


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def bomb(width: int, height: int, *, bits: int = 8) -> bytes:
    """A PNG that is small and claims to be large; its pixels are zeros as far as they go."""
    header = struct.pack(">IIBBBBB", width, height, bits, 0, 0, 0, 0)
    pixels = zlib.compress(bytes(20_000_000), 9)
    signature = b"\x89PNG\r\n\x1a\n"
    return signature + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def odd_bodies(photo: bytes) -> Iterator[tuple[bytes, str]]:
    """Bodies and their types."""
    for size in ((100_000, 100_000), (2**31 - 1, 2**31 - 1), (0, 5), (65_535, 4), (2000, 2000)):
        yield bomb(*size), "image/png"
    text = chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(50_000_000), 9))
    small = io.BytesIO()
    Image.new("L", (8, 8)).save(small, "PNG")
    yield small.getvalue()[:33] + text + small.getvalue()[33:], "image/png"
    for data in (
        b"",
        b"\0",
        b"GIF89a",
        b"%PDF-1.7",
        b"<svg/>",
        b"PK\3\4",
        b"\xff\xd8\xff",
        bytes(9999),
    ):
        for kind in ("image/jpeg", "application/octet-stream", "text/html", ""):
            yield data, kind
    form = "multipart/form-data"
    part = b'--x\r\nContent-Disposition: form-data; name="photo"; filename="a"\r\n\r\n'
    yield photo, form
    yield photo, f"{form}; boundary="
    yield photo, f"{form}; boundary={'x' * 300}"
    yield photo, f"{form}; boundary=x; charset=nonsense"
    yield part + photo, f"{form}; boundary=x"  # never ends
    yield part + photo + b"\r\n--x--" + bytes(5000), f"{form}; boundary=x"
    yield part * 300, f"{form}; boundary=x"
    yield b"--x\r\n" + b"A: b\r\n" * 9000, f"{form}; boundary=x"
    yield b"--x\r\nContent-Disposition: form-data\r\n\r\na\r\n--x--", f"{form}; boundary=x"
    yield part.replace(b'"a"', b'"../../\0\r\n\xff"') + photo + b"\r\n--x--", f"{form}; boundary=x"
    yield part.replace(b'"photo"', b'"' + b"n" * 9999 + b'"'), f"{form}; boundary=x"
    field = b'--x\r\nContent-Disposition: form-data; name="max_colors"\r\n\r\n'
    yield field + b"9" * 300_000 + b"\r\n" + part + photo + b"\r\n--x--", f"{form}; boundary=x"
    yield (field + b"9\r\n") * 500 + part + photo + b"\r\n--x--", f"{form}; boundary=x"
    yield field + b"\xff\r\n" + part + photo + b"\r\n--x--", f"{form}; boundary=x"


_POST = b"POST /v1/segment HTTP/1.1\r\nHost: x\r\n"

RAW = (
    _POST + b"Content-Length: 100000\r\n\r\nabc",  # then nothing
    _POST + b"Content-Length: -5\r\n\r\n",
    _POST + b"Content-Length: 99999999999999999999999\r\n\r\n",
    _POST + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef",
    _POST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
    _POST + b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n",
    _POST + b"Expect: 100-continue\r\nContent-Length: 9\r\n\r\n",
    b"POST /v1/segment HTTP/9.9\r\n\r\n",
    b"POST /v1/segment?max_colors=%ff%00 HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\na",
    b"GET / HTTP/1.1\r\nX: " + b"y" * 100_000 + b"\r\n\r\n",
    b"GET / HTTP/1.1\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    bytes(4000),
    b"",
)
"""What is no HTTP, or hardly."""


def send_raw(address: tuple[str, int], data: bytes, *, half_close: bool) -> bytes:
    """What comes back for bytes as they are, until the end or for two and a half seconds."""
    received = b""
    with socket.create_connection(address, timeout=2.5) as connection:
        try:
            connection.sendall(data)
            if half_close:
                connection.shutdown(socket.SHUT_WR)
            while part := connection.recv(65536):
                received += part
        except OSError:
            pass
    return received


def send_endless(address: tuple[str, int]) -> bytes:
    """What comes back for a body without an end, sent as fast as it is taken."""
    head = b"POST /v1/segment HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    piece = b"10000\r\n" + bytes(65536) + b"\r\n"
    received, began = b"", time.monotonic()
    with socket.create_connection(address, timeout=5) as connection:
        try:
            connection.sendall(head)
            while time.monotonic() - began < 10:
                connection.sendall(piece)
        except OSError:
            pass
        with suppress(OSError):
            received = connection.recv(65536)
    return received


def send_slowly(address: tuple[str, int]) -> bytes:
    """What comes back for a body of a byte every tenth of a second."""
    head = b"POST /v1/segment HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n\r\n"
    with socket.create_connection(address, timeout=5) as connection:
        try:
            connection.sendall(head)
            for _ in range(60):
                connection.sendall(b"a")
                time.sleep(0.1)
        except OSError:
            pass
        try:
            return connection.recv(65536)
        except OSError:
            return b""


def test_three_hundred_hostile_uploads(
    service: httpx.Client, photos: list[Path], caplog: pytest.LogCaptureFixture
) -> None:
    draw = random.Random(13)
    formats = {kind: encoded(photos[0], kind) for kind in ("JPEG", "PNG", "WEBP", "TIFF")}
    bodies = [
        (mutant(data, draw), f"image/{kind.lower()}")
        for kind, data in formats.items()
        for _ in range(MUTANTS)
    ]
    bodies += odd_bodies(formats["JPEG"])
    address = service.base_url.host, service.base_url.port or 80
    logging.getLogger("pix2seg.serve").propagate = True
    logging.getLogger("uvicorn").propagate = True

    def post(body: tuple[bytes, str]) -> int:
        data, kind = body
        path = draw.choice(("/v1/segment", "/v1/segment?pictures=overlay", "/v1/palette"))
        return service.post(path, content=data, headers={"Content-Type": kind}).status_code

    with ThreadPoolExecutor(8) as pool:
        slow = [pool.submit(send_slowly, address), pool.submit(send_endless, address)]
        raw = [
            pool.submit(send_raw, address, data, half_close=half_close)
            for data in RAW
            for half_close in (True, False)
        ]
        statuses = Counter(pool.map(post, bodies))
        answers = [future.result() for future in (*slow, *raw)]

    assert len(bodies) + len(answers) >= 300
    assert set(statuses) <= {200, *REFUSED}
    assert statuses[200] > 20  # some mutants are photos still
    assert statuses.total() - statuses[200] > 100
    firsts = Counter(answer[9:12] for answer in answers)
    assert set(firsts) <= {b"", b"100", b"400", b"408", b"413", b"415", b"422"}
    assert answers[0][9:12] == b"408"
    assert answers[1][9:12] in (b"413", b"408", b"")  # whichever limit is met first
    for answer in answers[2:]:
        if answer[9:12] == b"400":
            assert b"application/problem+json" in answer
    assert not [record for record in caplog.records if record.exc_info]
    fine = service.post(
        "/v1/segment", content=photos[0].read_bytes(), headers={"Content-Type": "image/jpeg"}
    )
    assert fine.status_code == 200


def test_a_form_that_would_take_long_to_decode_is_refused(
    service: httpx.Client, photos: list[Path]
) -> None:
    def post(charset: str, text: bytes) -> int:
        field = b'--x\r\nContent-Disposition: form-data; name="names"\r\n\r\n'
        file = b'--x\r\nContent-Disposition: form-data; name="photo"; filename="a"\r\n\r\n'
        body = field + text + b"\r\n" + file + photos[0].read_bytes() + b"\r\n--x--"
        kind = {"Content-Type": f"multipart/form-data; boundary=x; charset={charset}"}
        return service.post("/v1/palette", content=body, headers=kind).status_code

    began = time.monotonic()
    for charset in ("punycode", '"PunyCode"', "idna", "utf-7", "nonsense"):
        assert post(charset, b"a" * 50_000 + b"-" + b"a" * 50_000) == 400
    assert time.monotonic() - began < 2
    for charset in ("utf-8", '"UTF8"', "us-ascii", "ISO-8859-1", "latin1"):
        assert post(charset, b"xkcd") == 200


def test_nonsense_after_an_answer_ends_the_connection_quietly(
    service: httpx.Client, caplog: pytest.LogCaptureFixture
) -> None:
    head = b"POST /nothing HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    address = service.base_url.host, service.base_url.port or 80
    with socket.create_connection(address, timeout=5) as connection:
        connection.sendall(head)
        assert connection.recv(65536).startswith(b"HTTP/1.1 405")
        connection.sendall(b"nonsense\r\n")
        assert b"HTTP/1.1" not in connection.makefile("rb").read()
    assert not [record for record in caplog.records if record.exc_info]
