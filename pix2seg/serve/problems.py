"""Errors as a client reads them: RFC 9457 problem documents with the sentences of the CLI."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from pix2seg.errors import (
    PersonError,
    PhotoError,
    PhotoFormatError,
    PhotoSizeError,
    Pix2SegError,
    WeightsError,
)

if TYPE_CHECKING:
    from starlette.responses import Response

MEDIA_TYPE = "application/problem+json"
PREFIX = "urn:pix2seg:problem:"

KINDS: Mapping[str, tuple[int, str]] = {
    "bad-request": (400, "The request cannot be understood"),
    "photo-broken": (400, "The photo is broken"),
    "token-needed": (401, "A token is needed"),
    "foreign-page": (403, "Another site's page may not call this service"),
    "not-found": (404, "There is no such thing here"),
    "method": (405, "This address takes other methods"),
    "not-acceptable": (406, "There is no answer of that type"),
    "body-slow": (408, "The body came too slowly"),
    "upload-too-large": (413, "The upload is too large"),
    "photo-too-large": (413, "The photo has too many pixels"),
    "photo-type": (415, "This is no photo"),
    "options": (422, "An option does not fit"),
    "too-many": (429, "Too many requests at once"),
    "fault": (500, "The service failed"),
    "busy": (503, "The service is busy"),
    "deadline": (503, "It took too long"),
    "loading": (503, "The service is starting"),
}
"""By the last part of a problem's type: status and title."""


class Problem(Exception):  # noqa: N818  RFC 9457 calls it so
    """An answer other than the one asked for.

    Args:
        kind: one of `KINDS`.
        detail: one sentence that says what is wrong and what to do about it.
        retry: seconds after which to try again.
        headers: to send along.
        more: further members of the document.
    """

    def __init__(
        self,
        kind: str,
        detail: str,
        *,
        retry: int | None = None,
        headers: Mapping[str, str] | None = None,
        more: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(detail)
        self.kind, self.detail = kind, detail
        self.status, self.title = KINDS[kind]
        self.headers = dict(headers or {})
        if retry is not None:
            self.headers["Retry-After"] = str(retry)
        self.more = dict(more or {})

    def response(self, request_id: str) -> "Response":
        """The problem document."""
        from starlette.responses import JSONResponse

        document = {
            "type": PREFIX + self.kind,
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "request": request_id,
            **self.more,
        }
        return JSONResponse(document, self.status, self.headers, MEDIA_TYPE)


def option_problem(option: str, detail: str) -> Problem:
    """What is wrong with one option."""
    return Problem("options", detail, more={"errors": [{"option": option, "detail": detail}]})


def problem_of(error: Pix2SegError) -> Problem:
    """The problem that one of our own errors is to a client."""
    kind = "bad-request"
    if isinstance(error, PhotoSizeError):
        kind = "photo-too-large"
    elif isinstance(error, PhotoFormatError):
        kind = "photo-type"
    elif isinstance(error, PhotoError):
        kind = "photo-broken"
    elif isinstance(error, PersonError | WeightsError):  # asked for what these networks cannot do
        kind = "options"
    return Problem(kind, str(error))


def problem_of_status(status: int, detail: str) -> Problem:
    """The problem behind a status that the framework chose, such as 404 or 405."""
    kind = next((kind for kind, (known, _) in KINDS.items() if known == status), "bad-request")
    if detail == HTTPStatus(status).phrase:
        detail = KINDS[kind][1]
    return Problem(kind, detail)
