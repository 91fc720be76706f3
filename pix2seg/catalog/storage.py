"""Files wherever they lie: this machine's folders, or object storage through pyarrow."""

import os
import secrets
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from pix2seg.errors import CatalogError, OutputError
from pix2seg.files import UNFINISHED, atomic_write

SCHEMES = ("file", "gs", "s3")
"""What a URI may begin with."""


def import_pyarrow() -> Any:
    """The module `pyarrow`, with its parts `fs` and `parquet`.

    Raises:
        CatalogError: it is not installed.
    """
    try:
        import pyarrow
        import pyarrow.fs
        import pyarrow.parquet
    except ImportError:
        raise CatalogError(
            "a catalogue needs pyarrow: pip install '.[catalog]' in the checkout of pix2seg"
        ) from None
    return pyarrow


def import_duckdb() -> Any:
    """The module `duckdb`.

    Raises:
        CatalogError: it is not installed.
    """
    try:
        import duckdb
    except ImportError:
        raise CatalogError(
            "this needs duckdb: pip install '.[catalog]' in the checkout of pix2seg"
        ) from None
    return duckdb


def is_remote(location: str) -> bool:
    """Whether a location lies in object storage.

    Raises:
        CatalogError: it is a URI that cannot be read, such as `https://...`.
    """
    scheme, found, _ = location.partition("://")
    if found and scheme not in SCHEMES:
        raise CatalogError(
            f"cannot read {location}: {scheme}:// is not known here; use a path, s3:// or gs://, "
            "or download it first"
        )
    return bool(found) and scheme != "file"


def local_path(location: str) -> Path:
    """The path of a location on this machine: a path as it is, or a `file://` URI."""
    if location.startswith("file://"):
        return Path(os.fsdecode(unquote(urlsplit(location).path, errors="surrogateescape")))
    return Path(location)


@cache
def _file_system(root: str) -> Any:
    pyarrow = import_pyarrow()
    return pyarrow.fs.FileSystem.from_uri(root)[0]


def file_system(location: str) -> tuple[Any, str]:
    """A location's pyarrow file system, and its path there.

    Raises:
        CatalogError: the file system cannot be reached.
    """
    pyarrow = import_pyarrow()
    if not is_remote(location):
        return pyarrow.fs.LocalFileSystem(), str(local_path(location).absolute())
    scheme, _, path = location.partition("://")
    try:
        return _file_system(f"{scheme}://{path.split('/', 1)[0]}"), path.rstrip("/")
    except (OSError, ValueError) as error:  # pyarrow's errors derive from these
        raise CatalogError(f"cannot reach {location}: {_first_line(error)}") from error


def read_bytes(
    location: str, offset: int = 0, size: int | None = None, most: int | None = None
) -> bytes:
    """A file's bytes, or `size` of them from `offset`.

    Raises:
        CatalogError: it cannot be read, or there are more than `most`.
    """
    system, path = file_system(location)
    try:
        with system.open_input_file(path) as file:
            size = file.size() - offset if size is None else size
            if most is not None and size > most:
                raise CatalogError(
                    f"{location} has more than {most / 1e9:.1f} GB, too much to read"
                )
            return bytes(file.read_at(size, offset))
    except (OSError, ValueError) as error:
        raise CatalogError(f"cannot read {location}: {_first_line(error)}") from error


class Folder:
    """A folder, here or in object storage, whose files appear whole or not at all.

    Args:
        location: a path or URI.

    Raises:
        CatalogError: the location cannot be reached.
    """

    def __init__(self, location: str | Path) -> None:
        self.location = str(location).rstrip("/") or "/"
        self.remote = is_remote(self.location)
        if not self.remote:
            self.location = str(local_path(self.location).absolute())
        self.system, self.root = file_system(self.location)

    def names(self, folder: str = "") -> list[str]:
        """Names of the files in the folder, or in one inside it, sorted; none where there is none.

        Hidden ones are left out: a killed run's are never finished.

        Raises:
            CatalogError: it cannot be listed.
        """
        pyarrow = import_pyarrow()
        where = f"{self.root}/{folder}".rstrip("/")
        try:
            found = self.system.get_file_info(pyarrow.fs.FileSelector(where, allow_not_found=True))
        except (OSError, ValueError) as error:
            raise CatalogError(f"cannot list {self.location}: {_first_line(error)}") from error
        names = (f.base_name for f in found if f.type == pyarrow.fs.FileType.File)
        return sorted(name for name in names if not name.startswith("."))

    def place(self, name: str) -> str:
        """The path or URI of a file of the folder."""
        return f"{self.location}/{name}"

    def read(self, name: str) -> bytes:
        """A file's bytes.

        Raises:
            CatalogError: it cannot be read.
        """
        return read_bytes(self.place(name))

    def open(self, name: str) -> Any:
        """A file of which parts can be read: what pyarrow's Parquet reader takes.

        Raises:
            CatalogError: it cannot be opened.
        """
        try:
            return self.system.open_input_file(f"{self.root}/{name}")
        except (OSError, ValueError) as error:
            raise CatalogError(f"cannot read {self.place(name)}: {_first_line(error)}") from error

    def create(self, name: str, data: bytes) -> bool:
        """Write a file that is not there yet; whether it was not.

        Of two processes one alone creates it where the disk has hard links; other disks and object
        storage cannot tell them apart.

        Raises:
            OutputError: it cannot be written.
        """
        parent, _, last = name.rpartition("/")
        if last in self.names(parent):
            return False
        if self.remote:
            self.write(name, data)
            return True
        unfinished = f"{parent}/{UNFINISHED}{secrets.token_hex(4)}.part"
        self.write(unfinished, data)
        try:
            os.link(self.place(unfinished), self.place(name))
        except FileExistsError:
            return False
        except OSError:  # sticks and mounted buckets have no links
            self.write(name, data)
        finally:
            Path(self.place(unfinished)).unlink()
        return True

    def remove(self, name: str) -> None:
        """Remove a file that is there."""
        self.system.delete_file(f"{self.root}/{name}")

    def write(self, name: str, data: bytes) -> None:
        """Write a file. Object storage shows a file when all of it has come, and not before.

        Here its content is on the disk when it appears, so that after a power loss no mark tells of
        a shard that is gone.

        Raises:
            OutputError: it cannot be written.
        """
        if not self.remote:
            with (
                # DuckDB and polars take hidden Parquet files for shards.
                atomic_write(Path(self.place(name)), suffix=".part") as temporary,
                temporary.open("wb") as file,
            ):
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            return
        try:
            with self.system.open_output_stream(f"{self.root}/{name}") as file:
                file.write(data)
        except (OSError, ValueError) as error:
            raise OutputError(f"cannot write {self.place(name)}: {_first_line(error)}") from error


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
