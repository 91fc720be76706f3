"""From a masked photo to its palette: a colour histogram, weighted k-means, a merge, medoids.

The cost does not grow with the photo: large photos are read on a grid, and k-means sees
histogram bins, not pixels.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from pix2seg.colors.color import Color
from pix2seg.colors.kmeans import kmeans
from pix2seg.colors.names import basic_names, feed_text, name_of
from pix2seg.colors.space import Floats, distances, even, to_lab
from pix2seg.distinct import distinct
from pix2seg.limits import MOST_COLORS

MAX_COLORS = 5
"""The default cap on a palette's colours."""

FEW_COLORS = 3
"""The default cap for skin and hair."""

MERGE_DISTANCE = 6.0
"""Clusters closer than this CIEDE2000 (kL = 2, as the textile trade takes it) become one."""

READ_PIXELS = 1 << 19
"""Larger photos are read on a grid of every second, third ... pixel until this many are left."""

READ_MASKED = 1 << 16
"""Of a mask at least so many pixels are read, if it has them."""

EDGE = 0.004
"""Width of a mask's uncertain border, as a share of the photo's shorter side."""

EDGE_WEIGHT = 0.1
"""What a border pixel counts, where a pixel inside counts 1."""

GLARE_WEIGHT = 0.5
"""What a blown highlight or a pixel in deep shadow counts."""

STARTS = 3
"""k-means starts so often and keeps the best: then a photo and its thumbnail agree better."""

BITS = 5
"""Bits of each channel that choose a pixel's histogram bin."""


@dataclass(frozen=True)
class Swatch:
    """One colour of a palette.

    Attributes:
        color: a colour that occurs in the photo, the medoid of its cluster.
        mean: the cluster's mean, which may occur nowhere.
        share: the cluster's share of the masked pixels, 0..1.
    """

    color: Color
    mean: Color
    share: float

    @property
    def name(self) -> str:
        """The nearest CSS colour's name; see `pix2seg.colors.names` for other lists."""
        return name_of(self.color)

    @property
    def basic(self) -> str:
        """The base colour that shops call it, such as `navy`."""
        return name_of(self.color, "basic")


@dataclass(frozen=True)
class Palette:
    """Swatches, the largest share first; shares sum to 1.

    Attributes:
        swatches: none when the mask is empty.
        coverage: the mask's share of the photo, 0..1.
    """

    swatches: tuple[Swatch, ...]
    coverage: float

    def __len__(self) -> int:
        return len(self.swatches)

    def __iter__(self) -> Iterator[Swatch]:
        return iter(self.swatches)

    def __getitem__(self, rank: int) -> Swatch:
        return self.swatches[rank]

    @property
    def basic(self) -> tuple[str, ...]:
        """Its base colours; see `pix2seg.colors.names.basic_names`."""
        return basic_names(self)

    @property
    def feed(self) -> str:
        """A shop feed's colour, such as `Navy/White`; see `pix2seg.colors.names.feed_text`."""
        return feed_text(self)


@dataclass(frozen=True)
class _Histogram:
    """The occupied bins of a masked photo.

    Attributes:
        channels: red, green and blue of the masked pixels, uint8 (3, P): planes, because NumPy
            picks single bytes by a mask four times as fast as rows of three.
        codes: the pixels' bins, uint16 (P,).
        bins: the codes of the occupied bins, intp (B,).
        counts: pixels in each bin, float (B,).
        weights: the same, with border and glare counted less, float (B,).
        srgb: each bin's mean colour, 0..1, float (B, 3); `lab` the same in L*a*b*.
    """

    channels: NDArray[np.uint8]
    codes: NDArray[np.uint16]
    bins: NDArray[np.intp]
    counts: Floats
    weights: Floats
    srgb: Floats
    lab: Floats


def extract_palette(
    pixels: NDArray[np.uint8],
    mask: NDArray[np.bool_] | None = None,
    max_colors: int = MAX_COLORS,
) -> Palette:
    """The colours of a photo, or of what lies under a mask.

    The colours come from the mask's inside, where glare and deep shadow count less; the shares
    count every pixel under the mask. The same input gives the same palette.

    Args:
        pixels: RGB uint8 (H, W, 3).
        mask: bool (H, W); by default every pixel counts.
        max_colors: at most so many colours, 1 to `MOST_COLORS`.

    Returns:
        At most `max_colors` swatches; none for an empty mask.

    Raises:
        ValueError: the shapes differ, or `max_colors` is out of bounds.
    """
    if not 1 <= max_colors <= MOST_COLORS:
        raise ValueError(f"max_colors is {max_colors}; give 1 to {MOST_COLORS}")
    if mask is None:
        mask = np.ones(pixels.shape[:2], np.bool_)
    if pixels.shape[:2] != mask.shape:
        raise ValueError(f"pixels {pixels.shape} and mask {mask.shape} are not of one size")
    masked = int(np.count_nonzero(mask))
    if masked == 0:
        return Palette((), 0.0)
    histogram = _histogram(*_on_grid(pixels, mask, masked))
    clusters = _cluster(histogram, max_colors)
    total = histogram.counts.sum()
    swatches = [
        Swatch(
            _medoid(histogram, inside),
            Color(*_mean(histogram, inside)),
            float(histogram.counts[inside].sum() / total),
        )
        for inside in (np.flatnonzero(clusters == i) for i in distinct(clusters))
    ]
    return Palette(
        tuple(sorted(swatches, key=lambda s: (-s.share, s.color.hex))), masked / mask.size
    )


