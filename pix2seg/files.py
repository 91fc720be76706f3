"""Files appear whole or not at all."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pix2seg.errors import OutputError


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Write a file beside its place and move it there when it is whole.

    Args:
        path: where the file shall be; its folder is made if need be.

    Yields:
        The path to write to: hidden, in the same folder, with the same suffix.

    Raises:
        OutputError: the file cannot be written there. Whatever else goes wrong inside is raised
            as it is; in both cases the file that was there before is left as it was.
    """
    temporary = path.with_name(f".{path.stem[:40]}-{secrets.token_hex(4)}{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        temporary.replace(path)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise OutputError(f"cannot write {path}: {reason}") from error
    finally:
        with suppress(OSError):  # gone already, or its folder never was
            temporary.unlink()
