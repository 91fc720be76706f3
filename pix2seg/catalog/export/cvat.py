"""CVAT's "Segmentation mask 1.1", for its upload of annotations: zip the folder's content.

`SegmentationObject` would hold instance ids, which masks of classes do not know; without that
folder, CVAT takes each class of a photo for one object.
"""

from collections.abc import Iterator
from pathlib import Path

from pix2seg.catalog.export.base import Exported
from pix2seg.catalog.export.voc import write_masks
from pix2seg.classes import Scheme

PHOTOS = "JPEGImages"


def write(folder: Path, photos: Iterator[Exported], scheme: Scheme) -> None:
    """Write the format; see `export_catalog`."""
    write_masks(folder, photos, scheme, "default")
