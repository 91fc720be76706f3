"""Label Studio: `tasks.json` with brush masks as predictions, and the labeling interface."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote
from xml.sax.saxutils import quoteattr

import numpy as np
from numpy.typing import NDArray

from pix2seg.catalog.export.base import Exported, write_file
from pix2seg.catalog.export.coco import runs
from pix2seg.catalog.storage import is_remote
from pix2seg.classes import BACKGROUND, Scheme
from pix2seg.files import atomic_write

PHOTOS = "images"

LENGTH_BITS = (3, 4, 8, 16)
"""A run's length is told in one of these; the same four as Label Studio writes."""

LOCAL_FILES = "/data/local-files/?d="
"""How Label Studio names files below its LOCAL_FILES_DOCUMENT_ROOT."""


def write(folder: Path, photos: Iterator[Exported], scheme: Scheme) -> None:
    """Write the format; see `export_catalog`."""
    labels = "".join(
        f'    <Label value={quoteattr(c.name)} background="#{bytes(c.color).hex()}"/>\n'
        for c in scheme.classes[1:]
    )
    write_file(
        folder / "labeling_interface.xml",
        '<View>\n  <Image name="image" value="$image" zoom="true"/>\n'
        f'  <BrushLabels name="tag" toName="image">\n{labels}  </BrushLabels>\n</View>\n',
    )
    with (
        atomic_write(folder / "tasks.json") as temporary,
        temporary.open("w", encoding="utf-8") as file,
    ):
        file.write("[")
        for i, photo in enumerate(photos):
            file.write((",\n" if i else "\n") + json.dumps(_task(photo, scheme)))
        file.write("\n]\n")


def brush_rle(mask: NDArray[np.bool_]) -> list[int]:
    """A mask, bool (H, W), in the code of Label Studio's brush: @thi.ng/rle-pack.

    It packs the bytes of an RGBA image, 255 in all four channels inside the mask: their number in
    32 bits, the word size less one in 5, the four sizes of lengths less one in 4 each; then for
    each run a one, which size its length has, its length less one, and its byte.
    """
    flat = mask.ravel()
    sizes = "".join(f"{size - 1:04b}" for size in LENGTH_BITS)
    bits = [f"{flat.size * 4:032b}{8 - 1:05b}{sizes}"]
    value = bool(flat[0])
    for length in runs(flat):
        left = length * 4
        while left:
            part = min(left, 1 << LENGTH_BITS[-1])
            which = next(i for i, size in enumerate(LENGTH_BITS) if part <= 1 << size)
            bits.append(f"1{which:02b}{part - 1:0{LENGTH_BITS[which]}b}{255 * value:08b}")
            left -= part
        value = not value
    stream = "".join(bits)
    stream += "0" * (-len(stream) % 8)
    return list(int(stream, 2).to_bytes(len(stream) // 8))


def _task(photo: Exported, scheme: Scheme) -> dict[str, Any]:
    assert photo.mask is not None
    height, width = photo.shape()
    uri = photo.row["uri"]
    remote = is_remote(uri) and photo.row["offset"] is None
    results = [
        {
            "id": f"{photo.row['sha256'][:10]}-{class_id}",
            "type": "brushlabels",
            "from_name": "tag",
            "to_name": "image",
            "original_width": width,
            "original_height": height,
            "image_rotation": 0,
            "value": {
                "format": "rle",
                "rle": brush_rle(photo.mask == class_id),
                "brushlabels": [scheme.names[class_id]],
            },
        }
        for class_id in np.unique(photo.mask[photo.mask != BACKGROUND]).tolist()
    ]
    prediction = {"model_version": photo.row["model"]["generator"], "result": results}
    if photo.row["quality"] is not None:
        prediction["score"] = photo.row["quality"]
    image = uri if remote else LOCAL_FILES + quote(photo.file)
    return {"data": {"image": image, "file": photo.file}, "predictions": [prediction]}
