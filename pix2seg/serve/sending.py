"""Answers on their way: handed on as they are fetched, and counted until they are."""

from starlette.types import Message, Send

from pix2seg.serve.problems import Problem

PIECE = 65_536
"""Bytes of an answer that are handed on at once; what is handed on is held twice until fetched."""

MOST_UNSENT = 256_000_000
"""Bytes of answers that are being fetched; while there are more, no work is begun for another."""

RETRY = 2
"""Seconds after which to try again when memory for answers is short."""


class Sending:
    """The answers of all requests, as long as they are being fetched."""

    def __init__(self) -> None:
        self._held = 0

    def check(self) -> None:
        """See that there is memory for another answer.

        Raises:
            Problem: there is none.
        """
        if self._held > MOST_UNSENT:
            raise Problem(
                "busy",
                f"answers that are being fetched use all memory that they may; retry in {RETRY} s",
                retry=RETRY,
            )

    async def hand_on(self, message: Message, send: Send) -> None:
        """Send a message of an answer; returns when the system has taken all of it.

        Args:
            message: perhaps with a body of any length.
            send: waits until what it was given before has been taken; see `PatientProtocol`.
        """
        body = message.get("body", b"")
        self._held += len(body)
        try:
            for start in range(0, len(body), PIECE):
                piece = body[start : start + PIECE]
                await send({"type": message["type"], "body": piece, "more_body": True})
            await send({**message, "body": b""} if body else message)
        finally:
            self._held -= len(body)
