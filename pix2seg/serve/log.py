"""One JSON line for each request and event, to standard error: no contents, no names of files."""

import json
import logging
import sys
import warnings
from datetime import UTC, datetime
from typing import Any

LOGGER = logging.getLogger("pix2seg.serve")


class JsonLines(logging.Formatter):
    """A log record as one line of JSON; `extra={"facts": {...}}` adds to it."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        facts: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            **getattr(record, "facts", {}),
        }
        if record.exc_info:
            facts["exception"] = self.formatException(record.exc_info)
        return json.dumps(facts, ensure_ascii=True, default=str)


def log_event(event: str, **facts: Any) -> None:
    """Write a line."""
    LOGGER.info(event, extra={"facts": facts})


def start_logging() -> None:
    """Send what we and the server have to say to standard error as JSON lines, and only that."""
    warnings.simplefilter("ignore")  # Pillow's, of odd files
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    for name, level in (("pix2seg.serve", logging.INFO), ("uvicorn", logging.WARNING)):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [handler], False
        logger.setLevel(level)
