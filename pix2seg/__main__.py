"""`pix2seg` and `python -m pix2seg` are the command line."""

import gc
import os
import signal
import sys
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)


def main() -> None:
    """Run the command line.

    Ctrl-C and SIGTERM end it in silence, with exit codes 130 and 143, from the first import on.
    """
    for number in SIGNALS:
        signal.signal(number, _end)
    gc.disable()  # what imports make stays; `pix2seg.cli.telling.loaded` ends it
    from pix2seg.cli import main as run

    try:
        run()
    finally:  # all is done: what comes while Python takes itself down changes nothing
        for number in SIGNALS:
            signal.signal(number, signal.SIG_IGN)


def _end(number: int, frame: FrameType | None) -> None:
    """Let the work at hand clean up after itself; while modules are imported, there is none.

    An import that is interrupted may swallow the interruption, or complain of its own.
    """
    if _is_importing(frame):
        if sys.stderr.isatty():
            os.write(sys.stderr.fileno(), b"\x1b[?25h")  # a progress bar may have hidden the cursor
        os._exit(128 + number)
    if number == signal.SIGINT:
        raise KeyboardInterrupt
    sys.exit(128 + number)


def _is_importing(frame: FrameType | None) -> bool:
    while frame:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False


if __name__ == "__main__":
    main()