def _on_grid(
    pixels: NDArray[np.uint8], mask: NDArray[np.bool_], masked: int
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Every n-th pixel of a large photo; more of it, or all, where few are `masked`.

    A grid for the whole photo would miss thin things: a belt between two of its rows.
    """
    coarsest = np.ceil(np.sqrt(mask.size / READ_PIXELS))
    step = max(int(min(coarsest, np.sqrt(masked / READ_MASKED))), 1)
    grid = mask[::step, ::step]
    return (pixels[::step, ::step], grid) if grid.any() else (pixels, mask)


def _histogram(pixels: NDArray[np.uint8], mask: NDArray[np.bool_]) -> _Histogram:
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    edge = max(1, round(EDGE * min(mask.shape)))
    box = _around(rows, edge), _around(columns, edge)  # where the photo ends, no edge is seen
    inside = _erode(mask[box], edge)[mask[box]]
    channels = np.stack([pixels[box][..., i][mask[box]] for i in range(3)])

    red, green, blue = (channels >> (8 - BITS)).astype(np.uint16)
    codes = red << 2 * BITS | green << BITS | blue
    size = 1 << 3 * BITS
    counts = np.bincount(codes, minlength=size)
    bins = np.flatnonzero(counts)
    occurrences = counts[bins].astype(np.float64)
    sums = [np.bincount(codes, channel, size)[bins] for channel in channels]
    srgb = np.stack(sums, axis=1) / occurrences[:, None] / 255
    lab = to_lab(srgb)
    inner = np.bincount(codes[inside], minlength=size)[bins]
    weights = (inner + EDGE_WEIGHT * (occurrences - inner)) * _exposure(lab)
    return _Histogram(channels, codes, bins, occurrences, weights, srgb, lab)


def _around(indices: NDArray[np.intp], edge: int) -> slice:
    return slice(max(int(indices[0]) - edge, 0), int(indices[-1]) + edge + 1)


def _erode(mask: NDArray[np.bool_], width: int) -> NDArray[np.bool_]:
    kernel = np.ones((2 * width + 1, 2 * width + 1), np.uint8)
    return cv2.erode(mask.view(np.uint8), kernel).view(bool)


def _exposure(lab: Floats) -> Floats:
    """1 for a well exposed colour, `GLARE_WEIGHT` for blown white and the blackest black."""
    lightness = lab[:, 0]
    return np.interp(lightness, [2, 8, 95, 99], [GLARE_WEIGHT, 1, 1, GLARE_WEIGHT])


def _cluster(histogram: _Histogram, max_colors: int) -> NDArray[np.intp]:
    """The cluster of each bin, (B,): at most `max_colors`, whose means are not near each other."""
    points, weights = even(histogram.lab), histogram.weights
    count = min(max_colors, len(points))
    clusters = kmeans(points, weights, count, STARTS)
    sizes = np.bincount(clusters, weights, count).astype(np.float64)
    sums = [np.bincount(clusters, weights * axis, count) for axis in histogram.lab.T]
    filled = sizes > 0
    groups = np.zeros(count, np.intp)
    means = np.stack(sums, axis=1)[filled] / sizes[filled, None]
    groups[filled] = _join_near(means, sizes[filled])
    return groups[clusters]


def _join_near(means: Floats, sizes: Floats) -> NDArray[np.intp]:
    """The group of each L*a*b* mean, (K, 3): the nearest two joined until none are near.

    Means of groups are `MERGE_DISTANCE` or more apart. `sizes`, (K,), says what each mean weighs.
    """
    groups = np.arange(len(means))
    while True:
        alone = distinct(groups)
        mean = np.array([np.average(means[groups == g], 0, sizes[groups == g]) for g in alone])
        gaps = distances(mean, mean, lightness_scale=2)
        np.fill_diagonal(gaps, np.inf)
        if gaps.min() >= MERGE_DISTANCE:
            return groups
        one, other = np.unravel_index(np.argmin(gaps), gaps.shape)
        groups[groups == alone[other]] = alone[one]


def _mean(histogram: _Histogram, inside: NDArray[np.intp]) -> list[float]:
    """The sRGB components of a cluster's mean; that of ones may come out a little larger."""
    mean = np.average(histogram.srgb[inside], 0, histogram.weights[inside])
    components: list[float] = mean.clip(0, 1).tolist()
    return components


def _medoid(histogram: _Histogram, inside: NDArray[np.intp]) -> Color:
    """The colour of the cluster from which the squared distances to the others are least.

    That is the one nearest to the cluster's mean; it is sought in the bin nearest to it.
    """
    points = even(histogram.lab[inside])
    mean = np.average(points, 0, histogram.weights[inside])
    nearest = inside[np.argmin(np.sum((points - mean) ** 2, axis=1))]
    members = np.flatnonzero(histogram.codes == histogram.bins[nearest])
    red, green, blue = histogram.channels[:, members].astype(np.uint32)
    packed = distinct(red << 16 | green << 8 | blue)
    colors = np.stack([packed >> 16, packed >> 8 & 255, packed & 255], axis=1)
    gaps = np.sum((even(to_lab(colors / 255)) - mean) ** 2, axis=1)
    return Color.from_rgb(*colors[np.argmin(gaps)].tolist())
