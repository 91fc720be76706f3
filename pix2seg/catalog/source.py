"""What a catalogue is made of: folders, globs, lists and WebDataset tars, here or far away."""

import csv
import glob
import io
import json
import os
import re
import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from tarfile import ReadError
from typing import Any, Self

from pix2seg.catalog.storage import file_system, import_pyarrow, is_remote, local_path, read_bytes
from pix2seg.errors import CatalogError, reason_of
from pix2seg.photo import MAX_BYTES, SUFFIXES

LISTS = (".csv", ".jsonl", ".parquet")
TAR = ".tar"
IN_TAR = re.compile(rf"(?<={re.escape(TAR)})#", re.IGNORECASE)
"""What stands between a tar and a name in it; both may hold more of `#`."""

HEADERS_BROKEN = (tarfile.InvalidHeaderError, tarfile.TruncatedHeaderError)  # type: ignore[attr-defined]

COLUMNS = ("uri", "url", "path", "file", "image")
"""A list's column of photos is the first of these that it has, unless `--column` names another."""


@dataclass(frozen=True)
class Item:
    """A photo to catalogue.

    Attributes:
        uri: where it lies: a path or URI; for a file in a tar, the tar's with `#` and the name.
        file: its name relative to what was given.
        offset: where it begins in the tar; None outside tars.
        size: its length in the tar.
    """

    uri: str
    file: str
    offset: int | None = None
    size: int | None = None

    def read(self) -> bytes | Path:
        """What `read_photo` takes: the path of a file here, or the bytes of any other.

        Raises:
            CatalogError: the bytes cannot be read.
        """
        if self.offset is not None:
            tar = IN_TAR.split(self.uri, maxsplit=1)[0]
            return read_bytes(tar, self.offset, self.size, most=MAX_BYTES)
        if is_remote(self.uri):
            return read_bytes(self.uri, most=MAX_BYTES)
        return local_path(self.uri)


def list_source(source: str, column: str | None = None) -> Iterator[Item]:
    """The photos that a source names, in an order that does not change from call to call.

    Args:
        source: a folder or a glob of photos or WebDataset tars; one tar; or a list, `*.csv`,
            `*.jsonl` or `*.parquet`, with a column of paths or URIs; local, s3:// or gs://.
        column: the list's column.

    Raises:
        CatalogError: the source cannot be read.
    """
    suffix = PurePosixPath(source).suffix.lower()
    is_glob = glob.has_magic(source) and (is_remote(source) or not local_path(source).exists())
    if suffix in LISTS and not is_glob:
        return _in_list(source, suffix, column)
    if column:
        raise CatalogError(f"--column is for lists ({', '.join(LISTS)}); {source} is none")
    if suffix == TAR and not is_glob:
        return _in_tar(source if is_remote(source) else _absolute(source), "")
    if not is_glob:
        return _expand_tars(_walk(source))
    folder, pattern = _split_glob(source)
    wanted = _pattern(pattern)
    return _expand_tars(item for item in _walk(folder) if wanted.fullmatch(item.file))


def _walk(folder: str) -> Iterator[Item]:
    """Photos and tars below a folder, without hidden files, folder by folder, sorted."""
    if not is_remote(folder):
        root = local_path(folder).absolute()
        if not root.is_dir():
            raise CatalogError(
                f"{folder} is no folder; give a folder, a glob, a tar or a list ({LISTS[0]} ...)"
            )
        yield from _walk_local(root, "")
        return
    system, path = file_system(folder)
    yield from _walk_remote(system, folder.partition("://")[0], path, path)


def _walk_local(folder: Path, prefix: str) -> Iterator[Item]:
    try:
        with os.scandir(folder) as found:
            entries = sorted(found, key=lambda entry: os.fsencode(entry.name))
    except OSError as error:
        raise CatalogError(f"cannot list {folder}: {reason_of(error)}") from error
    for entry in entries:
        if entry.name.startswith("."):
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from _walk_local(folder / entry.name, f"{prefix}{entry.name}/")
        elif _is_wanted(entry.name) and entry.is_file():
            yield Item(_storable_path(folder / entry.name), _storable(prefix + entry.name))


def _walk_remote(system: Any, scheme: str, root: str, folder: str) -> Iterator[Item]:
    pyarrow = import_pyarrow()
    try:
        found = system.get_file_info(pyarrow.fs.FileSelector(folder))
    except (OSError, ValueError) as error:
        raise CatalogError(f"cannot list {scheme}://{folder}: {error}") from error
    for info in sorted(found, key=lambda info: info.path):
        if info.base_name.startswith("."):
            continue
        if info.type == pyarrow.fs.FileType.Directory:
            yield from _walk_remote(system, scheme, root, info.path)
        elif _is_wanted(info.base_name):
            yield Item(f"{scheme}://{info.path}", info.path[len(root) :].lstrip("/"))


def _is_wanted(name: str) -> bool:
    return PurePosixPath(name).suffix.lower() in SUFFIXES | {TAR}


def _storable(name: str) -> str:
    """A name as Parquet's text takes it: bytes that are no UTF-8 show as replacements."""
    return os.fsencode(name).decode("utf-8", "replace")


def _storable_path(path: Path) -> str:
    """The path, or as a URI where it is no UTF-8."""
    text = str(path)
    return text if _storable(text) == text else path.as_uri()


def _absolute(source: str) -> str:
    return _storable_path(local_path(source).absolute())


def _expand_tars(found: Iterable[Item]) -> Iterator[Item]:
    for item in found:
        if item.uri.lower().endswith(TAR):
            yield from _in_tar(item.uri, item.file[: -len(TAR)] + "/")
        else:
            yield item


