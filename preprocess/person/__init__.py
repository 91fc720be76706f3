"""Person extractors: RGB photo in, person mask, box and score out.

To add one, write a module with a class that has `find` and `version` as `PersonExtractor` says,
and name it in `EXTRACTORS`; the arguments of its constructor become its options.
"""

import inspect
from importlib import import_module
from typing import Any, cast

from pix2seg.errors import PersonError, near_matches
from pix2seg.preprocess.fit import Box
from pix2seg.preprocess.person.base import Person, PersonExtractor

__all__ = ["EXTRACTORS", "Box", "Person", "PersonExtractor", "load_extractor"]

EXTRACTORS = {
    "mask-rcnn": "pix2seg.preprocess.person.mask_rcnn.extractor:MaskRCNN",
    "cascade": "pix2seg.preprocess.person.cascade:Cascade",
    "grabcut": "pix2seg.preprocess.person.grabcut:GrabCut",
    "detectron2": "pix2seg.preprocess.person.detectron2:Detectron2",
    "none": "pix2seg.preprocess.person.none:WholePhoto",
}
"""Module and class of each extractor; a module is imported only when its extractor is loaded."""

_OFFERED = {"device", "engine", "segment", "generator"}
"""Options that a caller may offer to every extractor; those without a use for one ignore it."""


def check_extractor(name: str) -> None:
    """Refuse a name that no person extractor has.

    Raises:
        PersonError: none of `EXTRACTORS` has it.
    """
    if name not in EXTRACTORS:
        meant = near_matches(name, EXTRACTORS) or f"take one of {', '.join(EXTRACTORS)}"
        raise PersonError(f"no person extractor '{name}'; {meant}")


def load_extractor(name: str, **options: Any) -> PersonExtractor:
    """An extractor by its name, ready to use for many photos.

    Args:
        name: a key of `EXTRACTORS`.
        options: arguments of the extractor's constructor, such as `everyone=True` or
            `box=(x0, y0, x1, y1)`. Those that are None or False keep their defaults, and
            `device`, `engine`, `segment` and `generator` may be given to every extractor.

    Raises:
        PersonError: no extractor has that name, it does not take one of the options, or it is
            not installed.
    """
    check_extractor(name)
    module, _, class_name = EXTRACTORS[name].partition(":")
    factory = getattr(import_module(module), class_name)
    takes = set(inspect.signature(factory).parameters)
    wanted = {k: v for k, v in options.items() if v is not None and v is not False}
    refused = sorted(set(wanted) - takes - _OFFERED)
    if refused:
        raise PersonError(
            f"person extractor '{name}' has no option {', '.join(refused)}; "
            f"it takes {', '.join(sorted(takes - _OFFERED)) or 'none'}"
        )
    return cast(PersonExtractor, factory(**{k: v for k, v in wanted.items() if k in takes}))
