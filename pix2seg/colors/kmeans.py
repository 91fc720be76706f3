"""Weighted k-means with greedy k-means++ starts: scikit-learn's clusters without its import.

scikit-learn takes 1.3 s of CPU time and 150 MB to import, more than all else that a photo's
palettes need. The draws follow its order, so the labels are the same (a test compares them).
"""

import numpy as np
from numpy.typing import NDArray

from pix2seg.distinct import distinct

Floats = NDArray[np.float64]

MAX_ROUNDS = 300
"""Lloyd's algorithm ends at the latest after so many rounds."""

TOLERANCE = 1e-4
"""It ends when the centres' squared moves add up to less than this share of the variance."""


def kmeans(points: Floats, weights: Floats, count: int, starts: int) -> NDArray[np.intp]:
    """The cluster of each point, the best of several starts drawn with seed 0.

    Args:
        points: (N, D).
        weights: what each point counts, (N,), not all 0.
        count: how many clusters, 1 to N; fewer come out where fewer points differ.
        starts: how many starts.

    Returns:
        (N,), ids from 0 to `count` - 1.
    """
    random = np.random.RandomState(0)
    points = points - points.mean(axis=0)
    tolerance = TOLERANCE * float(points.var(axis=0).mean())
    best, least = np.zeros(len(points), np.intp), np.inf
    for _ in range(starts):
        centers = _spread_centers(points, weights, count, random)
        labels, inertia = _lloyd(points, weights, centers, tolerance)
        if inertia < least and not (np.isfinite(least) and _same(labels, best, count)):
            best, least = labels, inertia
    return best


def _spread_centers(
    points: Floats, weights: Floats, count: int, random: np.random.RandomState
) -> Floats:
    """Centres of greedy k-means++ (Arthur and Vassilvitskii 2007): of a few draws, the best."""
    trials = 2 + int(np.log(count))
    chosen = [int(random.choice(len(points), p=weights / weights.sum()))]
    nearest = _squared_distances(points, points[chosen])[0]
    while len(chosen) < count:
        draws = random.uniform(size=trials) * float(nearest @ weights)
        candidates = np.searchsorted(np.cumsum(weights * nearest), draws)
        candidates = candidates.clip(max=len(points) - 1)
        gaps = np.minimum(nearest, _squared_distances(points, points[candidates]))
        best = int(np.argmin(gaps @ weights))
        nearest = gaps[best]
        chosen.append(int(candidates[best]))
    return points[chosen]


def _lloyd(
    points: Floats, weights: Floats, centers: Floats, tolerance: float
) -> tuple[NDArray[np.intp], float]:
    """Labels and their weighted sum of squared distances."""
    labels = np.full(len(points), -1, np.intp)
    for _ in range(MAX_ROUNDS):
        before, labels = labels, _nearest(points, centers)
        if np.array_equal(labels, before):
            break
        moved = _means(points, weights, labels, centers)
        shift = float(((moved - centers) ** 2).sum())
        centers = moved
        if shift <= tolerance:
            labels = _nearest(points, centers)
            break
    inertia = float((((points - centers[labels]) ** 2).sum(axis=1) * weights).sum())
    return labels, inertia


def _nearest(points: Floats, centers: Floats) -> NDArray[np.intp]:
    return np.asarray(np.argmin((centers**2).sum(axis=1) - 2 * (points @ centers.T), axis=1))


def _means(points: Floats, weights: Floats, labels: NDArray[np.intp], centers: Floats) -> Floats:
    """Each cluster's weighted mean; an empty one takes the point farthest from its centre."""
    count = len(centers)
    sizes = np.bincount(labels, weights, count)
    sums = np.stack([np.bincount(labels, weights * axis, count) for axis in points.T], axis=1)
    empty = np.flatnonzero(sizes == 0)
    if len(empty):
        gaps = ((points - centers[labels]) ** 2).sum(axis=1)
        if gaps.max() > 0:
            far = np.argpartition(gaps, -len(empty))[: -len(empty) - 1 : -1]
            for new, index in zip(empty, far, strict=True):
                sums[labels[index]] -= points[index] * weights[index]
                sizes[labels[index]] -= weights[index]
                sums[new], sizes[new] = points[index] * weights[index], weights[index]
    filled = sizes > 0
    return np.where(filled[:, None], sums / np.where(filled, sizes, 1.0)[:, None], centers)


def _squared_distances(points: Floats, others: Floats) -> Floats:
    """(M, N), from each of M others to each of N points."""
    gaps = (others**2).sum(1)[:, None] - 2 * (others @ points.T) + (points**2).sum(1)
    return np.asarray(np.maximum(gaps, 0))


def _same(labels: NDArray[np.intp], others: NDArray[np.intp], count: int) -> bool:
    """Whether two clusterings are one, up to the clusters' numbers."""
    pairs = distinct(labels * count + others)
    return len(pairs) == len(distinct(labels)) == len(distinct(others))
