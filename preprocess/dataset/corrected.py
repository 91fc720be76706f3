"""Masks that people corrected elsewhere: from COCO files, CVAT and Label Studio to class ids.

Each reader gives names, which are those of the photos without suffix, with masks, uint8 (H, W).
"""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote

import numpy as np
from numpy.typing import NDArray

from pix2seg.classes import BACKGROUND, Scheme
from pix2seg.errors import DatasetError, SchemeError
from pix2seg.files import indexed_image, write_image
from pix2seg.limits import MAX_PIXELS
from pix2seg.preprocess.dataset.coco import region
from pix2seg.preprocess.dataset.dataset import read_image

Named = tuple[str, NDArray[np.uint8]]

BRUSH = "brushlabels"
"""Label Studio's results that make masks."""

TELL_NO_PIXELS = ("choices", "datetime", "number", "rating", "relation", "taxonomy", "textarea")
"""Label Studio's results that say something of a photo, and draw nothing."""

LOCAL_FILES = "?d="
"""Label Studio names a file below its document root after this."""

UPLOADS, UPLOADED = "/data/upload/", re.compile(r"^[0-9a-f]{8}-")
"""Where Label Studio keeps photos that were uploaded, and what it puts before their names."""


def write_masks(found: Iterable[Named], folder: Path, scheme: Scheme) -> None:
    """Write masks as indexed PNGs, as `folder_sources` reads them.

    Raises:
        DatasetError: what the masks are read from is broken, or names other classes.
        OutputError: one cannot be written.
    """
    for name, mask in found:
        write_image(folder / f"{name}.png", indexed_image(mask, scheme), "PNG")


def coco_masks(file: Path, scheme: Scheme) -> Iterator[Named]:
    """The masks of a COCO file; where annotations overlap, the later one counts.

    Raises:
        DatasetError: the file is broken or names no images, a category is no class of the scheme,
            or an annotation is a box alone.
    """
    data = _read_json(file)
    try:
        classes = {c["id"]: _class_id(c["name"], scheme, file) for c in data["categories"]}
        drawn: dict[Any, list[dict[str, Any]]] = {image["id"]: [] for image in data["images"]}
        for annotation in data["annotations"]:
            drawn[annotation["image_id"]].append(annotation)
        if not drawn:
            raise DatasetError(f"{file} names no images; export it anew, with its annotations")
        for image in data["images"]:
            shape = _shape(image["height"], image["width"])
            mask = np.full(shape, BACKGROUND, np.uint8)
            for annotation in drawn[image["id"]]:
                if not annotation.get("segmentation"):
                    raise DatasetError(
                        f"{file}: {image['file_name']} has an annotation without segmentation, "
                        "such as a box; draw a polygon or a mask"
                    )
                part = region(annotation["segmentation"], *shape)
                mask[part] = classes[annotation["category_id"]]
            yield _name(image["file_name"]), mask
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise DatasetError(f"{file} is no COCO file of segmentations ({error!r})") from error


def cvat_masks(folder: Path, scheme: Scheme) -> Iterator[Named]:
    """The masks of CVAT's "Segmentation mask 1.1", unpacked.

    Raises:
        DatasetError: the folder holds something else or no mask, or a label is no class of the
            scheme.
    """
    colors = _labelmap(folder / "labelmap.txt", scheme)
    root = folder / "SegmentationClass"
    files = sorted(root.rglob("*.png"))
    if not files:
        raise DatasetError(f"{root} holds no PNG masks; export from CVAT once something is drawn")
    for file in files:
        pixels = read_image(file, "RGB").astype(np.uint32)
        packed = pixels[..., 0] << 16 | pixels[..., 1] << 8 | pixels[..., 2]
        mask = np.full(packed.shape, BACKGROUND, np.uint8)
        for color in np.unique(packed).tolist():
            if color not in colors:
                raise DatasetError(f"{file} has the colour #{color:06x}, which no label has")
            mask[packed == color] = colors[color]
        yield file.relative_to(root).with_suffix("").as_posix(), mask


