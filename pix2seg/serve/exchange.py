"""One request and its answer: within the deadline, as long as somebody waits, of the right type."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from pix2seg.serve.guard import Record
from pix2seg.serve.options import SegmentOptions
from pix2seg.serve.problems import Problem, option_problem
from pix2seg.serve.service import Service
from pix2seg.serve.uploads import Upload, read_upload

JSON, PNG = "application/json", "image/png"


async def answer(
    request: Request,
    service: Service,
    files: Sequence[str],
    handle: Callable[[Upload], Coroutine[Any, Any, Response]],
) -> Response:
    """Read the body and handle it, within the deadline and as long as somebody waits for it.

    Args:
        request: whose body has not been read yet.
        service: what works for it.
        files: which of `FILES` a form may have here.
        handle: gives the answer to what was uploaded.
    """
    settings, record = service.settings, record_of(request)
    _ = service.segmenter  # refused before its body is read while there is no model
    try:
        async with asyncio.timeout(settings.deadline):
            with service.memory.share() as share:
                with service.metrics.step("upload", record.steps):
                    upload = await read_upload(
                        request,
                        share,
                        files=files,
                        most=settings.max_upload,
                        seconds=settings.upload_seconds,
                    )
                record.facts["bytes_in"] = share.held
                return await _unless_gone(request, handle(upload))
    except TimeoutError:
        raise Problem(
            "deadline",
            f"it took longer than the {settings.deadline:g} s that a request may take; retry later",
            retry=max(1, round(settings.deadline / 4)),
        ) from None


def answer_type(request: Request, options: SegmentOptions) -> str:
    """JSON or PNG, as the client accepts and asks for.

    Raises:
        Problem: it accepts neither, or only PNG and names no picture.
    """
    png = _accepts(request, PNG)
    if options.picture and png:
        return PNG
    if not options.picture and _accepts(request, JSON):
        return JSON
    if png:
        raise option_problem(
            "picture", "name the picture that shall be the answer, such as picture=overlay"
        )
    raise Problem(
        "not-acceptable", f"answers are {JSON}, or {PNG} for a picture; accept one of them"
    )


def check_json(request: Request) -> None:
    """See that the client accepts JSON.

    Raises:
        Problem: it does not.
    """
    if not _accepts(request, JSON):
        raise Problem("not-acceptable", f"answers are {JSON}; accept that")


def _accepts(request: Request, kind: str) -> bool:
    accepted = request.headers.get("accept", "*/*").lower().split(",")
    family = f"{kind.partition('/')[0]}/*"
    return not {kind, family, "*/*"}.isdisjoint(a.partition(";")[0].strip() for a in accepted)


def record_of(request: Request) -> Record:
    """What is known of a request."""
    record: Record = request.state.record
    return record


async def _unless_gone(request: Request, work: Coroutine[Any, Any, Response]) -> Response:
    """What `work` gives, unless the client goes away: then it is given up.

    Raises:
        ClientDisconnect: the client went away.
    """
    working = asyncio.ensure_future(work)
    leaving = asyncio.ensure_future(_leaving(request))
    try:
        await asyncio.wait((working, leaving), return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise ClientDisconnect
        return working.result()
    finally:
        working.cancel()
        leaving.cancel()


async def _leaving(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
