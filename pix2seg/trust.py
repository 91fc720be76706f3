"""How far a result can be trusted: an estimate of its mean IoU, and whether somebody should look.

One pass tells a lot about itself: how sure the map is of its classes, whether it agrees with the
person extractor, how torn the outlines are. `read_signs` turns that into a few numbers, and
`trust.json`, which `pix2seg calibrate` writes, says what they meant for the mean IoU of photos
whose true masks are known.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache, lru_cache
from importlib import resources
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from pix2seg.classes import BACKGROUND, Scheme
from pix2seg.preprocess.person import Person
from pix2seg.preprocess.person.base import box_around

WORKING_SIDE = 512
"""Signs of larger people are read from every second, third ... pixel."""

UNSURE = 0.75
"""A pixel's certainty below which it might as well be of another class."""

NONE_SURE = 0.5
"""The certainty of a class that the mask lacks. Hair that is not found is mostly lost: to count it
as unknown found 65 % of the worst tenth where this found 70 %."""

HEAD = 6
"""A standing person is so many heads tall, or a little more."""

CROWN = 14
"""The top of the head, where hats are, is such a part of a person's height."""

CUT = 0.02
"""Whoever is seen in this uppermost part of a photo may go on above it: catalogues often show
people from the chin down, and of a head that is not in the photo nothing can be said."""

FAR_OFF = 3.0
"""Deviations from the mean beyond which a sign counts no more: nothing farther was calibrated."""

CLEAREST = 0.98
"""No photo of the calibration has a better mask, so no result is said to, however sure it looks."""

REASONS = {
    "certainty": "the classes are unsure",
    "skin_certainty": "the skin is unsure",
    "hair_certainty": "the hair is unsure",
    "unsure": "large parts are unsure",
    "agreement": "mask and person disagree",
    "outside": "much of the mask lies outside the person",
    "missing": "much of the person is in no class",
    "removed": "much was tidied away",
    "torn": "the outlines are torn",
    "height": "the person is unusually small in the photo",
    "score": "it is unsure who the person is",
    "hair": "there is unusually little hair",
    "face": "there is unusually little skin on the head",
    "crown": "it is unsure whether the head is covered",
    "hair_depth": "the hair lies in an unusual place",
    "second_skin": "a second look disagrees about the skin",
    "second_hair": "a second look disagrees about the hair",
    "second_clothes": "a second look disagrees about the clothes",
}
"""The signs, and what each says to people where it speaks most against a result."""

REASONS_OF_MUCH = {
    "height": "the person is unusually large in the photo",
    "hair": "there is unusually much hair",
    "face": "there is unusually much skin on the head",
}
"""What those say of which more than usual is as bad as less."""

SEEN_TWICE = ("skin", "hair", "clothes")
"""Classes of which the garment namer's opinion is asked."""

OF_CLASS = {
    "skin": ("skin_certainty", "face"),
    "hair": ("hair_certainty", "hair", "hair_depth", "crown"),
}
"""Signs that are unknown where the scheme has no such class."""

OF_HEAD = ("face", "crown", "hair_depth")
"""Signs that are unknown where the photo may end below the head."""

LIKELY = 0.5
"""From this probability on the opinion sees a class somewhere."""

LEAST_SEEN = 3
"""A class that fills fewer of the opinion's pixels is not judged by it."""

TINY = 0.15
"""Of a person with a smaller share of the photo's height, that alone is reason enough."""

NO_HEAD = "no head found"
NOBODY = "nobody found, so the whole photo was segmented"
NOTHING = "no clothes, skin or hair found"
ALL_ONE = "the whole photo is one class"


@dataclass(frozen=True)
class Trust:
    """How far a result can be trusted.

    Attributes:
        quality: an estimate of the mask's mean IoU, 0..1.
        review: why somebody should look at the result, or None.
    """

    quality: float
    review: str | None


@dataclass(frozen=True)
class Meaning:
    """What a sign means for the mean IoU: slope * z + curve * z^2.

    Attributes:
        mean, deviation: over the photos of the calibration; z counts deviations from the mean.
        slope, curve: the effects.
    """

    mean: float
    deviation: float
    slope: float
    curve: float

    def scaled(self, sign: float) -> float:
        """The sign's z."""
        return float(np.clip((sign - self.mean) / self.deviation, -FAR_OFF, FAR_OFF))

    def effect(self, sign: float) -> float:
        """What the sign adds to the mean IoU; nothing where it is unknown (NaN)."""
        if np.isnan(sign):
            return 0.0
        z = self.scaled(sign)
        return self.slope * z + self.curve * z * z


