"""From a segmentation to what is sent: palette document, pictures, other programs' palettes."""

import base64
import json
from collections.abc import Callable, Iterable, Mapping
from io import BytesIO
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from pix2seg.colors.export import EXPORTS
from pix2seg.colors.photo_colors import PhotoColors, photo_colors
from pix2seg.serve.options import PaletteOptions, SegmentOptions
from pix2seg.serve.problems import Problem

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image

    from pix2seg.classes import Scheme
    from pix2seg.photo import Photo
    from pix2seg.result import Segmentation

CUTOUTS = "cutouts"
"""Stands for the cut-outs of all classes that the photo shows."""

EXPORT_TYPES = {
    "gpl": "text/plain; charset=utf-8",
    "ase": "application/octet-stream",
    "css": "text/css; charset=utf-8",
    "tokens": "application/json",
}


def picture_names(scheme: "Scheme") -> tuple[str, ...]:
    """The pictures there are with a scheme, `cutouts` aside."""
    return ("mask", "overlay", "map", "garments", "person", *scheme.foreground)


def check_pictures(names: Iterable[str], scheme: "Scheme") -> None:
    """See that all pictures asked for exist, before any work.

    Raises:
        Problem: one does not.
    """
    known = picture_names(scheme)
    for name in names:
        if name not in (*known, CUTOUTS):
            detail = f"there is no picture '{name[:40]}'; there are {', '.join(known)}, {CUTOUTS}"
            raise Problem(
                "options", detail, more={"errors": [{"option": "pictures", "detail": detail}]}
            )


def segment_answer(result: "Segmentation", options: SegmentOptions) -> bytes:
    """The palette document as JSON, with the pictures and exports that were asked for."""
    colors = result.colors(options.max_colors, garments=options.garments, names=options.names)
    names = [name for name in dict.fromkeys(options.pictures) if name != CUTOUTS]
    pictures = {name: _base64(picture_png(result, name, options.garments)) for name in names}
    if CUTOUTS in options.pictures:
        for name, image in result.cutouts(garments=options.garments):
            pictures[name] = _base64(_png(image))
    return _document(colors, options, {"pictures": pictures} if options.pictures else {})


def masked_answer(
    photo: "Photo",
    masks: Callable[[], Mapping[str, "NDArray[np.bool_]"]],
    options: PaletteOptions,
) -> bytes:
    """The palette document of what `masks` gives as JSON, with the exports that were asked for."""
    colors = photo_colors(
        photo,
        masks(),
        max_colors=options.max_colors,
        names=options.names,
    )
    return _document(colors, options, {})


def _document(colors: PhotoColors, options: PaletteOptions, more: Mapping[str, Any]) -> bytes:
    answer: dict[str, Any] = {**colors.document(), **more}
    if options.exports:
        answer["exports"] = {name: _export(colors, name) for name in options.exports}
    return json.dumps(answer, ensure_ascii=False).encode("utf-8", "replace")


def picture_png(result: "Segmentation", name: str, garments: bool = False) -> bytes:
    """One picture of `picture_names` as PNG; with `garments` the overlay names them.

    Raises:
        SchemeError: the scheme has no such class.
        WeightsError: the weights name no garments.
    """
    return _png(_picture(result, name, garments))


def _picture(result: "Segmentation", name: str, garments: bool) -> "Image":
    from PIL import Image

    from pix2seg.preprocess.dataset.dataset import indexed_image

    if name == "mask":
        return indexed_image(result.mask, result.scheme)
    if name == "overlay":
        return result.overlay(garments=garments)
    if name == "garments":
        return result.garment_image()
    if name == "map":
        return Image.fromarray(result.map)
    return result.cutout(name)


def _png(image: "Image") -> bytes:
    from pix2seg.result import PNG_LEVEL

    data = BytesIO()
    image.save(data, "PNG", compress_level=PNG_LEVEL)
    return data.getvalue()


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _export(colors: PhotoColors, name: str) -> dict[str, str]:
    suffix, export = EXPORTS[name]
    return {
        "file": PurePath(colors.photo.file).stem + suffix,
        "type": EXPORT_TYPES[name],
        "base64": _base64(export(colors)),
    }
