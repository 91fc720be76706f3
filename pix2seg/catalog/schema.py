"""The rows of a catalogue: their columns, and how a segmented photo becomes one.

docs/catalog.md says what each column means. Every photo has a row; one that failed has `status`,
`error` and where it lies, and nulls for the rest.
"""

import io
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pix2seg.catalog.source import Item
from pix2seg.catalog.storage import import_pyarrow
from pix2seg.classes import Scheme
from pix2seg.colors.space import to_lab

OK, FAILED = "ok", "failed"

Row = dict[str, Any]


def row_schema() -> Any:
    """The Arrow schema of a shard."""
    pa = import_pyarrow()
    text, whole, number = pa.string(), pa.int32(), pa.float64()
    box = pa.list_(whole)
    colors = pa.list_(pa.struct({"hex": text, "name": text, "share": number}))
    numbers = pa.list_(pa.float32())
    palette = {"coverage": number, "basic": pa.list_(text), "colors": colors}
    garment = {"kind": text, "score": number, "box": box} | palette
    search = {"of": pa.list_(text), "L": numbers, "a": numbers, "b": numbers, "share": numbers}
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
            "search": pa.struct(search),
            "mask": pa.binary(),
            "garment_mask": pa.binary(),
            "seconds": number,
            "model": pa.struct({"generator": text, "person": text, "engine": text}),
        }
    )


def failed_row(item: Item, error: str) -> Row:
    """The row of a photo that could not be segmented."""
    return asdict(item) | {"status": FAILED, "error": error}


def document_row(item: Item, document: Mapping[str, Any]) -> Row:
    """The row of a photo by its palette document; `coverage`, masks and `seconds` are not in it."""
    image, classes = document["image"], document["classes"]
    garments = document.get("garments")
    parts = [(name, palette["colors"]) for name, palette in classes.items()]
    parts += [(garment["kind"], garment["colors"]) for garment in garments or ()]
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
        "search": _search(parts),
        "model": document["model"],
    }


def mask_png(mask: NDArray[np.uint8], scheme: Scheme, bits: int | None = None) -> bytes:
    """A mask as an indexed PNG.

    Args:
        mask: class ids, uint8 (H, W).
        scheme: the classes, whose map colours become the PNG's palette.
        bits: of each pixel; by default 2 for up to 4 classes, 4 for up to 16, or 8.
    """
    image = Image.fromarray(mask)
    image.putpalette(scheme.colors.tobytes())
    file = io.BytesIO()
    image.save(file, "PNG", bits=bits or next(b for b in (2, 4, 8) if len(scheme) <= 1 << b))
    return file.getvalue()


def read_mask_png(data: bytes) -> NDArray[np.uint8]:
    """The inverse of `mask_png`: class ids, uint8 (H, W)."""
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image, np.uint8)


def shard_bytes(rows: Sequence[Row]) -> bytes:
    """A shard as a Parquet file."""
    pa = import_pyarrow()
    sink = pa.BufferOutputStream()
    table = pa.Table.from_pylist(list(rows), row_schema())
    pa.parquet.write_table(table, sink, compression="zstd")
    return bytes(sink.getvalue())


def _colors(colors: Sequence[Mapping[str, Any]]) -> list[Row]:
    return [{key: color[key] for key in ("hex", "name", "share")} for color in colors]


def _search(parts: Sequence[tuple[str, Sequence[Mapping[str, Any]]]]) -> Row:
    """All colours in one row of numbers, palettes first, then garments: what `find` reads."""
    colors = [(name, color) for name, listed in parts for color in listed]
    rgb = np.frombuffer(b"".join(bytes.fromhex(color["hex"][1:]) for _, color in colors), np.uint8)
    lightness, a, b = to_lab(rgb.reshape(-1, 3) / 255).T.tolist() if colors else ([], [], [])
    shares = [color["share"] for _, color in colors]
    return {"of": [name for name, _ in colors], "L": lightness, "a": a, "b": b, "share": shares}
