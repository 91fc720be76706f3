"""What can be wrong with what a user gives us.

Every message is one line that says what is wrong and what to do about it; the command line
prints it and exits with code 2.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import ValidationError


class Pix2SegError(Exception):
    """Base of every error that a user can mend."""


class PhotoError(Pix2SegError):
    """A photo cannot be read."""


class PhotoFormatError(PhotoError):
    """A file is no photo, or one in a format that is not known here."""


class PhotoSizeError(PhotoError):
    """A photo has more pixels, or its file more bytes, than are allowed."""


class SchemeError(Pix2SegError):
    """A class scheme is unknown or inconsistent."""


class RecipeError(Pix2SegError):
    """A recipe is unknown or has a key or value that does not fit."""


class DatasetError(Pix2SegError):
    """A data set's folder lacks something or holds something broken."""


class WeightsError(Pix2SegError):
    """A weights file does not fit what it is loaded into."""


class SizeError(Pix2SegError):
    """A network size does not suit the network's depth."""


class PersonError(Pix2SegError):
    """A person extractor is unknown or not installed, or its box is none of the photo's."""


class TrainingError(Pix2SegError):
    """A training run cannot start or go on."""


class InterruptedRunError(TrainingError):
    """The user stopped a training run; its state is saved."""


class OutputError(Pix2SegError):
    """Results cannot be written where they were asked for."""


class ColorError(Pix2SegError):
    """A colour, a palette file or a colour option cannot be understood."""


class ServiceError(Pix2SegError):
    """The service cannot start."""


class CatalogError(Pix2SegError):
    """A catalogue or its source cannot be read, or does not fit what is asked of it."""


NO_MEMORY = (
    "can't allocate memory",
    "out of memory",
    "Insufficient memory",
    "std::bad_alloc",
    "Failed to allocate memory",
)
"""What stands in the errors of libraries for which memory does not suffice."""


def first_fault(error: "ValidationError") -> str:
    """The first thing that pydantic finds wrong, in one line: which key, and why."""
    first = error.errors(include_url=False, include_input=False)[0]
    key = ".".join(str(part) for part in first["loc"])
    return f"{key}: {first['msg']}" if key else first["msg"]


def near_matches(text: str, known: Iterable[str]) -> str:
    """Which known names may be meant, such as `jeans or jacket?`; empty where none is near."""
    from difflib import get_close_matches

    near = get_close_matches(text.lower(), list(known))
    return f"{' or '.join(near)}?" if near else ""


def reason_of(error: OSError) -> str:
    """Why the system refuses something, as a message of ours says it."""
    return (error.strerror or str(error)).lower()


def is_out_of_memory(error: BaseException) -> bool:
    """Whether memory ran out, which NumPy, OpenCV, torch and ONNX Runtime say in ways of their own.

    Not if it is an error of ours, which may name a file that is called so.
    """
    if isinstance(error, Pix2SegError):
        return False
    return isinstance(error, MemoryError) or any(said in str(error) for said in NO_MEMORY)


@contextmanager
def enough_memory(photo: object) -> Iterator[None]:
    """Within it, a photo for which memory does not suffice is a photo that cannot be worked on.

    Args:
        photo: what it is called.

    Raises:
        PhotoError: there is not enough.
    """
    try:
        yield
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        raise PhotoError(f"{photo} needs more memory than there is") from error
