"""The service itself, apart from HTTP: the model, its work, and what is known of both."""

import asyncio
import mimetypes
from collections.abc import Callable, Mapping
from contextlib import suppress
from copy import copy
from time import perf_counter
from typing import TYPE_CHECKING, Any, get_args

from pix2seg.colors.names import NameList
from pix2seg.errors import PersonError, Pix2SegError, ServiceError
from pix2seg.serve.answers import picture_names, segment_answer
from pix2seg.serve.log import LOGGER, log_event
from pix2seg.serve.metrics import Metrics
from pix2seg.serve.options import Export, SegmentOptions
from pix2seg.serve.problems import Problem
from pix2seg.serve.sending import Sending
from pix2seg.serve.settings import Settings
from pix2seg.serve.uploads import Upload, UploadMemory
from pix2seg.serve.work import Task, Work

if TYPE_CHECKING:
    from pix2seg.classes import Scheme
    from pix2seg.photo import Photo
    from pix2seg.result import Segmentation
    from pix2seg.segmenter import Segmenter

WARM_SIZE = (64, 96)
"""Of the photo that runs through all steps before the service calls itself ready."""


class Service:
    """One model and the work it does.

    Args:
        settings: what the service was told.
        failed: called with the error if the model cannot be loaded.
    """

    def __init__(self, settings: Settings, failed: Callable[[Pix2SegError], None]) -> None:
        self.settings, self.metrics, self.sending = settings, Metrics(), Sending()
        self.memory = UploadMemory((settings.queue + settings.batch) * settings.max_upload)
        self._failed = failed
        self._segmenter: Segmenter | None = None
        self._names_garments = False
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Begin to load the model; requests are taken as soon as it is warm."""
        self.work = Work(
            self._segment,
            queue=self.settings.queue,
            batch=self.settings.batch,
            metrics=self.metrics,
            sending=self.sending,
        )
        self._tasks = [asyncio.create_task(self._load()), asyncio.create_task(self.work.run())]

    async def stop(self) -> None:
        """End what `start` began."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.work.close()

    @property
    def segmenter(self) -> "Segmenter":
        """The model.

        Raises:
            Problem: it is still being loaded.
        """
        if self._segmenter is None:
            raise Problem("loading", "the model is being loaded; retry in 1 s", retry=1)
        return self._segmenter

    def read(self, upload: Upload) -> "Photo":
        """The photo of an upload.

        Raises:
            PhotoError: it cannot be read, or has too many pixels.
        """
        from pix2seg.photo import read_photo

        return read_photo(upload.photo, max_pixels=self.settings.max_pixels, name=upload.file)

    @property
    def picture_names(self) -> tuple[str, ...]:
        """The pictures that a photo can be answered with."""
        return picture_names(self.segmenter.scheme, self._names_garments)

    def info(self) -> dict[str, Any]:
        """What a client may want to know before it sends a photo."""
        from importlib.metadata import version

        from pix2seg.garments import kinds

        segmenter, settings = self.segmenter, self.settings
        return {
            "version": version("pix2seg"),
            "model": segmenter.model,
            "scheme": segmenter.scheme.name,
            "classes": _entries(segmenter.scheme),
            "garments": _entries(kinds()) if self._names_garments else None,
            "pictures": list(self.picture_names),
            "exports": list(get_args(Export)),
            "names": list(get_args(NameList)),
            "limits": {
                "max_upload": settings.max_upload,
                "max_pixels": settings.max_pixels,
                "deadline": settings.deadline,
            },
            "types": photo_types(),
            "token": bool(settings.tokens),
        }

    async def _load(self) -> None:
        began = perf_counter()
        try:
            segmenter, warm = await self.work.in_model_thread(lambda: _load_warm(self.settings))
        except Pix2SegError as error:
            self._failed(error)
            return
        except Exception:
            LOGGER.exception("fault")
            self._failed(ServiceError("the model cannot be loaded; the line before says why"))
            return
        self._segmenter, self._names_garments = segmenter, warm.naming is not None
        log_event("ready", seconds=round(perf_counter() - began, 3))

    def _segment(self, task: Task) -> "Segmentation | Exception":
        """One photo that fails must not fail those it was joined with."""
        try:
            return _choosing(self.segmenter, task.people)(task.photo)
        except Exception as error:
            return error


def _choosing(segmenter: "Segmenter", people: Mapping[str, Any]) -> "Segmenter":
    """A segmenter with the same networks that chooses other people.

    Raises:
        PersonError: its extractor does not choose so.
    """
    if not people:
        return segmenter
    segmenter, extractor = copy(segmenter), copy(segmenter.extractor)
    for name, value in people.items():
        if not hasattr(extractor, name) and value:
            raise PersonError(
                f"the person extractor here ({extractor.version}) cannot choose by {name}; "
                "leave it out"
            )
        setattr(extractor, name, value)
    segmenter.extractor = extractor
    return segmenter


def _entries(scheme: "Scheme") -> list[dict[str, Any]]:
    return [
        {"id": i, "name": c.name, "color": "#{:02x}{:02x}{:02x}".format(*c.color)}
        for i, c in enumerate(scheme.classes)
    ]


def _load_warm(settings: Settings) -> "tuple[Segmenter, Segmentation]":
    """The model, with every step done once, so that the first request waits for none.

    Returns:
        It, and what it made of the first photo.
    """
    import numpy as np

    from pix2seg.memory import keep_freed_memory
    from pix2seg.segmenter import Segmenter

    keep_freed_memory()
    segmenter = Segmenter(
        settings.weights,
        person=settings.person,
        engine=settings.engine,
        device=settings.device,
        precision=settings.precision,
        hide=settings.hide,
        flip=settings.flip,
        person_options=settings.person_options,
    )
    width, height = WARM_SIZE
    noise = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    warm = segmenter(noise)
    segment_answer(warm, SegmentOptions(pictures=("mask", "overlay")))
    return segmenter, warm


def photo_types() -> list[str]:
    """The media types of the photos that can be read here."""
    from PIL import Image

    from pix2seg.errors import PhotoFormatError
    from pix2seg.photo import FORMATS, register_heic

    Image.init()
    with suppress(PhotoFormatError):  # it is read where its library is installed
        register_heic()
    known = {Image.MIME.get(name) for name in FORMATS if name in Image.OPEN}
    return sorted(kind for kind in known if kind and mimetypes.guess_extension(kind))
