"""The rows of a catalogue: their columns, and how a segmented photo becomes one.

docs/catalog.md says what each column means. Every photo has a row; one that failed has `status`,
`error` and where it lies, and nulls for the rest.
"""

import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pix2seg.catalog.source import Item
from pix2seg.catalog.storage import import_pyarrow
from pix2seg.classes import Scheme
from pix2seg.colors.space import to_lab
from pix2seg.files import encode_image, indexed_image

OK, FAILED = "ok", "failed"

INDEX_GROUP = 2048
"""Colours of the index that are read or passed over together."""

PhotoRow = dict[str, Any]
"""What a shard says of a photo, by column; see `row_schema`."""


def row_schema() -> Any:
    """The Arrow schema of a shard."""
    pa = import_pyarrow()
    text, whole, number = pa.string(), pa.int32(), pa.float64()
    box = pa.list_(whole)
    colors = pa.list_(pa.struct({"hex": text, "name": text, "share": number}))
    palette = {"coverage": number, "basic": pa.list_(text), "colors": colors}
    garment = {"kind": text, "score": number, "box": box} | palette
    return pa.schema(
        {
            "uri": text,
            "file": text,
            "offset": pa.int64(),
            "size": pa.int64(),
            "status": text,
            "error": text,
            "sha256": text,
            "width": whole,
            "height": whole,
            "person": pa.struct({"found": pa.bool_(), "score": number, "box": box}),
            "coverage": pa.list_(pa.struct({"class": text, "share": number})),
            "quality": number,
            "review": text,
            "palettes": pa.list_(pa.struct({"class": text} | palette)),
            "garments": pa.list_(pa.struct(garment)),
            "mask": pa.binary(),
            "garment_mask": pa.binary(),
            "seconds": number,
            "model": pa.struct({"generator": text, "person": text, "engine": text}),
        }
    )


def failed_row(item: Item, error: str) -> PhotoRow:
    """The row of a photo that could not be segmented; of its path, the error may hold any bytes."""
    storable = error.encode("utf-8", "replace").decode()
    return asdict(item) | {"status": FAILED, "error": storable}


def document_row(item: Item, document: Mapping[str, Any]) -> PhotoRow:
    """The row of a photo by its palette document; `coverage`, masks and `seconds` are not in it."""
    image, classes = document["image"], document["classes"]
    garments = document.get("garments")
    return asdict(item) | {
        "status": OK,
        "sha256": image["sha256"],
        "width": image["width"],
        "height": image["height"],
        "person": document["person"],
        "quality": document.get("quality"),
        "review": document.get("review"),
        "palettes": [
            {"class": name, **palette, "colors": _colors(palette["colors"])}
            for name, palette in classes.items()
        ],
        "garments": garments
        and [{**garment, "colors": _colors(garment["colors"])} for garment in garments],
        "model": document["model"],
    }


def mask_png(mask: NDArray[np.uint8], scheme: Scheme, bits: int | None = None) -> bytes:
    """A mask as an indexed PNG.

    Args:
        mask: class ids, uint8 (H, W).
        scheme: the classes, whose map colours become the PNG's palette.
        bits: of each pixel; by default 2 for up to 4 classes, 4 for up to 16, or 8.
    """
    bits = bits or next(b for b in (2, 4, 8) if len(scheme) <= 1 << b)
    return encode_image(indexed_image(mask, scheme), "PNG", bits=bits)


def read_mask_png(data: bytes) -> NDArray[np.uint8]:
    """The inverse of `mask_png`: class ids, uint8 (H, W)."""
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image, np.uint8)


def shard_bytes(rows: Sequence[PhotoRow]) -> bytes:
    """A shard as a Parquet file."""
    pa = import_pyarrow()
    sink = pa.BufferOutputStream()
    table = pa.Table.from_pylist(list(rows), row_schema())
    pa.parquet.write_table(table, sink, compression="zstd")
    return bytes(sink.getvalue())


def colors_of(row: PhotoRow) -> Iterator[tuple[str, float | None, dict[str, Any]]]:
    """A row's colours, each with its class, or with its garment and how sure its kind is."""
    for palette in row.get("palettes") or ():
        yield from ((palette["class"], None, color) for color in palette["colors"])
    for garment in row.get("garments") or ():
        yield from ((garment["kind"], garment["score"], color) for color in garment["colors"])


def index_bytes(rows: Sequence[PhotoRow]) -> bytes:
    """A shard's colours as a Parquet file, a row a colour: what `find` looks through.

    They are sorted by L* and in small groups, most of which a search need not read.
    """
    pa = import_pyarrow()
    colors = [(i, of, color) for i, row in enumerate(rows) for of, _, color in colors_of(row)]
    lightness, a, b = labs_of([color["hex"] for _, _, color in colors]).T
    table = pa.table(
        {
            "row": pa.array([i for i, _, _ in colors], pa.int32()),
            "of": pa.array([of for _, of, _ in colors], pa.string()),
            "L": lightness,
            "a": a,
            "b": b,
            "share": pa.array([color["share"] for _, _, color in colors], pa.float32()),
        }
    )
    sink = pa.BufferOutputStream()
    pa.parquet.write_table(
        table.sort_by("L"),
        sink,
        compression="zstd",
        use_dictionary=["of"],
        row_group_size=INDEX_GROUP,
    )
    return bytes(sink.getvalue())


def labs_of(codes: Sequence[str]) -> NDArray[np.float32]:
    """L*a*b* of hex codes, as the index has it: float32 (N, 3)."""
    rgb = np.frombuffer(b"".join(bytes.fromhex(code[1:]) for code in codes), np.uint8)
    return np.asarray(to_lab(rgb.reshape(-1, 3) / 255), np.float32)


def _colors(colors: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [{key: color[key] for key in ("hex", "name", "share")} for color in colors]
