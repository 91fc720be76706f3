"""What segmenting a photo gives: the mask, and everything that follows from it."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pix2seg import render
from pix2seg.classes import BACKGROUND, Scheme
from pix2seg.colors.names import NameList, named_background
from pix2seg.colors.palette import MAX_COLORS, Palette
from pix2seg.colors.photo_colors import PhotoColors, photo_colors
from pix2seg.colors.wanted import kind_named
from pix2seg.cutouts import Probability, before, cutout, edge_filter, hard_cutout, soft_alpha
from pix2seg.errors import SchemeError, WeightsError
from pix2seg.files import indexed_image
from pix2seg.garments import (
    FIRST_GARMENT,
    Garment,
    Kinds,
    body_ids,
    find_garments,
    kinds,
    number_garments,
    with_doubts,
)
from pix2seg.guided_filter import GuidedFilter
from pix2seg.huggingface import labelled_masks
from pix2seg.notebook import html, png
from pix2seg.photo import Photo
from pix2seg.preprocess.background import Rgb
from pix2seg.preprocess.person import Person
from pix2seg.saving import PERSON, save
from pix2seg.thresholds import share_of

Drawing = Callable[[], NDArray[np.uint8]]
"""Gives a map, RGB uint8 (H, W, 3)."""


@dataclass(frozen=True, eq=False, repr=False)
class Segmentation:
    """A photo with the class of each of its pixels.

    Attributes:
        photo: the photo, upright and sRGB.
        drawing: gives the map, when it is first asked for.
        mask: class ids, uint8 (H, W), read from the map and tidied.
        scheme: the classes.
        person: what the extractor found; not found, the whole photo was segmented.
        model: versions of the "generator" and the "person" extractor, and the "engine".
        seconds: time from pixels to mask.
        quality: an estimate of the mask's mean IoU, 0..1; see `pix2seg.trust`.
        review: why somebody should look at the result, or None.
        signs: what speaks for and against it, of several people the most prominent one's; see
            `pix2seg.trust.read_signs`.
        naming: finds the kind of each clothes pixel when it is first asked for, or None where the
            weights name no garments.
        people: where everyone was asked for, each person's segmentation, the most prominent first.
    """

    photo: Photo
    drawing: Drawing
    mask: NDArray[np.uint8]
    scheme: Scheme
    person: Person
    model: Mapping[str, str]
    seconds: float
    quality: float
    review: str | None
    signs: Mapping[str, float] = field(default_factory=dict)
    naming: Callable[[], Kinds] | None = None
    people: tuple["Segmentation", ...] = ()

    def __repr__(self) -> str:
        photo, coverage = self.photo, self.coverage()
        shown = [f"{n} {coverage[n]:.1%}" for n in self.scheme.foreground if coverage[n]]
        return (
            f"<Segmentation of {photo.file}, {photo.width}x{photo.height}: "
            f"{', '.join(shown) or 'nothing but background'}; quality {self.quality:.2f}>"
        )

    def _repr_png_(self) -> bytes:
        """What a notebook shows: the overlay."""
        return png(self.overlay())

    def _repr_html_(self) -> str:
        """What a notebook shows that can: the overlay, and the swatches beside the photo."""
        return html(self.overlay(), self.colors().image())

    @cached_property
    def map(self) -> NDArray[np.uint8]:
        """What the generator drew, RGB uint8 (H, W, 3), at the photo's own size."""
        return self.drawing()

    @cached_property
    def kinds(self) -> Kinds | None:
        """The kind of each clothes pixel; None where the weights name no garments."""
        return self.naming() if self.naming else None

    @cached_property
    def _edge_filter(self) -> GuidedFilter:
        return edge_filter(self.photo.pixels)

    @property
    def garment_mask(self) -> NDArray[np.uint8] | None:
        """Ids of the scheme `garments`, uint8 (H, W); None where the weights name no garments."""
        return self.kinds.mask if self.kinds else None

    def where(self, name: str) -> NDArray[np.bool_]:
        """The pixels of a class, of all garments of a kind, or of the person, bool (H, W).

        Args:
            name: a class, `person` for all but the background, or a kind, by its name or one that
                people use, such as `jeans`; in any case.

        Raises:
            SchemeError: the scheme has no such class, and there is no such kind.
            WeightsError: it is a kind, and the weights name no garments.
        """
        known = self._called(name)
        if known == PERSON:
            return np.asarray(self.mask != BACKGROUND)
        if known in self.scheme.names:
            return np.asarray(self.mask == self.scheme.id_of(known))
        return np.asarray(self.named().mask == kinds().id_of(known))

    def _called(self, name: str) -> str:
        """The class or kind that a name stands for, or `person`.

        Raises:
            SchemeError: there is none.
        """
        known = [*self.scheme.names, PERSON, *kinds().names[FIRST_GARMENT:]]
        called = name if name in known else kind_named(name, known)
        if called is None:
            near = get_close_matches(name.lower(), known, n=1) or known
            raise SchemeError(f"there is no class or garment '{name}'; take {', '.join(near)}")
        return called

    def coverage(self) -> dict[str, float]:
        """Each class's share of the photo, 0..1, background included."""
        # One by one: to count all at once, NumPy would make a copy eight times as large.
        return {
            name: float(np.count_nonzero(self.mask == class_id) / self.mask.size)
            for class_id, name in enumerate(self.scheme.names)
        }

    def garments(self, max_colors: int = MAX_COLORS) -> list[Garment]:
        """The things that the person wears, the largest first.

        Args:
            max_colors: at most so many for each one's palette.

        Raises:
            WeightsError: the weights name no garments.
        """
        return find_garments(self, self.named(), max_colors)

    def to_pipeline(self) -> list[dict[str, Any]]:
        """What Hugging Face's image-segmentation pipelines give: label, score and mask each.

        Garments by kind where the weights name them, else classes; skin and hair in any case.
        A mask is an 8-bit grey image, 255 on what it shows. A class's score is None, as theirs
        is where nothing but the class of each pixel is known.
        """
        return labelled_masks(self)

    def cutout(self, what: str | Garment = PERSON, *, hard_edges: bool = False) -> Image.Image:
        """The photo with all else transparent, RGBA.

        Args:
            what: a class or a kind of garments by name, a garment of `garments()`, or `person`
                for all classes.
            hard_edges: alpha is 0 or 255 as the mask says, and colours stay as they are; by
                default edges are soft, and free of the background's colour.

        Raises:
            SchemeError, WeightsError: see `where`.
        """
        if hard_edges:
            return Image.fromarray(hard_cutout(self.photo.pixels, self._edges(what)[0]))
        return Image.fromarray(cutout(self.photo.pixels, self.alpha(what)))

    def before(self, background: str | Rgb = "white") -> Image.Image:
        """The person before another background, with soft edges, RGB.

        Args:
            background: a colour as RGB, 0..255, as `#1b2a3c`, or by its CSS name; or `blur`, the
                photo's own background out of focus.

        Raises:
            ColorError: there is no such colour.
        """
        behind = named_background(background) if isinstance(background, str) else background
        return Image.fromarray(before(self.photo.pixels, self.alpha(), behind))

    def alpha(self, what: str | Garment = PERSON) -> NDArray[np.float32]:
        """How much of each pixel is of something, float32 (H, W), 0..1; see `cutout`.

        Raises:
            SchemeError, WeightsError: see `where`.
        """
        mask, probability = self._edges(what)
        return soft_alpha(self._edge_filter, probability, mask)

    def cutouts(
        self, *, garments: bool = False, hard_edges: bool = False
    ) -> Iterator[tuple[str, Image.Image]]:
        """The cut-outs of all that the photo shows, by the names that their files bear.

        Args:
            garments: also of each garment.
            hard_edges: see `cutout`.

        Raises:
            WeightsError: the weights name no garments.
        """
        shown = [name for name in self.scheme.foreground if self.where(name).any()]
        for name in [PERSON, *shown] if shown else []:
            yield name, self.cutout(name, hard_edges=hard_edges)
        if garments:
            numbered = number_garments(self.garments(), self.scheme.foreground)
            for name, garment in numbered.items():
                yield name.replace(" ", "-"), garment.cutout(hard_edges=hard_edges)

    def garment_image(self) -> Image.Image:
        """The kinds as an 8-bit palette image, pixel value = id in the scheme `garments`.

        Raises:
            WeightsError: the weights name no garments.
        """
        return indexed_image(self.named().mask, kinds())

    def _edges(self, what: str | Garment) -> tuple[NDArray[np.bool_], Probability]:
        """Where something is, bool (H, W), and how much of given pixels is of it."""
        if isinstance(what, str):
            what = self._called(what)
        shown = what.mask if isinstance(what, Garment) else self.where(what)
        if what == PERSON:
            return shown, lambda near: 1 - share_of(self.map[near], self.scheme, [BACKGROUND])
        if what in self.scheme.names:
            own = [self.scheme.names.index(what)]
            return shown, lambda near: share_of(self.map[near], self.scheme, own)
        worn = np.flatnonzero(body_ids(self.scheme) >= FIRST_GARMENT).tolist()
        others = (self.named().mask >= FIRST_GARMENT) & ~shown
        return shown, lambda near: np.where(
            others[near], np.float32(0), share_of(self.map[near], self.scheme, worn)
        )

    def named(self) -> Kinds:
        """The kind of each clothes pixel, and how likely it is.

        Raises:
            WeightsError: the weights name no garments.
        """
        if self.kinds is None:
            raise WeightsError(
                f"the weights {self.model['generator']} name no garments; take those in the box, "
                "or train with a garment head"
            )
        return self.kinds

    def overlay(self, *, garments: bool = False) -> Image.Image:
        """The photo with its classes outlined and named, RGB.

        Args:
            garments: outline and name garments instead, with a question mark behind kinds that are
                hardly sure.

        Raises:
            WeightsError: the weights name no garments.
        """
        if garments:
            named = self.named()
            picture = render.overlay(self.photo.pixels, named.mask, with_doubts(named))
        else:
            picture = render.overlay(self.photo.pixels, self.mask, self.scheme)
        return Image.fromarray(picture)

    def colors(
        self,
        max_colors: int | None = None,
        *,
        garments: bool = False,
        names: NameList = "css",
    ) -> PhotoColors:
        """The colours of each class but the background; see `pix2seg.colors.photo_colors`.

        Args:
            max_colors: at most so many each; by default 5, and 3 for skin and hair.
            garments: also the colours of each garment.
            names: the list that names the colours.

        Raises:
            WeightsError: the weights name no garments.
        """
        person = self.person
        most = MAX_COLORS if max_colors is None else max_colors
        return photo_colors(
            self.photo,
            {name: self.where(name) for name in reversed(self.scheme.foreground)},  # clothes first
            garments=self.garments(most) if garments else None,
            max_colors=max_colors,
            names=names,
            model=self.model,
            person={
                "found": person.found,
                "score": round(person.score, 4),
                "box": list(person.box) if person.found else None,
            },
            quality=self.quality,
            review=self.review,
            people=[one.colors(max_colors, garments=garments, names=names) for one in self.people],
        )

    def palette(self, max_colors: int | None = None) -> Mapping[str, Palette]:
        """The palette of each class but the background, by class name.

        Args:
            max_colors: at most so many for each class; by default 5, and 3 for skin and hair.
        """
        alone = replace(self, people=())  # whose own palettes nobody asks for here
        return alone.colors(max_colors).palettes

    def save(
        self,
        folder: str | Path,
        stem: str | Path | None = None,
        *,
        colors: bool = False,
        max_colors: int | None = None,
        names: NameList = "css",
        cutouts: bool = False,
        hard_edges: bool = False,
        garments: bool = False,
        map: bool = False,
    ) -> list[Path]:
        """Write the results, each file whole or not at all; each person's as `STEM.person1` etc.

        Args:
            folder: where to; made if need be.
            stem: the files' names begin with it; by default the photo's name without suffix, and
                with the folders that the name has. Equal ones replace each other's results.
            colors: write swatches and palette JSON.
            max_colors: see `colors`.
            names: see `colors`.
            cutouts: write a cut-out of the person, and of each class that the photo shows.
            hard_edges: see `cutout`.
            garments: write the garments' mask, outline and name garments in the overlay, and
                tell colours and cut-outs of each.
            map: write the generated map.

        Returns:
            The files written.

        Raises:
            OutputError: a file cannot be written.
            WeightsError: the weights name no garments.
        """
        base = Path(folder) / (stem or _stem_of(self.photo.file))
        return save(
            self,
            base,
            colors=colors,
            max_colors=max_colors,
            names=names,
            cutouts=cutouts,
            hard_edges=hard_edges,
            garments=garments,
            map=map,
        )


def _stem_of(file: str) -> Path:
    """A photo's name without suffix, and without folders that lead out of the one for results."""
    path = Path(file).with_suffix("")
    return Path(path.name) if path.is_absolute() or ".." in path.parts else path