class _Member(tarfile.TarInfo):
    """A tar's member; `tarfile` takes a broken header behind the first for the tar's end."""

    @classmethod
    def fromtarfile(cls, tarfile: tarfile.TarFile) -> Self:
        try:
            return super().fromtarfile(tarfile)
        except HEADERS_BROKEN as error:
            raise ReadError(f"{error} at byte {tarfile.offset}: damaged or cut off") from error


def _in_tar(tar: str, prefix: str) -> Iterator[Item]:
    """The photos in a tar, by their places in it, so that each can be read alone.

    Of several of one name the last counts, as when the tar is unpacked.
    """
    system, path = file_system(tar)
    found: dict[str, Item] = {}
    try:
        with (
            system.open_input_stream(path, buffer_size=1 << 20) as stream,
            tarfile.open(fileobj=stream, mode="r|", errorlevel=1, tarinfo=_Member) as members,
        ):
            for member in members:
                if member.isfile() and PurePosixPath(member.name).suffix.lower() in SUFFIXES:
                    name = _storable(member.name)
                    found[name] = Item(
                        f"{tar}#{name}", prefix + name, member.offset_data, member.size
                    )
    except (OSError, ValueError, tarfile.TarError) as error:
        raise CatalogError(f"{tar} is no readable, uncompressed tar ({error})") from error
    yield from found.values()


def _in_list(source: str, suffix: str, column: str | None) -> Iterator[Item]:
    remote = is_remote(source)
    folder = source.rpartition("/")[0] if remote else str(local_path(source).absolute().parent)
    for value in _column_of(source, suffix, column):
        if value is not None and not isinstance(value, str):
            raise CatalogError(
                f"{source}: its column of photos holds {type(value).__name__}, which is no path or "
                "URI; name another with --column"
            )
        text = value or ""
        if not text:
            raise CatalogError(f"{source} has a row without a photo")
        if any("\ud800" <= char <= "\udfff" for char in text):
            raise CatalogError(f"{source} has a photo whose name is no text: {text!a}")
        if "://" in text or text.startswith("/"):
            yield Item(text, text)
        elif remote:
            yield Item(f"{folder}/{text}", text)
        else:
            yield Item(str(Path(folder) / text), text)


def _column_of(source: str, suffix: str, column: str | None) -> Iterator[Any]:
    pyarrow = import_pyarrow()
    system, path = file_system(source)
    try:
        with system.open_input_file(path) as file:
            if suffix == ".parquet":
                table = pyarrow.parquet.ParquetFile(file)
                name = _choose_column(source, table.schema_arrow.names, column)
                for batch in table.iter_batches(columns=[name]):
                    yield from batch.column(0).to_pylist()
                return
            lines = io.TextIOWrapper(file, "utf-8-sig", newline="" if suffix == ".csv" else None)
            if suffix == ".csv":
                reader = csv.DictReader(lines)
                name = _choose_column(source, reader.fieldnames or (), column)
                yield from (row[name] for row in reader)
                return
            name = ""
            for row in _objects(source, lines):
                name = name or _choose_column(source, row, column)
                yield row[name]
    except (OSError, ValueError, KeyError, TypeError, csv.Error) as error:
        raise CatalogError(f"{source} is no readable list of photos ({error!r})") from error


def _objects(source: str, lines: Iterable[str]) -> Iterator[dict[str, Any]]:
    """The objects of JSON Lines; blank lines are passed over."""
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        row = json.loads(line)
        if not isinstance(row, dict):
            raise CatalogError(
                f'{source}, line {number}, is no JSON object; write such as {{"uri": "a.jpg"}}'
            )
        yield row


def _choose_column(source: str, there: Iterable[str], column: str | None) -> str:
    names = list(there)
    if not names:
        raise CatalogError(f"{source} is empty; give a list with a column '{column or COLUMNS[0]}'")
    fitting = [column] if column else [name for name in COLUMNS if name in names]
    if not column and len(names) == 1:
        _check_heading(source, names[0])
        fitting = names
    if not fitting or fitting[0] not in names:
        raise CatalogError(
            f"{source} has no column '{column or COLUMNS[0]}' of photos; name one of "
            f"{', '.join(names)} with --column"
        )
    return fitting[0]


def _check_heading(source: str, name: str) -> None:
    """Refuse what is no name of a list's only column.

    Raises:
        CatalogError: it is a photo, or several names without commas between.
    """
    if _is_wanted(name):
        raise CatalogError(
            f"{source} begins with a photo; write '{COLUMNS[0]}' in a line above it, which names "
            "the column"
        )
    if ";" in name or "\t" in name:
        raise CatalogError(f"{source} has no commas between its columns ({name!a}); save it with")


def _split_glob(source: str) -> tuple[str, str]:
    """The folder before a glob's first wildcard, and the rest."""
    parts = source.split("/")
    first = next(i for i, part in enumerate(parts) if glob.has_magic(part))
    return "/".join(parts[:first]) or ("/" if source.startswith("/") else "."), "/".join(
        parts[first:]
    )


def _pattern(text: str) -> re.Pattern[str]:
    """A glob as a regular expression over paths; only `**` crosses folders.

    Raises:
        CatalogError: it has a range that is none, such as `[z-a]`.
    """
    pieces = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    parts = re.split(r"(\*\*/|\*\*|\*|\?|\[[^]]+\])", text)
    expression = "".join(
        pieces.get(part) or (part.replace("[!", "[^") if part.startswith("[") else re.escape(part))
        for part in parts
    )
    try:
        return re.compile(expression)
    except re.error as error:
        raise CatalogError(f"cannot read the glob {text} ({error})") from None
