"""Which photos the command line was asked for."""

import glob
import os
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pix2seg.classes import RESERVED
from pix2seg.errors import OutputError, PhotoError
from pix2seg.photo import ADDRESS, PIPES, STANDARD_INPUT, SUFFIXES
from pix2seg.saving import SINGLE

PICTURES = (*RESERVED, "alpha", "grey")
"""What segmenting adds to a photo's name, but for the names of classes."""

OVERLAY = "overlay"

EVIDENCE = ("mask.png", "alpha.png", "palette.json")
"""One of these lies beside every picture that a command has made of a photo and finished."""


@dataclass(frozen=True)
class InputPhoto:
    """A photo to work on.

    Attributes:
        path: the file.
        relative: where its results go in the output folder, and what the photo is called: the path
            in the folder that was asked for, or below a glob's fixed part, or the file's name; see
            `told_apart` for where that would be another's too.
        keeps_suffix: the results' names begin with the whole name, for another photo's begin with
            the name without suffix.
    """

    path: Path
    relative: Path
    keeps_suffix: bool = False

    @property
    def stem(self) -> Path:
        """What the results' names begin with: `relative`, mostly without the suffix."""
        return self.relative if self.keeps_suffix else self.relative.with_suffix("")

    @property
    def folder(self) -> str:
        """The absolute path of what `relative` lies in."""
        return os.path.abspath(self.path.parents[len(self.relative.parts) - 1])

    @property
    def is_stream(self) -> bool:
        """Whether it is standard input or another pipe that this process alone has."""
        return str(self.path) == STANDARD_INPUT or str(self.path).startswith(PIPES)


def find_photos(arguments: Sequence[str | Path]) -> tuple[list[InputPhoto], list[PhotoError]]:
    """The photos that files, folders and globs name, each once, in order.

    A file is taken as it is, even if it does not exist: reading it will say so. Folders are
    walked, without hidden files, hidden folders and links to folders. `-` is standard input.

    Returns:
        The photos, and what is wrong with the other arguments: folders without photos, patterns
        that nothing matches, addresses.
    """
    found: dict[str, InputPhoto] = {}
    wrong: list[PhotoError] = []
    for argument in arguments:
        try:
            for photo in _expand(str(argument)):
                found.setdefault(os.path.realpath(photo.path), photo)
        except PhotoError as error:
            wrong.append(error)
    return list(found.values()), wrong


def told_apart(photos: Sequence[InputPhoto]) -> list[InputPhoto]:
    """The photos, with other names where the results of some would else replace others'.

    If these lie in several folders that were asked for, all photos are called by their paths below
    the deepest folder that holds all of those. What is left are photos that differ in their suffix
    alone: one of them keeps it.

    Raises:
        OutputError: names the first two whose results would have the same names all the same.
    """
    photos = _below_one_folder(photos)
    taken: dict[str, InputPhoto] = {}
    apart = []
    stems = {photo.stem.as_posix() for photo in photos}
    for photo in photos:
        stem = photo.stem.as_posix()
        whole = SINGLE.sub("", stem)
        # Some file systems do not tell upper from lower case.
        if stem.casefold() in taken or (whole != stem and whole in stems):
            photo = replace(photo, keeps_suffix=True)
        other = taken.setdefault(photo.stem.as_posix().casefold(), photo)
        if other is not photo:
            raise OutputError(
                f"the results of {other.path} and {photo.path} would have the same names; rename "
                "one, or segment them into different folders"
            )
        apart.append(photo)
    return apart


def _below_one_folder(photos: Sequence[InputPhoto]) -> Sequence[InputPhoto]:
    """The photos by their paths below one folder, if two from different folders would collide."""
    folders = {photo: photo.folder for photo in photos if not photo.is_stream}
    first: dict[str, str] = {}
    stems = ((photo.stem.as_posix().casefold(), folder) for photo, folder in folders.items())
    if all(first.setdefault(stem, folder) == folder for stem, folder in stems):
        return photos
    common = os.path.commonpath(folders.values())
    return [
        replace(photo, relative=Path(os.path.relpath(photo.path, common)))
        if photo in folders
        else photo
        for photo in photos
    ]


def check_name(photo: InputPhoto) -> None:
    """Refuse a photo whose name could stand in no JSON and no table.

    Raises:
        PhotoError: names it.
    """
    try:
        str(photo.relative).encode()
    except UnicodeEncodeError:
        raise PhotoError(f"{photo.path}: this name is not UTF-8; rename it") from None


