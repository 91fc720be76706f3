"""From a segmentation to what is sent: palette document, pictures, other programs' palettes."""

import base64
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from pix2seg.colors.export import EXPORTS
from pix2seg.colors.photo_colors import PhotoColors, photo_colors
from pix2seg.files import encode_png
from pix2seg.garments import FIRST_GARMENT, kinds
from pix2seg.serve.masks import counted_pixels, drawn
from pix2seg.serve.options import MaskedPaletteOptions, PaletteOptions, SegmentOptions
from pix2seg.serve.problems import option_problem
from pix2seg.serve.uploads import Upload

if TYPE_CHECKING:
    from PIL.Image import Image

    from pix2seg.classes import Scheme
    from pix2seg.photo import Photo
    from pix2seg.result import Segmentation

CUTOUTS = "cutouts"
"""Stands for the cut-outs of all classes that the photo shows."""


def picture_names(scheme: "Scheme", garments: bool) -> tuple[str, ...]:
    """The pictures there are with a scheme, `cutouts` aside.

    Args:
        scheme: the mask's.
        garments: whether garments are named: then there is their mask, and a cut-out of each kind.
    """
    worn = ("garments", *kinds().names[FIRST_GARMENT:]) if garments else ()
    names = ("photo", "mask", "overlay", "map", "person", *scheme.foreground, *worn)
    return tuple(dict.fromkeys(names))


def check_pictures(names: Iterable[str], known: Sequence[str]) -> None:
    """See that all pictures asked for are known ones, before any work.

    Raises:
        Problem: one is not.
    """
    known = (*known, CUTOUTS)
    for name in names:
        if name not in known:
            raise option_problem("pictures", _no_picture(name, known))


def check_picture(name: str | None, known: Sequence[str]) -> None:
    """See that the picture that shall be the answer is a known one, before any work.

    Raises:
        Problem: it is not, or is several.
    """
    if name == CUTOUTS:
        raise option_problem("picture", f"{CUTOUTS} are several; ask for pictures={CUTOUTS}")
    if name and name not in known:
        raise option_problem("picture", _no_picture(name, known))


def check_masks(upload: Upload, options: MaskedPaletteOptions, scheme: "Scheme") -> None:
    """See that nothing sent or asked for would be ignored or missing, before any work.

    Raises:
        Problem: garments or pictures come without classes, pictures of garments without them, or
            there is no such picture.
    """
    check_pictures(options.pictures, picture_names(scheme, garments=True))
    if not options.classes and upload.garments is not None:
        raise option_problem("classes", "a file 'garments' needs classes=true and a file 'mask'")
    if not options.classes and options.pictures:
        raise option_problem("classes", "pictures need classes=true and a file 'mask'")
    of_garments = set(options.pictures).difference(picture_names(scheme, garments=False), [CUTOUTS])
    if of_garments and upload.garments is None:
        raise option_problem("pictures", "there are no garments to show; send a file 'garments'")


def segment_answer(result: "Segmentation", options: SegmentOptions) -> bytes:
    """The palette document as JSON, with the pictures and exports that were asked for."""
    garments = options.garments
    colors = result.colors(options.max_colors, garments=garments, names=options.names)
    pictures = _pictures(result, options.pictures, garments, options.hard_edges)
    return _document(colors, options, pictures)


def masked_answer(
    upload: Upload, photo: "Photo", options: MaskedPaletteOptions, scheme: "Scheme"
) -> bytes:
    """The palette document of a photo and a mask as JSON, with what was asked for besides.

    Raises:
        Problem: the mask does not suit.
    """
    if not options.classes:
        masks = {"photo": counted_pixels(photo, upload.mask)}
        colors = photo_colors(photo, masks, max_colors=options.max_colors, names=options.names)
        return _document(colors, options, {})
    result = drawn(photo, upload.mask, upload.garments, scheme)
    garments = upload.garments is not None
    colors = result.colors(options.max_colors, garments=garments, names=options.names)
    colors = replace(colors, quality=None)  # there is nothing to estimate
    return _document(colors, options, _pictures(result, options.pictures, garments))


def _no_picture(name: str, known: Iterable[str]) -> str:
    return f"there is no picture '{name[:40]}'; there are {', '.join(known)}"


def _pictures(
    result: "Segmentation", wanted: Iterable[str], garments: bool, hard_edges: bool = False
) -> dict[str, Any]:
    names = dict.fromkeys(wanted)
    pictures: dict[str, Any] = {}
    for name in names:
        if name == CUTOUTS:
            cutouts = result.cutouts(garments=garments, hard_edges=hard_edges)
            pictures |= {what: _base64(encode_png(image)) for what, image in cutouts}
        else:
            pictures[name] = _base64(picture_png(result, name, garments, hard_edges))
    return {"pictures": pictures} if names else {}


def _document(colors: PhotoColors, options: PaletteOptions, more: Mapping[str, Any]) -> bytes:
    answer: dict[str, Any] = {**colors.document(), **more}
    if options.exports:
        answer["exports"] = {name: _export(colors, name) for name in options.exports}
    return json.dumps(answer, ensure_ascii=False).encode("utf-8", "replace")


def picture_png(
    result: "Segmentation",
    name: str,
    garments: bool = False,
    hard_edges: bool = False,
    background: str | None = None,
) -> bytes:
    """One picture of `picture_names` as PNG.

    Args:
        result: what it shows.
        name: one of `picture_names`.
        garments: whether the overlay names garments.
        hard_edges: whether a cut-out ends where the mask does.
        background: what stands behind the person, where that is the picture.

    Raises:
        SchemeError: the scheme has no such class, and there is no such kind of garments.
        WeightsError: the weights name no garments.
    """
    if background:
        return encode_png(result.before(background))
    return encode_png(_picture(result, name, garments, hard_edges))


def _picture(result: "Segmentation", name: str, garments: bool, hard_edges: bool) -> "Image":
    from PIL import Image

    from pix2seg.files import indexed_image

    if name == "photo":
        return Image.fromarray(result.photo.pixels)
    if name == "mask":
        return indexed_image(result.mask, result.scheme)
    if name == "overlay":
        return result.overlay(garments=garments)
    if name == "garments":
        return result.garment_image()
    if name == "map":
        return Image.fromarray(result.map)
    return result.cutout(name, hard_edges=hard_edges)


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _export(colors: PhotoColors, name: str) -> dict[str, str]:
    export = EXPORTS[name]
    return {
        "file": PurePath(colors.photo.file).stem + export.suffix,
        "type": export.media_type,
        "base64": _base64(export.write(colors)),
    }
