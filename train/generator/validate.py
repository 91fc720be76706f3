"""Score a generator on samples at network size, as a run does after each epoch."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from pix2seg.classes import Scheme
from pix2seg.garments import kinds, name_kinds
from pix2seg.generators.base import Generator
from pix2seg.generators.inference import generate
from pix2seg.joining import to_map
from pix2seg.preprocess.fit import Fit
from pix2seg.thresholds import map_to_mask, mask_to_map
from pix2seg.train.generator.samples import Samples
from pix2seg.train.judge.scores import Scores, confusion_matrix
from pix2seg.train.run.distributed import rank, sum_over_processes, world_size

WHOLE = slice(None), slice(None)
"""Rows and columns of a photo that the network saw whole."""


def validate(
    generator: Generator,
    samples: Samples,
    scheme: Scheme,
    device: torch.device,
    batch_size: int,
) -> tuple[Scores, Scores]:
    """Scores of a generator in evaluation mode over all samples, shared among the processes.

    Returns:
        Those of the scheme's classes, and of the garments on pixels that the mask calls clothes;
        empty where the generator or the samples name none.
    """
    confusion = np.zeros((len(scheme), len(scheme)), np.int64)
    of_garments = np.zeros((len(kinds()), len(kinds())), np.int64)
    size = samples.masks.shape[2], samples.masks.shape[1]
    fit = Fit(size, size)
    mine = np.arange(len(samples))[rank() :: world_size()]
    for first in range(0, len(mine), batch_size):
        part = mine[first : first + batch_size]
        found = generate(generator, samples.photos[part], device)
        for i, mask in enumerate(_masks(found, scheme)):
            truth = samples[int(part[i])]
            confusion += confusion_matrix(truth.mask, mask, len(scheme))
            if "garments" in found and samples.garments is not None:
                logits = found["garments"][i]
                worn = name_kinds(logits, fit, WHOLE, truth.photo, mask, scheme).mask
                of_garments += confusion_matrix(truth.garments, worn, len(kinds()))
    counts, garment_counts = (
        sum_over_processes(torch.from_numpy(matrix).to(device)).cpu().numpy()
        for matrix in (confusion, of_garments)
    )
    return Scores(counts, scheme.names), Scores(garment_counts, kinds().names)


def _masks(found: Mapping[str, NDArray[Any]], scheme: Scheme) -> Iterator[NDArray[np.uint8]]:
    """The mask of each photo, uint8 (H, W), decided as a segmenter decides."""
    for i, generated in enumerate(found["map"]):
        if "probabilities" in found:
            generated = to_map(found["probabilities"][i], scheme)
        yield map_to_mask(generated, scheme)


def picture_grid(
    generator: Generator, samples: Samples, scheme: Scheme, device: torch.device
) -> NDArray[np.uint8]:
    """A row each of the first samples: photo, true map, generated map, mask. RGB uint8."""
    count = min(len(samples), 4)
    photos = samples.photos[:count]
    found = generate(generator, photos, device)
    rows = [
        np.hstack([photo, mask_to_map(truth, scheme), generated, mask_to_map(mask, scheme)])
        for photo, truth, generated, mask in zip(
            photos, samples.masks[:count], found["map"], _masks(found, scheme), strict=True
        )
    ]
    return np.vstack(rows)
