"""The folder that a data set is written to: nothing else is lost there, and nothing stale stays."""

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from pix2seg.errors import OutputError, reason_of
from pix2seg.files import atomic_write
from pix2seg.preprocess.dataset.dataset import FAMILY, FORMAT

FOLDERS = ("photos", "masks", "garments", "people", "full")
"""What a data set's folder holds beside its JSON files."""

UNFINISHED = "unfinished.json"
"""Says that a folder's files are a data set's, as long as no `dataset.json` does."""


def refuse_to_spoil(out: Path, files: Sequence[Path], folders: Iterable[Path]) -> None:
    """Refuse a folder where files would be lost or mixed that no preparation can bring back.

    Args:
        out: the folder.
        files: photos and labels that are to be prepared.
        folders: where they were looked for.

    Raises:
        OutputError: photos or labels lie where the data set's files go, or other files do that
            are no data set's; or the folder lies in one where photos or labels are looked for.
    """
    # Writing follows links: neither what lies there nor what a link there leads to may be given.
    ways = [way for file in files for way in (file.absolute(), Path(os.path.realpath(file)))]
    above = {folder for way in ways for folder in way.parents}
    places = {os.path.realpath(out / folder) for folder in FOLDERS}
    if not places.isdisjoint(map(os.path.realpath, above)):
        raise OutputError(f"{out} holds the photos themselves; name another folder")
    place = Path(os.path.realpath(out))
    for folder in folders:
        if place.is_relative_to(os.path.realpath(folder)):
            raise OutputError(
                f"{out} lies among the photos or masks themselves, in {folder}; name a folder "
                "outside of it"
            )
    found = _files(out)
    if found and not _is_data_set(out):
        raise OutputError(f"{out} holds files of no data set: {found[0]}; name another folder")


def begin(out: Path) -> None:
    """Make a folder to write to that has no data set's files, and does not look like one.

    Raises:
        OutputError: the folder cannot be written.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
        _write_json(out / UNFINISHED, {"format": FORMAT})
        (out / "dataset.json").unlink(missing_ok=True)
        for file in _files(out):
            file.unlink()
    except OSError as error:
        raise OutputError(f"cannot write to {out}: {reason_of(error)}") from error


def finish(out: Path, names: Mapping[Any, Any], facts: Mapping[str, Any]) -> None:
    """Make a data set of what was written.

    Args:
        out: the folder.
        names: of the photos of each split.
        facts: what `dataset.json` says beside its format.

    Raises:
        OutputError: the folder cannot be written.
    """
    _write_json(out / "split.json", names)
    _write_json(out / "dataset.json", {"format": FORMAT, **facts})
    (out / UNFINISHED).unlink(missing_ok=True)


def _files(out: Path) -> list[Path]:
    """All files in the folders that a data set has."""
    return [file for folder in FOLDERS for file in (out / folder).rglob("*") if not file.is_dir()]


def _is_data_set(out: Path) -> bool:
    """Whether a folder's files come from a preparation, done or broken off, of any version."""
    for name in ("dataset.json", UNFINISHED):
        with suppress(OSError, ValueError, RecursionError):
            facts = json.loads((out / name).read_text("utf-8"))
            if isinstance(facts, dict) and str(facts.get("format")).startswith(FAMILY):
                return True
    return False


def _write_json(path: Path, data: Mapping[Any, Any]) -> None:
    with atomic_write(path) as temporary:
        temporary.write_text(json.dumps(data, indent=2) + "\n", "utf-8")
