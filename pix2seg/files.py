"""Files appear whole or not at all."""

import errno
import io
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pix2seg.errors import OutputError, reason_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image

    from pix2seg.classes import Scheme

UNFINISHED = ".pix2seg-"
"""Begins the names of files that are being written."""

ABANDONED = 86400.0
"""Nobody goes on writing a file that is unfinished and as old as this, in seconds."""

PNG_LEVEL = 2
"""zlib's default, 6, makes files a tenth smaller and takes three times as long."""


@contextmanager
def atomic_write(path: Path, suffix: str | None = None) -> Iterator[Path]:
    """Write a file beside its place and move it there when it is whole.

    What a killed process left unfinished in the folder goes too, once it is a day old.

    Args:
        path: where the file shall be; its folder is made if need be. Of a link, what it leads to
            is written.
        suffix: of the unfinished file, for folders in which files of some suffix are read whatever
            their names; the file's own by default.

    Yields:
        The path to write to: hidden, in the same folder, with that suffix; or the path itself
        where it is a pipe or a device, which nothing may replace.

    Raises:
        OutputError: the file cannot be written there; every OSError inside counts as this. Whatever
            else goes wrong inside is raised as it is; in both cases the file that was there before
            is left as it was.
    """
    place = Path(os.path.realpath(path))
    ending = place.suffix if suffix is None else suffix
    temporary = place.with_name(f"{UNFINISHED}{secrets.token_hex(4)}{ending}")
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        if place.is_dir():  # `replace` would say so too, but after the work
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if place.exists() and not place.is_file():
            yield place
        else:
            _remove_abandoned(place.parent)
            yield temporary
            temporary.replace(place)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {reason_of(error)}") from error
    finally:
        with suppress(OSError):  # gone already, or its folder never was
            temporary.unlink()


def append_whole(path: Path, text: str) -> None:
    """Add text to the end of a file, in UTF-8: all of it or nothing.

    Raises:
        OutputError: the file cannot be written.
    """
    whole = None
    try:
        whole = path.stat().st_size
        with path.open("a", encoding="utf-8", newline="") as file:
            file.write(text)
    except OSError as error:
        if whole is not None:
            with suppress(OSError):  # half a line would keep the file from being read again
                os.truncate(path, whole)
        raise OutputError(f"cannot write {path}: {reason_of(error)}") from error


def encode_image(image: "Image", format: str, **options: Any) -> bytes:
    """An image as a file's bytes; `options` are of Pillow's encoder."""
    encoded = io.BytesIO()
    image.save(encoded, format, **options)
    return encoded.getvalue()


def encode_png(image: "Image") -> bytes:
    """An image as a PNG file's bytes; in colour by OpenCV, with one filter for all rows.

    Pillow tries five on each row, takes 1.7 times as long and makes files as large.
    """
    if image.mode not in ("RGB", "RGBA"):
        return encode_image(image, "PNG", compress_level=PNG_LEVEL)
    import cv2
    import numpy as np

    pixels = np.array(image)
    to_opencv = cv2.COLOR_RGB2BGR if image.mode == "RGB" else cv2.COLOR_RGBA2BGRA
    options = {
        cv2.IMWRITE_PNG_COMPRESSION: PNG_LEVEL,
        cv2.IMWRITE_PNG_STRATEGY: cv2.IMWRITE_PNG_STRATEGY_RLE,  # after the level, which resets it
        cv2.IMWRITE_PNG_FILTER: cv2.IMWRITE_PNG_FILTER_PAETH,
    }
    _, encoded = cv2.imencode(
        ".png", cv2.cvtColor(pixels, to_opencv, dst=pixels), list(chain(*options.items()))
    )
    return encoded.tobytes()


def indexed_image(mask: "NDArray[np.uint8]", scheme: "Scheme") -> "Image":
    """A mask as an 8-bit palette image: pixel value = class id, palette = the map colours."""
    from PIL import Image

    image = Image.fromarray(mask)
    image.putpalette(scheme.colors.tobytes())
    return image


def write_png(path: Path, image: "Image") -> None:
    """Write an image as PNG, whole or not at all.

    Raises:
        OutputError: the file cannot be written.
    """
    with atomic_write(path) as temporary:
        temporary.write_bytes(encode_png(image))


def write_image(path: Path, image: "Image", format: str, **options: Any) -> None:
    """Write an image, whole or not at all.

    Args:
        path: where to.
        image: what to write.
        format: such as "PNG" or "JPEG".
        options: of Pillow's encoder.

    Raises:
        OutputError: the file cannot be written.
    """
    # Pillow's encoders of JPEG and TIFF do not notice that a disk is full; write_bytes does.
    encoded = encode_image(image, format, **options)
    with atomic_write(path) as temporary:
        temporary.write_bytes(encoded)


@cache
def _remove_abandoned(folder: Path) -> None:
    """Remove, once a process, the files in a folder that nobody will ever finish."""
    for file in folder.glob(f"{UNFINISHED}*"):
        with suppress(OSError):  # another process may have been faster
            if time.time() - file.stat().st_mtime > ABANDONED:
                file.unlink()
