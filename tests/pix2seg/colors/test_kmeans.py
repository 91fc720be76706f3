from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.cluster import KMeans

from pix2seg.colors.kmeans import kmeans
from pix2seg.colors.space import even, to_lab
from pix2seg.photo import read_photo


@pytest.mark.parametrize("count", [1, 3, 5, 8])
def test_clusters_of_real_colors_are_scikit_learn_s(photos: list[Path], count: int) -> None:
    for photo in photos:
        clothes = np.asarray(Image.open(photo.with_suffix(".png"))) == 3
        colors, weights = np.unique(
            read_photo(photo).pixels[clothes] // 8, axis=0, return_counts=True
        )
        points = even(to_lab(colors / 31))
        reference = KMeans(count, n_init=3, random_state=0).fit(points, sample_weight=weights)
        assert np.array_equal(kmeans(points, weights.astype(float), count, 3), reference.labels_)


def test_fewer_points_than_clusters_could_fill() -> None:
    points = np.repeat([[0.0, 0.0, 0.0], [9.0, 0.0, 0.0]], 3, axis=0)
    labels = kmeans(points, np.ones(6), 4, 3)
    assert len(set(labels[:3])) == len(set(labels[3:])) == 1
    assert labels[0] != labels[3]
