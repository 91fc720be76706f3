"""HTTP/1.1 with patience that ends: for heads that do not come and answers that are not fetched."""

import asyncio
import socket
from secrets import token_hex
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from pix2seg.serve.problems import Problem

HEAD_SECONDS = 10.0
"""A request's head must have come so soon after the connection, or after its first byte."""

FETCH_SECONDS = 60.0
"""A client that does not take a piece of its answer, `sending.PIECE`, in this time is cut off."""

UNSENT = 131_072
"""Bytes that the system takes ahead of the network.

By itself it takes megabytes, and then none for a minute from us, though a slow client reads on."""


class PatientProtocol(H11Protocol):
    """uvicorn's protocol, which itself waits for ever for both.

    Nothing more is taken from the application until the system has all that it gave before. The
    time that a body takes is the application's to watch; see `uploads`.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._head: asyncio.TimerHandle | None = None
        self._fetch: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a head."""
        super().connection_made(transport)
        transport.set_write_buffer_limits(high=0)
        if hasattr(socket, "TCP_NOTSENT_LOWAT"):
            connection = transport.get_extra_info("socket")
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT)
        self._await_head()

    def data_received(self, data: bytes) -> None:
        """Take bytes; end the wait if they complete a head, begin it if they begin one."""
        super().data_received(data)
        if self.cycle is None or self.cycle.response_complete:
            self._await_head()
        elif self._head is not None:
            self._head.cancel()
            self._head = None

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP, unless an answer is under way, and end the connection."""
        if self.conn.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            self.transport.close()
            return
        answer = Problem("bad-request", "this is no HTTP request").response(token_hex(6))
        headers = [*answer.raw_headers, (b"connection", b"close")]
        for event in (
            h11.Response(status_code=answer.status_code, headers=headers),
            h11.Data(data=bytes(answer.body)),
            h11.EndOfMessage(),
        ):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

    def pause_writing(self) -> None:
        """The answer waits to be fetched."""
        super().pause_writing()
        self._fetch = self.loop.call_later(FETCH_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        """All that was given has been taken."""
        super().resume_writing()
        self._stop(self._fetch)

    def shutdown(self) -> None:
        """End with the answer that is under way, or just before uvicorn's patience does.

        Its end would be a traceback in the log for each client that has not fetched its answer.
        """
        super().shutdown()
        if patience := self.config.timeout_graceful_shutdown:
            self.loop.call_later(patience - 0.5, self.transport.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        """End all waiting."""
        super().connection_lost(exc)
        self._stop(self._head)
        self._stop(self._fetch)

    def _await_head(self) -> None:
        if self._head is None:
            self._head = self.loop.call_later(HEAD_SECONDS, self.transport.abort)

    @staticmethod
    def _stop(timer: asyncio.TimerHandle | None) -> None:
        if timer is not None:
            timer.cancel()