@dataclass(frozen=True)
class Calibration:
    """What the signs meant for photos whose true masks are known.

    Attributes:
        signs: the meaning of each.
        offset: the mean IoU where every sign is at its mean.
        threshold: results with a lower quality are to be looked at.
        facts: what was calibrated on, and what it reached.
    """

    signs: Mapping[str, Meaning]
    offset: float
    threshold: float
    facts: Mapping[str, Any]

    def judge(self, signs: Mapping[str, float]) -> Trust:
        """Quality, and under the threshold the reason that weighs most."""
        effects = {name: meaning.effect(signs[name]) for name, meaning in self.signs.items()}
        quality = float(np.clip(self.offset + sum(effects.values()), 0, CLEAREST))
        if quality >= self.threshold:
            return Trust(quality, None)
        worst = min(effects, key=lambda name: effects[name])
        much = signs[worst] > self.signs[worst].mean
        return Trust(quality, (much and REASONS_OF_MUCH.get(worst)) or REASONS[worst])

    def to_dict(self) -> dict[str, Any]:
        """The calibration as plain data, as in `trust.json`."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """The inverse of `to_dict`."""
        signs = {name: Meaning(**meaning) for name, meaning in data["signs"].items()}
        return cls(signs, data["offset"], data["threshold"], data["facts"])


@cache
def built_in_calibration() -> Calibration:
    """The calibration of the weights in the box."""
    file = resources.files("pix2seg").joinpath("trust.json")
    return Calibration.from_dict(json.loads(file.read_text("utf-8")))


@dataclass(frozen=True)
class Opinion:
    """How the garment namer, which knows more pictures than the rest of a generator, sees a photo.

    Attributes:
        probabilities: of each class over the frame, float32 (classes, h, w).
        mask: class ids of the mask in the frame, uint8 (H, W), multiples of h and w.
    """

    probabilities: NDArray[np.float32]
    mask: NDArray[np.uint8]

    def agreement(self, class_id: int) -> float:
        """The soft IoU of the mask's and the opinion's class, 0..1; NaN where neither has it."""
        step = self.mask.shape[0] // self.probabilities.shape[1]
        there = self.mask[step // 2 :: step, step // 2 :: step] == class_id
        believed = self.probabilities[class_id]
        if np.count_nonzero(there | (believed >= LIKELY)) < LEAST_SEEN:
            return float("nan")
        return float(believed[there].sum() / np.where(there, 1.0, believed).sum())


def judge(signs: Mapping[str, float], mask: NDArray[np.uint8], person: Person) -> Trust:
    """How far a result can be trusted, by what `read_signs` read."""
    if (mask == mask[0, 0]).all():  # nothing was calibrated on such photos
        return Trust(0.0, NOTHING if mask[0, 0] == BACKGROUND else ALL_ONE)
    trust = built_in_calibration().judge(signs)
    review = trust.review
    if not person.found:
        review = NOBODY
    elif review and signs["height"] < _log(TINY):
        review = REASONS["height"]
    elif review and signs["face"] == signs["hair"] == _log(0):
        review = NO_HEAD
    return Trust(trust.quality, review)


def read_signs(
    map: NDArray[np.uint8],
    raw: NDArray[np.uint8],
    mask: NDArray[np.uint8],
    person: Person,
    scheme: Scheme,
    opinion: Opinion | None = None,
) -> dict[str, float]:
    """What speaks for and against a result, by the keys of `REASONS`.

    Shares are told by their logarithms, since from 1 to 2 % is as far as from 10 to 20. What cannot
    be known, for want of an extractor, of a class or of a head in the photo, is NaN.

    Args:
        map: RGB uint8 (H, W, 3).
        raw: class ids as the map says, uint8 (H, W).
        mask: the same, tidied.
        person: what the extractor found.
        scheme: the classes.
        opinion: what else the generator says of the photo, if its weights do.
    """
    box = box_around((raw != BACKGROUND) | person.mask)
    step = max(-(-max(box[2] - box[0], box[3] - box[1]) // WORKING_SIDE), 1)
    cut = bool((mask[: math.ceil(CUT * len(mask))] != BACKGROUND).any())
    part = slice(box[1], box[3], step), slice(box[0], box[2], step)
    mask, sure = mask[part], _certainty(map[part], scheme)
    seen, kept, found = raw[part] != BACKGROUND, mask != BACKGROUND, person.mask[part]
    skin, hair = (_where(mask, scheme, name) for name in ("skin", "hair"))
    size = np.count_nonzero(kept)
    hair_beyond = cut and not hair.any()  # in what is not in the photo
    if person.mask.all():  # no extractor looked
        of_person = dict.fromkeys(("agreement", "outside", "missing", "score"), np.nan)
    else:
        of_person = {
            "agreement": -np.log(1.02 - _share(seen & found, seen | found)),
            "outside": _log(_share(seen & ~found, seen)),
            "missing": _log(_share(found & ~seen, found)),
            "score": -np.log(1.02 - person.score),
        }
    signs = of_person | {
        "certainty": -np.log(1.02 - _mean(sure, kept)),
        "skin_certainty": _mean(sure, skin),
        "hair_certainty": np.nan if hair_beyond else _mean(sure, hair),
        "unsure": _log(int(np.count_nonzero(sure < UNSURE)) / max(int(size), 1)),
        "removed": _log(_share(seen & ~kept, seen)),
        "torn": float(np.count_nonzero(_outline(mask)) / max(float(np.sqrt(size)), 1.0)),
        "height": _log((box[3] - box[1]) / map.shape[0]),
        "hair": _log(_share(hair, kept)),
        **(dict.fromkeys(OF_HEAD, np.nan) if cut else _signs_of_head(kept, skin, hair)),
        **_second_look(opinion, scheme),
    }
    if hair_beyond:
        signs["second_hair"] = np.nan
    for name, of_class in OF_CLASS.items():
        if name not in scheme.names:
            signs |= dict.fromkeys(of_class, np.nan)
    return signs


def _signs_of_head(
    kept: NDArray[np.bool_], skin: NDArray[np.bool_], hair: NDArray[np.bool_]
) -> dict[str, float]:
    """What there is at the top: hats taken for hair, and hair lost, cost most and look sure."""
    _, first, _, end = box_around(kept)
    height = end - first
    head = slice(first, first + -(-height // HEAD))
    crown = slice(first, first + -(-height // CROWN))
    covered = kept & ~skin & ~hair
    depth = float(np.nonzero(hair)[0].mean() - first) / height if hair.any() else 0.0
    return {
        "face": _log(_share(skin[head], kept[head])),
        "crown": _share(covered[crown], kept[crown]),
        "hair_depth": depth,
    }


def _second_look(opinion: Opinion | None, scheme: Scheme) -> dict[str, float]:
    found = dict.fromkeys((f"second_{name}" for name in SEEN_TWICE), np.nan)
    if opinion is not None:
        known = (name for name in SEEN_TWICE if name in scheme.names)
        found |= {f"second_{name}": opinion.agreement(scheme.id_of(name)) for name in known}
    return found


def _log(share: float) -> float:
    return float(np.log(share + 0.01))


def _share(some: NDArray[np.bool_], of: NDArray[np.bool_]) -> float:
    return np.count_nonzero(some) / max(int(np.count_nonzero(of)), 1)


def _mean(certainty: NDArray[np.float32], where: NDArray[np.bool_]) -> float:
    return float(certainty[where].mean()) if where.any() else NONE_SURE


def _where(mask: NDArray[np.uint8], scheme: Scheme, name: str) -> NDArray[np.bool_]:
    if name not in scheme.names:
        return np.zeros(mask.shape, bool)
    return np.asarray(mask == scheme.id_of(name))


def _outline(mask: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Pixels whose right or lower neighbour is of another class."""
    edges = np.zeros(mask.shape, bool)
    edges[:, :-1] |= mask[:, :-1] != mask[:, 1:]
    edges[:-1] |= mask[:-1] != mask[1:]
    return edges


def _certainty(map: NDArray[np.uint8], scheme: Scheme) -> NDArray[np.float32]:
    """How much nearer a colour is to its class's than to the next: 0.5 between both, 1 on it."""
    red, green, blue = (map[..., channel] >> 3 for channel in range(3))
    return np.asarray(_certainty_table(scheme)[red, green, blue])


@lru_cache(maxsize=16)
def _certainty_table(scheme: Scheme) -> NDArray[np.float32]:
    """The certainty of every colour at 5 bits a channel, float32 (32, 32, 32)."""
    levels = np.linspace(0, 255, 32, dtype=np.float32)
    grid = np.stack(np.meshgrid(levels, levels, levels, indexing="ij"), axis=-1)
    first = np.full(grid.shape[:3], np.inf, np.float32)
    second = first.copy()
    for color in scheme.colors.astype(np.float32):
        gap = np.asarray(np.linalg.norm(grid - color, axis=-1), np.float32)
        second = np.minimum(second, np.maximum(first, gap))
        first = np.minimum(first, gap)
    return np.asarray(second / (first + second), np.float32)