def labelstudio_masks(file: Path, scheme: Scheme) -> Iterator[Named]:
    """The brush masks of Label Studio's JSON export: the last annotation of each task.

    Tasks that nobody annotated are left out; where brushes overlap, the later one counts.

    Raises:
        DatasetError: the file is broken or has no brush mask, a label is no class of the scheme, or
            something is drawn otherwise than with the brush.
    """
    data = _read_json(file)
    count = 0
    try:
        for task in data:
            done = [a for a in task.get("annotations", ()) if not a.get("was_cancelled")]
            if not done:
                continue
            image = task["data"]["image"]
            name = task["data"].get("file") or _photo_of(image, file)
            brushes = _brushes(done[-1]["result"], name, file)
            if not brushes:
                continue
            first = brushes[0]
            shape = _shape(first["original_height"], first["original_width"])
            mask = np.full(shape, BACKGROUND, np.uint8)
            for brush in brushes:
                label = brush["value"]["brushlabels"][0]
                part = _brush_part(brush["value"]["rle"], shape)
                mask[part] = _class_id(label, scheme, file)
            count += 1
            yield _name(name), mask
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        raise DatasetError(f"{file} is no JSON export of Label Studio ({error!r})") from error
    if not count:
        raise DatasetError(
            f"{file} has no annotation with the brush; submit some in Label Studio, and export anew"
        )


def _photo_of(address: str, file: Path) -> str:
    """The photo's name, from where Label Studio has it.

    Raises:
        DatasetError: it is somewhere else than in a folder.
    """
    if UPLOADS in address:
        return UPLOADED.sub("", unquote(address.rpartition("/")[2]))
    name = unquote(address.rpartition(LOCAL_FILES)[2])
    if "://" in name or name.startswith("/"):
        raise DatasetError(
            f"{file}: {address} names no photo in the folder; give each task's data a 'file' with "
            "the photo's name"
        )
    return name


def _brushes(results: Any, name: str, file: Path) -> list[dict[str, Any]]:
    """The brushes among what an annotation of Label Studio says of a photo.

    Raises:
        DatasetError: something is drawn otherwise, and would be taken for background.
    """
    drawn = [result for result in results if result["type"] not in TELL_NO_PIXELS]
    for result in drawn:
        if result["type"] != BRUSH:
            raise DatasetError(
                f"{file}: {name} has {result['type']}, and only {BRUSH} make masks; draw it with "
                "the brush"
            )
    return drawn


def _brush_part(code: Sequence[int], shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Label Studio's brush; see `pix2seg.catalog.export.labelstudio.brush_rle`."""
    bits = f"{int.from_bytes(bytes(code)):0{8 * len(code)}b}"
    place = 0

    def read(count: int) -> int:
        nonlocal place
        place += count
        return int(bits[place - count : place], 2)

    if read(32) != 4 * shape[0] * shape[1]:
        raise ValueError("a brush does not fit its photo")
    word = read(5) + 1
    sizes = [read(4) + 1 for _ in range(4)]
    flat = np.zeros(4 * shape[0] * shape[1], np.uint8)
    start = 0
    while start < flat.size:
        is_run = read(1)
        count = read(sizes[read(2)]) + 1
        if is_run:
            flat[start : start + count] = read(word)
        else:
            values = [read(word) for _ in range(min(count, flat.size - start))]
            flat[start : start + count] = values
        start += count
    return flat.reshape(*shape, 4)[..., 3] > 0


def _labelmap(file: Path, scheme: Scheme) -> dict[int, int]:
    """Class ids by colour, red << 16 | green << 8 | blue, of CVAT's `labelmap.txt`."""
    try:
        lines = file.read_text("utf-8").splitlines()
        entries = [line.split(":") for line in lines if line.strip() and line[0] != "#"]
        return {
            int.from_bytes(bytes(int(level) for level in color.split(","))): _class_id(
                name, scheme, file
            )
            for name, color, *_ in entries
        }
    except FileNotFoundError:
        raise DatasetError(
            f"{file.parent} holds no labelmap.txt; export from CVAT as Segmentation mask 1.1, and "
            "unpack it"
        ) from None
    except (OSError, ValueError) as error:
        raise DatasetError(f"{file} is no label map of CVAT ({error})") from error


def _class_id(name: str, scheme: Scheme, file: Path) -> int:
    try:
        return scheme.id_of(name)
    except SchemeError as error:
        raise DatasetError(f"{file}: {error}; give its classes with --scheme") from None


def _shape(height: Any, width: Any) -> tuple[int, int]:
    if not (int(height) > 0 and int(width) > 0 and int(height) * int(width) <= MAX_PIXELS):
        raise ValueError(f"a photo of {width}x{height}")
    return int(height), int(width)


def _name(file: str) -> str:
    """A photo's name without suffix; it may not lead out of the photos' folder."""
    path = PurePosixPath(file)
    if path.is_absolute() or ".." in path.parts or not path.name:
        raise ValueError(f"the photo {file!r}")
    return path.with_suffix("").as_posix()


def _read_json(file: Path) -> Any:
    try:
        return json.loads(file.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise DatasetError(f"cannot read {file} ({error})") from error