def result_bases(photos: Sequence[InputPhoto], folder: Path) -> dict[str, InputPhoto]:
    """What the names of each photo's results in a folder begin with, whole paths."""
    return {os.path.realpath(folder / photo.stem): photo for photo in photos}


def is_result(path: Path, folder: Path, bases: Container[str]) -> bool:
    """Whether a file in a folder for results is a picture that a command made, by its name.

    Such as NAME.mask.png if there is a photo NAME, and NAME.shoes.png if NAME.mask.png lies beside
    it. A photo's own name may end like that too.

    Args:
        path: the file.
        folder: the folder.
        bases: of results that may lie there; see `result_bases`.
    """
    base, kind = _base_and_kind(path)
    if not base or not _is_within(path, folder):
        return False
    if kind in PICTURES and (base in bases or SINGLE.sub("", base) in bases):
        return True
    return any(os.path.exists(f"{base}.{name}") for name in EVIDENCE)


def _base_and_kind(path: Path) -> tuple[str, str]:
    """The whole path but `.mask.png`, and `mask`; both empty for what is named like no result."""
    stem, _, kind = path.stem.rpartition(".")
    if not stem or path.suffix != ".png":
        return "", ""
    return os.path.join(os.path.realpath(path.parent), stem), kind


def check_overwriting(photos: Sequence[InputPhoto], out: Path, review: Path | None = None) -> None:
    """Refuse photos that the results of other photos would replace.

    Args:
        photos: the photos.
        out: the folder for results.
        review: the folder for overlays alone.

    Raises:
        OutputError: names the first two.
    """
    there = {"--out": result_bases(photos, out)}
    if review:
        there["--review"] = result_bases(photos, review)
    for photo in photos:
        base, kind = _base_and_kind(photo.path)
        for option, results in there.items():
            other = results.get(base) or results.get(SINGLE.sub("", base))
            if other and (option == "--out" or kind == OVERLAY):
                raise OutputError(
                    f"the results of {other.path} might replace {photo.path}; name another folder "
                    f"with {option}"
                )


# What cannot be looked at counts as not there, and reading it says why: Path's own checks, and its
# resolve, would raise for a name that is too long, a folder that is closed or a circle of links.
# ruff: noqa: PTH100, PTH110, PTH112, PTH113, PTH118


def _expand(argument: str) -> Iterator[InputPhoto]:
    path = Path(argument)
    if not argument:
        raise PhotoError("an empty name is no photo; write . for the current folder")
    if argument == STANDARD_INPUT:
        yield InputPhoto(path, Path("stdin"))
    elif ADDRESS.match(argument):
        raise PhotoError(f"{argument} is an address; download the photo first, then give its file")
    elif os.path.isdir(path):
        yield from _in_folder(path)
    elif os.path.exists(path) or not glob.has_magic(argument):
        yield InputPhoto(path, Path(path.name))
    else:
        # Path.glob takes no absolute pattern.
        matches = sorted(glob.glob(argument, recursive=True))  # noqa: PTH207
        photos = _shortest(Path(m) for m in matches if _is_photo(Path(m)))
        if not photos:
            raise PhotoError(f"no photo matches {argument}")
        parts = path.parts
        fixed = Path(*parts[: next(i for i, part in enumerate(parts) if glob.has_magic(part))])
        yield from (InputPhoto(p, p.relative_to(fixed)) for p in photos)


def _shortest(paths: Iterable[Path]) -> list[Path]:
    """Each file once, by its shortest path: a link to a folder above leads round and round."""
    shortest: dict[str, Path] = {}
    for path in paths:
        known = shortest.setdefault(os.path.realpath(path), path)
        if len(path.parts) < len(known.parts):
            shortest[os.path.realpath(path)] = path
    return sorted(shortest.values())


def _in_folder(folder: Path) -> list[InputPhoto]:
    files = sorted(f for f in folder.rglob("*") if _is_photo(f))
    photos = [InputPhoto(f, f.relative_to(folder)) for f in files]
    visible = [p for p in photos if not any(part.startswith(".") for part in p.relative.parts)]
    if not visible:
        raise PhotoError(f"{folder} is a folder without photos ({', '.join(sorted(SUFFIXES))})")
    return visible


def _is_photo(path: Path) -> bool:
    """Whether it is one by its name; a link that leads nowhere is, and reading it will say so."""
    broken = path.is_symlink() and not os.path.exists(path)
    return path.suffix.lower() in SUFFIXES and (os.path.isfile(path) or broken)


def _is_within(path: Path, folder: Path) -> bool:
    return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(folder))
