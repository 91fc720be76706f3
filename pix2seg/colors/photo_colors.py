"""The colours of one photo, with all that is written of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pix2seg.colors.document import document_text, palette_document
from pix2seg.colors.names import NameList
from pix2seg.colors.palette import FEW_COLORS, MAX_COLORS, Palette, extract_palette
from pix2seg.colors.swatches import swatches
from pix2seg.files import atomic_write, write_png
from pix2seg.garments import Garment, number_garments
from pix2seg.photo import TRANSPARENT, Photo
from pix2seg.saving import of_person, result_file

FEW_COLORED = ("skin", "hair")
"""Classes whose palettes have fewer colours."""

NOBODY = {"found": False, "score": 0.0, "box": None}
NO_MODEL = {"generator": "none", "person": "none"}


@dataclass(frozen=True, eq=False)
class PhotoColors:
    """The palettes of a photo's classes and garments.

    Attributes:
        photo: the photo.
        palettes: by class name.
        garments: the largest first; None unless they were asked for.
        names: the list that names the colours.
        model: versions of the generator and the person extractor that found the classes.
        person: found, score and box, as in the palette JSON.
        quality: an estimate of the mask's mean IoU; None where nothing was segmented.
        review: why somebody should look at the result, or None.
        people: each person's alone, where everyone was asked for.
    """

    photo: Photo
    palettes: Mapping[str, Palette]
    garments: Sequence[Garment] | None
    names: NameList
    model: Mapping[str, str] = field(default_factory=NO_MODEL.copy)
    person: Mapping[str, Any] = field(default_factory=NOBODY.copy)
    quality: float | None = None
    review: str | None = None
    people: Sequence["PhotoColors"] = ()

    def document(self) -> dict[str, Any]:
        """The palette JSON as plain data; see `pix2seg.colors.document`."""
        return palette_document(
            image={
                "file": self.photo.file,
                "width": self.photo.width,
                "height": self.photo.height,
                "sha256": self.photo.sha256,
            },
            model=self.model,
            person=self.person,
            palettes=self.palettes,
            garments=self.garments,
            quality=self.quality,
            review=self.review,
            people=[one.document() for one in self.people],
            names=self.names,
        )

    def all_palettes(self) -> dict[str, Palette]:
        """The palettes of classes, then of garments by the names that `number_garments` gives."""
        worn = number_garments(self.garments or (), self.palettes)
        return {**self.palettes, **{name: garment.palette for name, garment in worn.items()}}

    def image(self) -> Image.Image:
        """The swatches beside the photo, RGB."""
        return Image.fromarray(swatches(self.photo.pixels, self.all_palettes(), self.names))

    def save(self, base: str | Path) -> list[Path]:
        """Write `BASE.palette.png`, the swatches, and `BASE.palette.json`; return the files.

        And the same of each person, as `BASE.person1` and so on.

        Args:
            base: folder and first part of the files' names.

        Raises:
            OutputError: a file cannot be written.
        """
        base = Path(base)
        sheet = result_file(base, "palette.png")
        write_png(sheet, self.image())
        document = result_file(base, "palette.json")
        with atomic_write(document) as temporary:
            temporary.write_text(document_text(self.document()) + "\n", "utf-8")
        written = [sheet, document]
        for number, one in enumerate(self.people, 1):
            written += one.save(of_person(base, number))
        return written


def photo_colors(
    photo: Photo,
    masks: Mapping[str, NDArray[np.bool_]],
    *,
    garments: Sequence[Garment] | None = None,
    max_colors: int | None = None,
    names: NameList = "css",
    model: Mapping[str, str] = NO_MODEL,
    person: Mapping[str, Any] = NOBODY,
    quality: float | None = None,
    review: str | None = None,
    people: Sequence[PhotoColors] = (),
) -> PhotoColors:
    """Find the colours of each class.

    Args:
        photo: the photo.
        masks: bool (H, W) by class name.
        garments: as in `PhotoColors`.
        max_colors: at most so many for each class; by default 5, and 3 for skin and hair.
        names: the list that names the colours.
        model: as in `PhotoColors`.
        person: as in `PhotoColors`.
        quality: as in `PhotoColors`.
        review: as in `PhotoColors`.
        people: as in `PhotoColors`.
    """

    def most(name: str) -> int:
        usual = FEW_COLORS if name in FEW_COLORED else MAX_COLORS
        return usual if max_colors is None else max_colors

    palettes = {
        name: extract_palette(photo.pixels, mask, most(name)) for name, mask in masks.items()
    }
    return PhotoColors(photo, palettes, garments, names, model, person, quality, review, people)


def mask_values(image: Image.Image) -> NDArray[np.uint8]:
    """A mask's values or colours, uint8 (H, W, 1 or more), 0 where it is transparent.

    Raises:
        ValueError: it has values of more than 8 bits.
    """
    values = np.atleast_3d(np.asarray(image))
    if values.dtype.itemsize > 1:
        raise ValueError("more than 8 bits a value")
    values = values.astype(np.uint8)
    if image.mode.endswith("A"):
        values = values[..., :-1]
    if image.has_transparency_data:  # in a band, or one that is named beside the pixels
        alpha = np.asarray(image.convert("RGBA"))[..., 3:]
        values = np.where(alpha > TRANSPARENT, values, np.uint8(0))
    return values
