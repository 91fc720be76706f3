"""A request's body, counted as it comes, in memory alone."""

import asyncio
import codecs
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import PurePosixPath, PureWindowsPath

from python_multipart.multipart import parse_options_header
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from pix2seg.serve.problems import Problem

LINGER = 3.0
"""Seconds that the rest of a refused body is read and thrown away.

A connection closed under a client that still sends is an error to it, not an answer."""

MAX_FIELDS = 40
"""Form fields that a request may have; there are fewer options."""

FILES = ("photo", "mask", "garments")
"""The files that a form may have; which of them an address takes is its own."""

CHARSETS = ("utf-8", "ascii", "iso8859-1")
"""What a form may be written in, as Python names it; to read some others takes for ever."""

RETRY = 2
"""Seconds after which to try again when memory for uploads is short."""


@dataclass(frozen=True)
class Upload:
    """What a request brought.

    Attributes:
        photo: the photo file's bytes.
        file: its name without folders; "image" where there is none.
        fields: names and values of the query, then of the form.
        mask: a mask file's bytes, if one came.
        garments: those of a mask of garment kinds.
    """

    photo: bytes
    file: str
    fields: tuple[tuple[str, str], ...]
    mask: bytes | None = None
    garments: bytes | None = None


class UploadMemory:
    """How many bytes of uploads all requests together hold.

    Args:
        most: so many at once.
    """

    def __init__(self, most: int) -> None:
        self.most, self.held = most, 0

    @contextmanager
    def share(self) -> Iterator["_Share"]:
        """One request's share, given back at the end."""
        share = _Share(self)
        try:
            yield share
        finally:
            self.held -= share.held


class _Share:
    def __init__(self, memory: UploadMemory) -> None:
        self._memory, self.held = memory, 0

    def take(self, count: int) -> None:
        if self._memory.held + count > self._memory.most:
            raise Problem(
                "busy",
                f"uploads are using all memory that they may; retry in {RETRY} s",
                retry=RETRY,
            )
        self.held += count
        self._memory.held += count


async def read_upload(
    request: Request, share: _Share, *, files: Sequence[str], most: int, seconds: float
) -> Upload:
    """Read a request's body: a form with a file `photo`, or a photo as it is.

    Args:
        request: whose body has not been read yet.
        share: counts the bytes that all requests hold.
        files: which of `FILES` a form may have here.
        most: bytes of a body.
        seconds: in which it must have come.

    Raises:
        Problem: the body is too large, too slow, no photo, or no form that can be understood.
        ClientDisconnect: the client went away.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    form = kind == "multipart/form-data"
    if not (form or not kind or kind.startswith("image/") or kind == "application/octet-stream"):
        await _linger(request)
        raise Problem(
            "photo-type",
            f"a body of type {kind[:80]} is no photo; send multipart/form-data with a file "
            "'photo', or the photo itself as image/jpeg, image/png ...",
        )
    try:
        async with asyncio.timeout(seconds):
            body = await _read(request, share, most)
    except TimeoutError:
        raise Problem(
            "body-slow",
            f"the body did not come within {seconds:g} s",
            headers={"Connection": "close"},
        ) from None
    query = tuple(request.query_params.multi_items())
    if not form:
        if not body:
            raise Problem("bad-request", "the body is empty; send a photo")
        return Upload(body, "image", query)
    return await _parse_form(request, body, query, files)


async def _read(request: Request, share: _Share, most: int) -> bytes:
    body = bytearray()
    declared = request.headers.get("content-length", "0")
    if declared.isascii() and declared.isdigit() and len(declared) < 19 and int(declared) <= most:
        async for chunk in request.stream():
            share.take(len(chunk))
            body += chunk
            if len(body) > most:
                break
        else:
            return bytes(body)
        body.clear()
    await _linger(request)
    raise Problem(
        "upload-too-large",
        f"the upload has more than {most} bytes, the limit here; send a smaller file",
        headers={"Connection": "close"},
    )


async def _linger(request: Request) -> None:
    """Read on for a while, so that the client finishes sending and reads the answer."""
    if request.headers.get("expect", "").lower() == "100-continue":
        return  # it has not sent anything yet
    with suppress(TimeoutError):
        async with asyncio.timeout(LINGER):
            while True:
                message = await request.receive()
                if message["type"] == "http.disconnect" or not message.get("more_body"):
                    return


class _InMemory(MultiPartParser):
    """Starlette's parser, whose files never move to the disk: the body is bounded already."""

    spool_max_size = 1 << 62


async def _parse_form(
    request: Request, body: bytes, query: tuple[tuple[str, str], ...], takes: Sequence[str]
) -> Upload:
    async def stream() -> AsyncGenerator[bytes, None]:
        yield body

    try:
        _check_charset(request.headers["content-type"])
        parser = _InMemory(request.headers, stream(), max_files=len(FILES), max_fields=MAX_FIELDS)
        form = await parser.parse()
    except MultiPartException as error:
        message = error.message.rstrip(".")
        raise Problem("bad-request", f"the form cannot be read: {message}") from None
    except (ValueError, LookupError) as error:  # a boundary or a character set that is none
        raise Problem("bad-request", f"the form cannot be read: {error}") from None
    came = [(name, value) for name, value in form.multi_items() if isinstance(value, UploadFile)]
    _check_files([name for name, _ in came], takes)
    files = dict(came)
    fields = [(name, value) for name, value in form.multi_items() if isinstance(value, str)]
    given = {name for name, _ in fields}
    photo = files["photo"]
    data = await photo.read()
    if not data:
        raise Problem("bad-request", "the file 'photo' is empty; send a photo")
    return Upload(
        data,
        _base_name(photo.filename),
        (*((n, v) for n, v in query if n not in given), *fields),
        *[await files[name].read() if name in files else None for name in FILES[1:]],
    )


def _check_charset(content_type: str) -> None:
    """See that a form is in an encoding that is read at once, before the parser reads it.

    Raises:
        Problem: it is in another one.
        LookupError: there is none of that name.
    """
    charset = parse_options_header(content_type)[1].get(b"charset", b"utf-8").decode("latin-1")
    if codecs.lookup(charset).name not in CHARSETS:
        raise Problem("bad-request", f"the form is in {charset[:80]}; send it in utf-8")


def _check_files(names: Sequence[str], takes: Sequence[str]) -> None:
    """See that a form has a photo, and nothing that would be ignored.

    Raises:
        Problem: it lacks the photo, or a file is unknown here or came twice.
    """
    detail = None
    unknown = sorted(set(names) - set(takes))
    if "photo" not in names:
        detail = (
            "send the photo as a form file named 'photo' (the form has: "
            f"{', '.join(sorted(set(names)))[:80] or 'no file'})"
        )
    elif unknown:
        known = ", perhaps ".join(f"'{name}'" for name in takes)
        detail = f"there is no file '{unknown[0][:80]}' here; send {known}"
    elif len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        detail = f"there are {names.count(twice)} files '{twice}'; send one a request"
    if detail:
        raise Problem("bad-request", detail)


def _base_name(name: str | None) -> str:
    """A file's name without its folders, whichever system it came from."""
    last = PurePosixPath(PureWindowsPath(name or "").name).name
    return "".join(c for c in last if c.isprintable())[:200] or "image"
