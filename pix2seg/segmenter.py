"""The way of a photo: find the person, crop and fit, generate the map, threshold, tidy."""

import math
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from itertools import repeat, zip_longest
from pathlib import Path
from typing import Any, NamedTuple, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from pix2seg.classes import BACKGROUND, Scheme
from pix2seg.engines.base import Engine, Precision
from pix2seg.errors import PersonError, PhotoError, Pix2SegError, enough_memory
from pix2seg.garments import name_kinds
from pix2seg.generators.predictor import Predictor
from pix2seg.hub import Pretrained
from pix2seg.joining import WEIGHT, follow_edges, join_person, settle_hair, to_photo_map
from pix2seg.limits import MAX_PIXELS
from pix2seg.overlap import overlapped
from pix2seg.photo import Photo, PhotoSource, is_one_photo, read_photo
from pix2seg.preprocess.background import MARGIN, hide_background, soften, widen
from pix2seg.preprocess.fit import Fit
from pix2seg.preprocess.person import Person, PersonExtractor, load_extractor
from pix2seg.result import Segmentation
from pix2seg.thresholds import map_to_mask
from pix2seg.tidy import tidy
from pix2seg.together import together
from pix2seg.trust import Opinion, judge, read_signs

Result = TypeVar("Result")

_ENDED = object()
"""Stands for what a list lacks."""


