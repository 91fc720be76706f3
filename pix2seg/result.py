"""What segmenting a photo gives: the mask, and everything that follows from it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pix2seg import render
from pix2seg.classes import Scheme
from pix2seg.colors.names import NameList
from pix2seg.colors.palette import Palette
from pix2seg.colors.photo_colors import PhotoColors, photo_colors
from pix2seg.files import write_image
from pix2seg.photo import Photo
from pix2seg.preprocess.dataset.dataset import indexed_image
from pix2seg.preprocess.person import Person

PNG_LEVEL = 2
"""zlib's default, 6, makes files a tenth smaller and takes three times as long."""


@dataclass(frozen=True, eq=False)
class Segmentation:
    """A photo with the class of each of its pixels.

    Attributes:
        photo: the photo, upright and sRGB.
        map: what the generator drew, RGB uint8 (H, W, 3), at the photo's own size.
        mask: class ids, uint8 (H, W), read from the map and tidied.
        scheme: the classes.
        person: what the extractor found; not found, the whole photo was segmented.
        model: versions of the "generator" and the "person" extractor.
        seconds: time from pixels to mask.
    """

    photo: Photo
    map: NDArray[np.uint8]
    mask: NDArray[np.uint8]
    scheme: Scheme
    person: Person
    model: Mapping[str, str]
    seconds: float

    def where(self, name: str) -> NDArray[np.bool_]:
        """The pixels of a class, bool (H, W).

        Raises:
            SchemeError: the scheme has no such class.
        """
        return np.asarray(self.mask == self.scheme.id_of(name))

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

    def colors(
        self,
        max_colors: int | None = None,
        *,
        regions: bool = False,
        names: NameList = "css",
    ) -> PhotoColors:
        """The colours of each class but the background; see `pix2seg.colors.photo_colors`."""
        person = self.person
        return photo_colors(
            self.photo,
            {name: self.where(name) for name in reversed(self.scheme.foreground)},  # clothes first
            max_colors=max_colors,
            regions=regions,
            names=names,
            model=self.model,
            person={
                "found": person.found,
                "score": round(person.score, 4),
                "box": list(person.box) if person.found else None,
            },
        )

    def palette(self, max_colors: int | None = None) -> Mapping[str, Palette]:
        """The palette of each class but the background, by class name.

        Args:
            max_colors: at most so many for each class; by default 5, and 3 for skin and hair.
        """
        return self.colors(max_colors).palettes

    def save(
        self,
        folder: str | Path,
        stem: str | Path | None = None,
        *,
        colors: bool = False,
        cutouts: bool = False,
        map: bool = False,
    ) -> list[Path]:
        """Write the results, each file whole or not at all.

        Args:
            folder: where to; made if need be.
            stem: the files' names begin with it; by default the photo's name without suffix. May
                name inner folders.
            colors: write swatches and palette JSON.
            cutouts: write a cut-out of each class that the photo shows.
            map: write the generated map.

        Returns:
            The files written.

        Raises:
            OutputError: a file cannot be written.
        """
        base = Path(folder) / (stem or Path(self.photo.file).stem)
        pictures = {"mask": indexed_image(self.mask, self.scheme), "overlay": self.overlay()}
        if map:
            pictures["map"] = Image.fromarray(self.map)
        if cutouts:
            shown = [n for n in self.scheme.foreground if self.where(n).any()]
            pictures |= {name: self.cutout(name) for name in shown}
        written = []
        for name, picture in pictures.items():
            written.append(base.with_name(f"{base.name}.{name}.png"))
            write_image(written[-1], picture, "PNG", compress_level=PNG_LEVEL)
        return written + (self.colors().save(base) if colors else [])
