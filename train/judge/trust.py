"""Learn from photos with true masks what the signs of one pass mean for a result's mean IoU."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import compress

import numpy as np
from numpy.typing import NDArray

from pix2seg.errors import DatasetError
from pix2seg.segmenter import Segmenter
from pix2seg.train.judge.photo_sets import SetPhoto
from pix2seg.train.judge.scores import Scores, confusion_matrix
from pix2seg.trust import REASONS, Calibration, Meaning

FLAGGED = 0.195
"""The share of the calibration's photos that a reviewer is to see."""

WORST = 0.1
"""The share of the photos, by true mean IoU, that reviewing should find."""

RIDGE = 10.0
"""How strongly effects are drawn to 0; from 2 to 20 the held-out figures hardly change."""

FOLDS = 10

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class JudgedPhoto:
    """One segmented photo: its name, the set it is of, its signs and its true mean IoU.

    A photo and the hard ones made from it share a name.
    """

    photo: str
    set: str
    signs: dict[str, float]
    mean_iou: float


def read_samples(segmenter: Segmenter, photos: Iterable[SetPhoto]) -> list[JudgedPhoto]:
    """Segment photos and note signs and true mean IoU of each.

    Args:
        segmenter: what is to be calibrated.
        photos: as `photo_sets` gives them.
    """
    samples: list[JudgedPhoto] = []
    scheme = segmenter.scheme
    for name, photo, pixels, truth in photos:
        result = segmenter(pixels)
        scores = Scores(confusion_matrix(truth, result.mask, len(scheme)), scheme.names)
        samples.append(JudgedPhoto(photo, name, dict(result.signs), scores.mean_iou))
    return samples


def calibrate(samples: Sequence[JudgedPhoto], weights: str, person: str) -> Calibration:
    """The calibration that fits samples best, with what it reaches on photos it has not seen.

    Args:
        samples: at least of `FOLDS` photos.
        weights: version of the generator.
        person: version of the person extractor.

    Raises:
        DatasetError: there are fewer photos.
    """
    true = np.array([sample.mean_iou for sample in samples])
    held_out, flagged = np.empty(len(samples)), np.empty(len(samples), bool)
    names = sorted({sample.photo for sample in samples})
    if len(names) < FOLDS:
        raise DatasetError(f"{len(names)} photos are too few to calibrate on; give {FOLDS} or more")
    folds = np.array([names.index(sample.photo) % FOLDS for sample in samples])
    for fold in range(FOLDS):
        out = folds == fold
        others = list(compress(samples, ~out))
        fitted = _fit(others)
        held_out[out] = _estimates(fitted, list(compress(samples, out)))
        flagged[out] = held_out[out] < _threshold(_estimates(fitted, others))
    fitted = _fit(samples)
    estimates = _estimates(fitted, samples)
    threshold = _threshold(estimates)
    sets = {sample.set for sample in samples}
    facts = {
        "generator": weights,
        "person": person,
        "photos": {name: sum(s.set == name for s in samples) for name in sorted(sets)},
        "mean_iou": {
            name: round(float(np.mean([s.mean_iou for s in samples if s.set == name])), 4)
            for name in sorted(sets)
        },
        "fitted": _reached(true, estimates, estimates < threshold),
        "held_out": _reached(true, held_out, flagged),
    }
    return Calibration(fitted.signs, fitted.offset, threshold, facts)


def _estimates(calibration: Calibration, samples: Sequence[JudgedPhoto]) -> Floats:
    return np.array([calibration.judge(sample.signs).quality for sample in samples])


def _threshold(estimates: Floats) -> float:
    """Results of a lower quality are for a reviewer to see."""
    return round(float(np.quantile(estimates, FLAGGED)), 4)


def _fit(samples: Sequence[JudgedPhoto]) -> Calibration:
    """Ridge regression of the mean IoU on each sign and its square.

    Its log odds would spread out the good results, of which nothing is asked, and find fewer of
    the bad ones.
    """
    signs = np.array([[sample.signs[name] for name in REASONS] for sample in samples])
    known = np.ma.masked_invalid(signs)  # without an extractor, some signs are unknown
    mean, deviation = known.mean(0).filled(0.0), known.std(0).filled(0.0) + 1e-6
    meanings = {
        name: Meaning(float(mean[i]), float(deviation[i]), 0.0, 0.0)
        for i, name in enumerate(REASONS)
    }
    z = np.array([[m.scaled(s.signs[name]) for name, m in meanings.items()] for s in samples])
    z = np.nan_to_num(z)  # what is unknown has no effect
    features = np.hstack([z, z * z])
    centre = features.mean(0)
    true = np.array([sample.mean_iou for sample in samples])
    centred = features - centre
    normal = centred.T @ centred + RIDGE * np.eye(len(centre))
    effects = np.linalg.solve(normal, centred.T @ (true - true.mean()))
    slopes, curves = np.split(effects, 2)
    return Calibration(
        {
            name: Meaning(m.mean, m.deviation, float(slope), float(curve))
            for (name, m), slope, curve in zip(meanings.items(), slopes, curves, strict=True)
        },
        float(true.mean() - centre @ effects),
        0.0,
        {},
    )


def _reached(true: Floats, estimates: Floats, flagged: NDArray[np.bool_]) -> dict[str, float]:
    """How near estimates are to the truth, and how many of the worst photos are flagged."""
    from scipy.stats import spearmanr

    worst = true <= np.quantile(true, WORST)
    return {
        "flagged": round(float(flagged.mean()), 4),
        "worst_tenth_found": round(float(flagged[worst].mean()), 4),
        "rank_correlation": round(float(spearmanr(true, estimates).statistic), 4),
        "mean_error": round(float(np.abs(true - estimates).mean()), 4),
    }
