"""Pascal VOC: indexed masks, a list of names, and an XML file with boxes for each photo."""

from collections.abc import Iterator
from pathlib import Path
from xml.etree.ElementTree import Element, SubElement, indent, tostring

import numpy as np

from pix2seg.catalog.export.base import Exported, write_file
from pix2seg.catalog.schema import mask_png
from pix2seg.classes import BACKGROUND, Scheme
from pix2seg.preprocess.person.base import box_around

PHOTOS = "JPEGImages"


def write(folder: Path, photos: Iterator[Exported], scheme: Scheme) -> None:
    """Write the format; see `export_catalog`."""
    write_masks(folder, _with_boxes(folder, photos, scheme), scheme, "train")


def write_masks(folder: Path, photos: Iterator[Exported], scheme: Scheme, subset: str) -> None:
    """The masks, `labelmap.txt` that tells their colours, and the names in a subset's list."""
    names = []
    for photo in photos:
        assert photo.mask is not None
        names.append(photo.stem)
        png = mask_png(photo.mask, scheme, bits=8)
        write_file(folder / "SegmentationClass" / f"{photo.stem}.png", png)
    colors = [",".join(map(str, color)) for color in scheme.colors.tolist()]
    lines = [f"{name}:{color}::" for name, color in zip(scheme.names, colors, strict=True)]
    write_file(
        folder / "labelmap.txt", "\n".join(["# label:color_rgb:parts:actions", *lines]) + "\n"
    )
    write_file(
        folder / "ImageSets" / "Segmentation" / f"{subset}.txt",
        "".join(name + "\n" for name in names),
    )


def _with_boxes(folder: Path, photos: Iterator[Exported], scheme: Scheme) -> Iterator[Exported]:
    """The photos as they come; of each, the XML file is written on the way."""
    for photo in photos:
        document = _annotation(photo, scheme)
        indent(document)
        write_file(folder / "Annotations" / f"{photo.stem}.xml", tostring(document))
        yield photo


def _annotation(photo: Exported, scheme: Scheme) -> Element:
    assert photo.mask is not None
    height, width = photo.shape()
    root = Element("annotation")
    parent, _, name = photo.file.rpartition("/")
    _text(root, folder=parent, filename=name)
    _text(SubElement(root, "size"), width=width, height=height, depth=3)
    _text(root, segmented=1)
    for class_id in np.unique(photo.mask[photo.mask != BACKGROUND]).tolist():
        thing = SubElement(root, "object")
        _text(thing, name=scheme.names[class_id], truncated=0, difficult=0, occluded=0)
        x0, y0, x1, y1 = box_around(photo.mask == class_id)
        box = SubElement(thing, "bndbox")
        _text(box, xmin=x0 + 1, ymin=y0 + 1, xmax=x1, ymax=y1)  # VOC counts pixels from 1
    return root


def _text(parent: Element, **children: str | int) -> None:
    for name, value in children.items():
        SubElement(parent, name).text = str(value)