class Segmenter(Pretrained):
    """Loads the models once and segments any number of photos.

    The same photo gives the same mask every time: nothing is drawn at random, and batch
    statistics are frozen.

    Args:
        weights: a weights file that `pix2seg train` or `pix2seg export` wrote; the one in the box
            by default.
        person: a person extractor or its name (see `pix2seg.preprocess.person.EXTRACTORS`); by
            default the one that the weights were trained to go with.
        engine: what runs the networks; see `pix2seg.engines.base.Engine`.
        device: `auto`, `cpu`, `cuda`, `mps`, ...
        precision: `fp32` keeps PyTorch from bfloat16.
        hide: hide the background from the generator, with what its recipe says (grey); by
            default if the weights were trained on nothing else, and where they know it and the
            extractor says how sure it is of each pixel.
        margin: how far the person's mask grows before the rest is hidden; see `widen`.
        softness: how far the edge of what is hidden fades; see `soften`.
        join: how much the extractor's word counts in what is the person; see `join_person`.
        flip: also draw the map of the mirrored photo and take the mean of both: a little better,
            at twice the generator's time.
        person_options: options of an extractor that is named, such as `everyone=True`,
            `box=(x0, y0, x1, y1)` or `weights=FILE`; see `load_person`.

    Raises:
        ValueError: `margin`, `softness` or `join` is negative or not finite, or there are options
            for an extractor that is not named.
        WeightsError: the weights file cannot be used.
        PersonError: the extractor is unknown or not installed, or the box is none.
        Pix2SegError: the engine is unknown or not installed, or there is no such device or
            precision.
    """

    def __init__(
        self,
        weights: str | Path | None = None,
        *,
        person: str | PersonExtractor | None = None,
        engine: Engine = "auto",
        device: str = "auto",
        precision: Precision = "auto",
        hide: bool | None = None,
        margin: float = MARGIN,
        softness: float = 0.0,
        join: float = WEIGHT,
        flip: bool = False,
        person_options: Mapping[str, Any] | None = None,
    ) -> None:
        for option, value in {"margin": margin, "softness": softness, "join": join}.items():
            if not (math.isfinite(value) and value >= 0):
                raise ValueError(f"{option} is {value}; give a number from 0 on")
        if person_options and not isinstance(person, str | None):
            raise ValueError("person_options are for an extractor that is named; yours has its own")
        self.generator = Predictor(
            Path(weights) if weights else None, engine=engine, device=device, precision=precision
        )
        self.info = self.generator.info
        self.engine, self.device = self.generator.network.engine, self.generator.network.device
        self.scheme = self.info.scheme
        self.hide = hide
        self.margin, self.softness, self.join, self.flip = margin, softness, join, flip
        person = person or self.info.person
        if isinstance(person, str):
            offered: dict[str, Any] = {
                "engine": engine,
                "device": self.device,
                "segment": self._segment_pixels,
            }
            person = load_person(person, **offered | dict(person_options or {}))
        self.extractor = person

    def __repr__(self) -> str:
        parts = ", ".join(f"{part} {version}" for part, version in self.model.items())
        return f"<Segmenter on {self.device}: {parts}>"

    @property
    def model(self) -> dict[str, str]:
        """Versions of the "generator" and the "person" extractor, and the "engine"."""
        return {
            "generator": self.info.version,
            "person": self.extractor.version,
            "engine": self.engine,
        }

    def map(
        self,
        photos: Iterable[PhotoSource],
        *,
        names: Iterable[str] | None = None,
        max_pixels: int = MAX_PIXELS,
    ) -> "Iterator[Segmentation | PhotoError | PersonError]":
        """Segment many photos, each read while the one before is worked on.

        Args:
            photos: as `__call__` takes them; drawn one by one, so that any number goes.
            names: what to call them; by default the last parts of their paths.
            max_pixels: larger photos are refused.

        Returns:
            Each photo's segmentation in turn, or what is wrong with it.

        Raises:
            TypeError: `photos` is a single one.
            ValueError: there are more photos than names, or the other way round; raised when the
                shorter of them ends.
        """
        if is_one_photo(photos):  # which would be taken letter by letter, or row by row
            raise TypeError("map takes many photos; give a list of them, or call the segmenter")
        return self._map(photos, names, max_pixels)

    def _map(
        self, photos: Iterable[PhotoSource], names: Iterable[str] | None, max_pixels: int
    ) -> "Iterator[Segmentation | PhotoError | PersonError]":
        def read(item: tuple[PhotoSource, str | None]) -> Photo | PhotoError | PersonError:
            source, name = item
            called = name or (source if isinstance(source, str | os.PathLike) else "a photo")
            return _or_error(partial(read_photo, source, max_pixels=max_pixels, name=name), called)

        unnamed = zip(photos, repeat(None), strict=False)
        named = unnamed if names is None else _with_names(photos, names)
        for photo in overlapped(read, named):
            if isinstance(photo, Pix2SegError):
                yield photo
            else:
                yield _or_error(partial(self, photo), photo.file)

    def __call__(self, source: PhotoSource, *, max_pixels: int = MAX_PIXELS) -> Segmentation:
        """Segment a photo.

        Args:
            source: as `read_photo` takes it: a path, a file's bytes, an open file, a PIL image, or
                an array (H, W, 3) of RGB uint8.
            max_pixels: larger photos are refused.

        Raises:
            PhotoError: the photo cannot be read.
            PersonError: the box in which somebody is to be found lies outside it, or the
                extractor's mask has another size.
        """
        photo = read_photo(source, max_pixels=max_pixels)
        began = time.perf_counter()
        person = self.extractor.find(photo.pixels)
        if person.mask.shape != photo.pixels.shape[:2]:
            raise PersonError(
                f"{photo.file}: {self.extractor.version} gave a mask of {person.mask.shape} for a "
                f"photo of {photo.pixels.shape[:2]}"
            )
        people = tuple(self._segment(photo, member) for member in person.members)
        if len(people) > 1:
            whole = together(person, people)
        else:
            whole = people[0] if people else self._segment(photo, person)
        return replace(whole, people=people, seconds=time.perf_counter() - began)

    def _segment(self, photo: Photo, person: Person) -> Segmentation:
        began = time.perf_counter()
        pixels, scheme = photo.pixels, self.scheme
        seen, part, fit = self._look_at(pixels, person)
        drawing = partial(_whole_map, seen.draw, part, pixels.shape, scheme)
        map = drawing()
        raw = map_to_mask(map, scheme)
        mask = tidy(raw, person.visible(margin=0))
        opinion = None if seen.opinion is None else Opinion(seen.opinion, fit.mask(mask[part]))
        signs = read_signs(map, raw, mask, person, scheme, opinion)
        trust = judge(signs, mask, person)
        naming = None
        if seen.kinds is not None:
            naming = partial(name_kinds, seen.kinds, fit, part, pixels, mask, scheme)
        return Segmentation(
            photo=photo,
            drawing=drawing,
            mask=mask,
            scheme=scheme,
            person=person,
            model=self.model,
            seconds=time.perf_counter() - began,
            quality=trust.quality,
            review=trust.review,
            signs=signs,
            naming=naming,
        )

    def _look_at(
        self, pixels: NDArray[np.uint8], person: Person
    ) -> tuple["_Seen", tuple[slice, slice], Fit]:
        """What the generator sees of a person, in which part of the photo, and where in the frame.

        Rows and columns of the part around the person alone.
        """
        part = person.part(self.info.size, self.margin)
        seen = pixels[part]
        fit = Fit.of_person(person.mask[part], self.info.size)
        framed = shown = fit.photo(seen)
        certainty = None
        if person.found and person.belief is not None:
            certainty = fit.soft(person.belief, pixels.shape[:2], part)
        if self.hides(person):
            inside = fit.mask(person.mask[part].view(np.uint8)) > 0
            visible = soften(widen(inside, self.margin), self.softness)
            shown = hide_background(framed, visible, self.info.background)
        return self._look(shown, framed, fit, certainty), part, fit

    def hides(self, person: Person) -> bool:
        """Whether the generator sees grey in place of what is not this person."""
        if not person.found:
            return False
        if self.hide is not None:
            return self.hide
        return self.info.hide or (self.info.knows_hidden and person.belief is not None)

    def _segment_pixels(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Class ids, uint8 (H, W), of RGB pixels, uint8 (H, W, 3), as they are."""
        fit = Fit((pixels.shape[1], pixels.shape[0]), self.info.size)
        map = np.empty_like(pixels)
        framed = fit.photo(pixels)
        self._look(framed, framed, fit).draw(map)
        return map_to_mask(map, self.scheme)

    def _look(
        self,
        shown: NDArray[np.uint8],
        framed: NDArray[np.uint8],
        fit: Fit,
        person: NDArray[np.float32] | None = None,
    ) -> "_Seen":
        """What the generator sees of a photo that `fit` put into the frame.

        `shown` is what it is shown of it, and `framed` all of it, both uint8 (h, w, 3); `person` is
        how sure the extractor is of each pixel, float32 (h, w).
        """
        views = np.stack([shown, shown[:, ::-1]]) if self.flip else shown[None]
        maps, *layers = self.generator.predict(views)
        probabilities, kinds, opinion = (
            None if layer is None else _unflipped(layer) for layer in layers
        )
        if probabilities is None:
            mean_map = np.mean([maps[0], *maps[1:, :, ::-1]], axis=0)
            return _Seen(partial(fit.draw_map, mean_map.round().astype(np.uint8)), kinds, opinion)
        if person is not None:
            probabilities = join_person(probabilities, person, self.join)
        settled = settle_hair(probabilities, self.scheme)
        led = follow_edges(settled, framed, fit)
        return _Seen(to_photo_map(led, fit, self.scheme), kinds, opinion)


class _Seen(NamedTuple):
    """What a generator sees of a photo.

    Attributes:
        draw: draws the map into an array of the photo's size, uint8 (H, W, 3).
        kinds: logits of the kinds over the frame, float32 (kinds, rows, columns), or None.
        opinion: the garment namer's own probabilities of the classes, as large, or None.
    """

    draw: Callable[[NDArray[np.uint8]], None]
    kinds: NDArray[np.float32] | None
    opinion: NDArray[np.float32] | None


def _with_names(
    photos: Iterable[PhotoSource], names: Iterable[str]
) -> Iterator[tuple[PhotoSource, str]]:
    """Each photo with its name.

    Raises:
        ValueError: one of the two ends before the other.
    """
    for count, (photo, name) in enumerate(zip_longest(photos, names, fillvalue=_ENDED)):
        if photo is _ENDED or name is _ENDED:
            fewer = "photos" if photo is _ENDED else "names"
            raise ValueError(f"there are only {count} {fewer}; give as many names as photos")
        yield cast(PhotoSource, photo), cast(str, name)


def _or_error(work: Callable[[], Result], photo: object) -> "Result | PhotoError | PersonError":
    """What some work on a photo gives, or what is wrong with the photo, by what it is called."""
    try:
        with enough_memory(photo):
            return work()
    except (PhotoError, PersonError) as error:
        return error


def _whole_map(
    draw: Callable[[NDArray[np.uint8]], None],
    part: tuple[slice, slice],
    shape: tuple[int, ...],
    scheme: Scheme,
) -> NDArray[np.uint8]:
    """The map of a part with background around it, uint8 of `shape`."""
    map = np.empty(shape, np.uint8)
    map[0] = scheme.colors[BACKGROUND]
    map[1:] = map[0]  # a row at a time: by the pixel it takes 60 times as long
    draw(map[part])
    return map


def _unflipped(views: NDArray[np.float32]) -> NDArray[np.float32]:
    """The mean of (1, C, h, w), or of a photo's and its mirror image's (2, C, h, w): (C, h, w)."""
    first: NDArray[np.float32] = views[0]
    if len(views) == 1:
        return first
    return np.asarray(np.mean([first, views[1, ..., ::-1]], axis=0), np.float32)


def load_person(
    name: str,
    *,
    engine: Engine = "auto",
    device: str = "cpu",
    weights: str | Path | None = None,
    **options: Any,
) -> PersonExtractor:
    """A person extractor by its name; `load_extractor` cannot give a cascade another generator.

    Args:
        name: a key of `pix2seg.preprocess.person.EXTRACTORS`.
        engine: what runs its network.
        device: where it runs.
        weights: its weights; for `cascade` those of the generator that makes the first pass.
        options: see `load_extractor`.

    Raises:
        PersonError: see `load_extractor`; or the box is none, or everyone is wanted as well.
        WeightsError: the weights cannot be used.
    """
    if options.get("box") is not None:
        if options.get("everyone"):
            raise PersonError("the person's box names one person; leave it out, or everyone")
        options["box"] = _checked_box(options["box"])
    if name != "cascade" or not weights:
        return load_extractor(name, engine=engine, device=device, weights=weights, **options)
    first = Segmenter(weights, engine=engine, device=device)
    first_pass = {"segment": lambda pixels: first(pixels).mask, "generator": first.info.version}
    return load_extractor(name, **options | first_pass)


def _checked_box(box: Any) -> tuple[float, ...]:
    """A person's box as numbers, left, top, right and bottom.

    Raises:
        PersonError: it is none.
    """
    try:
        x0, y0, x1, y1 = edges = tuple(box)
        is_box = x0 < x1 and y0 < y1 and all(map(math.isfinite, edges))
    except (TypeError, ValueError):
        is_box = False
    if not is_box:
        raise PersonError(
            f"the person box {box} is none; give (left, top, right, bottom) in pixels, such as "
            "(40, 10, 300, 700)"
        )
    return edges
