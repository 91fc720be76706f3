"""What segmenting a photo gives: the mask, and everything that follows from it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pix2seg import render
from pix2seg.classes import Scheme
from pix2seg.photo import Photo
from pix2seg.preprocess.person import Person


@dataclass(frozen=True, eq=False)
class Segmentation:
    """A photo with the class of each of its pixels.

    Attributes:
        photo: the photo, upright and sRGB.
        mask: class ids, uint8 (H, W), at the photo's own size.
        scheme: the classes.
        person: what the extractor found; not found, the whole photo was segmented.
        generator: name and version of the generator.
        extractor: name and version of the person extractor.
        seconds: time from pixels to mask.
    """

    photo: Photo
    mask: NDArray[np.uint8]
    scheme: Scheme
    person: Person
    generator: str
    extractor: str
    seconds: float

    def where(self, name: str) -> NDArray[np.bool_]:
        """The pixels of a class, bool (H, W).

        Raises:
            SchemeError: the scheme has no such class.
        """
        return self.mask == self.scheme.id_of(name)

    def coverage(self) -> dict[str, float]:
        """Each class's share of the photo, 0..1, background included."""
        counts = np.bincount(self.mask.ravel(), minlength=len(self.scheme))
        return {
            name: float(count / self.mask.size)
            for name, count in zip(self.scheme.names, counts, strict=True)
        }

    def cutout(self, name: str) -> Image.Image:
        """The photo with all but one class transparent, RGBA.

        Raises:
            SchemeError: the scheme has no such class.
        """
        return Image.fromarray(render.cutout(self.photo.pixels, self.where(name)))

    def overlay(self) -> Image.Image:
        """The photo with its classes tinted and outlined, RGB."""
        return Image.fromarray(render.overlay(self.photo.pixels, self.mask, self.scheme))
