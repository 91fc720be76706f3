"""What every request passes: an identity, a log line, security headers, tokens, faults.

It comes first, but where other origins are allowed: there `CORSMiddleware` is around it, so that
their pages can read its problems too, and answers a browser's preflights by itself.
"""

import hmac
import secrets
from collections import Counter
from dataclasses import dataclass, field
from ipaddress import ip_address
from time import perf_counter
from typing import Any
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pix2seg.errors import Pix2SegError
from pix2seg.serve.log import LOGGER, log_event
from pix2seg.serve.metrics import Metrics
from pix2seg.serve.problems import Problem, problem_of
from pix2seg.serve.sending import Sending
from pix2seg.serve.settings import Settings

CONTENT_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob: data:",
        "connect-src 'self'",
        "font-src 'self'",
        "manifest-src 'self'",
        "worker-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
SECURITY_HEADERS = {
    "Content-Security-Policy": CONTENT_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
}

GONE = 499
"""Stands in the log for a client that went away before its answer."""

ROUTES = (
    "/docs",
    "/healthz",
    "/metrics",
    "/openapi.json",
    "/readyz",
    "/v1/info",
    "/v1/palette",
    "/v1/schema",
    "/v1/segment",
)
"""Addresses that the log and the metrics name; all others are the page's."""

OPEN = ("/healthz", "/readyz", "/v1/info", "/v1/schema")
"""What needs no token, beside the page: it holds no secret, and the page asks for the token."""


@dataclass
class Record:
    """What is known of a request, for its log line.

    Attributes:
        route: one of `ROUTES`, or `page`, so that nothing that a client made up is logged.
        id: stands in the log, in problem documents and in the header X-Request-Id.
        steps: seconds of each step.
        facts: more to log: width, height, bytes.
    """

    route: str
    id: str = field(default_factory=lambda: secrets.token_hex(6))
    steps: dict[str, float] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)


class Guard:
    """The layer around all work: nothing that goes wrong inside reaches the client as it is.

    A request ends, and is no longer in its client's hand, when its answer has been fetched.
    """

    def __init__(
        self, app: ASGIApp, settings: Settings, metrics: Metrics, sending: Sending
    ) -> None:
        self._app, self._settings, self._metrics = app, settings, metrics
        self._sending = sending
        self._tokens = [token.encode() for token in settings.tokens]
        self._in_hand: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, status, sent = perf_counter(), GONE, 0
        record = Record(route=scope["path"] if scope["path"] in ROUTES else "page")
        scope.setdefault("state", {})["record"] = record

        async def send_with_headers(message: Message) -> None:
            nonlocal status, sent
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                for name, value in SECURITY_HEADERS.items():
                    headers.setdefault(name, value)
                if not self._settings.origins:
                    headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
                headers["X-Request-Id"] = record.id
            sent += len(message.get("body", b""))
            await self._sending.hand_on(message, send)

        try:
            await self._pass_on(scope, receive, send_with_headers, record)
        finally:
            seconds = perf_counter() - began
            self._metrics.answered(record.route, status, seconds)
            log_event(
                "request",
                id=record.id,
                method=scope["method"],
                route=record.route,
                status=status,
                seconds=round(seconds, 4),
                bytes_out=sent,
                **record.facts,
                steps=record.steps,
            )

    async def _pass_on(self, scope: Scope, receive: Receive, send: Send, record: Record) -> None:
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        client = None
        try:
            client = self._admit(scope)
            await self._app(scope, receive, watched)
        except Problem as problem:
            await problem.response(record.id)(scope, receive, send)
        except Pix2SegError as error:
            await problem_of(error).response(record.id)(scope, receive, send)
        except ClientDisconnect:
            pass
        except Exception:
            LOGGER.exception("fault", extra={"facts": {"id": record.id}})
            if started:
                raise
            fault = Problem("fault", "something went wrong here; the service's log says what")
            await fault.response(record.id)(scope, receive, send)
        finally:
            if client is not None:
                self._in_hand[client] -= 1
                self._in_hand += Counter()  # drops those at zero

    def _admit(self, scope: Scope) -> str | None:
        """Let a request in; the client whose requests are counted, if they are.

        Raises:
            Problem: it has no token, comes from a foreign page, or its client has too many.
        """
        path = scope["path"]
        if scope["method"] == "OPTIONS" or not (path.startswith("/v1/") or path == "/metrics"):
            return None
        headers = Headers(scope=scope)
        self._check_origin(headers, scope.get("server"))
        if path in OPEN:
            return None
        client = self._check_token(headers) or (scope.get("client") or ("",))[0]
        if not self._settings.per_client or scope["method"] != "POST":
            return None
        if self._in_hand[client] >= self._settings.per_client:
            raise Problem(
                "too-many",
                f"a client may have {self._settings.per_client} requests in hand at once; "
                "wait for an answer first",
                retry=1,
            )
        self._in_hand[client] += 1
        return client

    def _check_origin(self, headers: Headers, server: tuple[str, int] | None) -> None:
        """A page from elsewhere could make a browser post here, though not read the answer.

        Nor is a page from here because it has the name that the request is for: whoever owns a name
        can let it lead to the machine of whoever opens the page, and would read the answers. So a
        service that the machine itself alone reaches is not known by names.
        """
        origin = headers.get("origin")
        if origin is None or origin in self._settings.origins:
            return
        ours = origin.partition("://")[2] == headers.get("host")
        if not ours or (_is_loopback(server) and not _is_address(origin)):
            raise Problem(
                "foreign-page",
                f"pages of {origin[:200]} may not call this service; allow them with "
                "--allow-origin where it is started",
            )

    def _check_token(self, headers: Headers) -> str | None:
        if not self._tokens:
            return None
        scheme, _, token = headers.get("authorization", "").partition(" ")
        given = token.strip().encode("latin-1")  # the bytes that came
        # Every token is compared, and each in a time that does not tell how much of it fits.
        right = [hmac.compare_digest(given, known) for known in self._tokens]
        if scheme.lower() != "bearer" or not any(right):
            raise Problem(
                "token-needed",
                "send a token: Authorization: Bearer TOKEN",
                headers={"WWW-Authenticate": "Bearer"},
            )
        return f"token {right.index(True)}"


def _is_loopback(server: tuple[str, int] | None) -> bool:
    """Whether a request came in at an address that only this machine reaches."""
    try:
        return server is not None and ip_address(server[0]).is_loopback
    except ValueError:  # a Unix socket's path
        return False


def _is_address(origin: str) -> bool:
    """Whether an origin's host is an IP address or localhost: no name that somebody could own."""
    try:
        host = urlsplit(origin).hostname or ""
        return host == "localhost" or ip_address(host) is not None
    except ValueError:
        return False
