"""Score a generator on samples at network size, as a run does after each epoch."""

import numpy as np
import torch
from numpy.typing import NDArray

from pix2seg.classes import Scheme
from pix2seg.generators.base import Generator
from pix2seg.generators.inference import generate_maps
from pix2seg.thresholds import map_to_mask, mask_to_map
from pix2seg.train.generator.samples import Samples
from pix2seg.train.judge.scores import Scores, confusion_matrix
from pix2seg.train.run.distributed import rank, total, world_size


def validate(
    generator: Generator,
    samples: Samples,
    scheme: Scheme,
    device: torch.device,
    batch_size: int,
) -> Scores:
    """Scores of a generator in evaluation mode over all samples, shared among the processes."""
    confusion = np.zeros((len(scheme), len(scheme)), np.int64)
    mine = np.arange(len(samples))[rank() :: world_size()]
    for first in range(0, len(mine), batch_size):
        part = mine[first : first + batch_size]
        maps = generate_maps(generator, samples.photos[part], device)
        for truth, generated in zip(samples.masks[part], maps, strict=True):
            confusion += confusion_matrix(truth, map_to_mask(generated, scheme), len(scheme))
    counts = total(torch.from_numpy(confusion).to(device)).cpu().numpy()
    return Scores(counts, scheme.names)


def picture_grid(
    generator: Generator, samples: Samples, scheme: Scheme, device: torch.device
) -> NDArray[np.uint8]:
    """A row each of the first samples: photo, true map, generated map, mask. RGB uint8."""
    count = min(len(samples), 4)
    photos = samples.photos[:count]
    rows = [
        np.hstack(
            [
                photo,
                mask_to_map(truth, scheme),
                generated,
                mask_to_map(map_to_mask(generated, scheme), scheme),
            ]
        )
        for photo, truth, generated in zip(
            photos, samples.masks[:count], generate_maps(generator, photos, device), strict=True
        )
    ]
    return np.vstack(rows)
