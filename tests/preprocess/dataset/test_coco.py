import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.typing import NDArray
from pycocotools import mask as coco

from pix2seg.catalog.export.coco import compress
from pix2seg.preprocess.dataset.coco import region, run_lengths

MASKS = arrays(bool, array_shapes(min_dims=2, max_dims=2, max_side=60))
POINTS = st.lists(st.tuples(st.floats(0, 40), st.floats(0, 30)), min_size=3, max_size=8)


@given(MASKS)
def test_run_lengths_are_read_as_cocos_own_library_reads_them(mask: NDArray[np.bool_]) -> None:
    height, width = mask.shape
    letters = coco.encode(np.asfortranarray(mask, np.uint8))["counts"].decode()
    assert compress(mask) == letters
    for counts in (letters, run_lengths(letters)):
        read = region({"size": [height, width], "counts": counts}, height, width)
        assert (read == mask).all()


@given(st.lists(POINTS, min_size=1, max_size=3))
def test_polygons_are_drawn_as_cocos_own_library_draws_them(
    polygons: list[list[tuple[float, float]]],
) -> None:
    flat = [[number for point in points for number in point] for points in polygons]
    drawn = coco.decode(coco.merge(coco.frPyObjects(flat, 30, 40)))
    assert (region(flat, 30, 40) == drawn).all()


@pytest.mark.parametrize(
    "broken",
    [
        {"size": [3, 4], "counts": [3, 2]},
        {"size": [4, 3], "counts": [12]},
        {"size": [3, 4], "counts": [13, -1]},
        {"size": [3, 4], "counts": "\u00e9"},
        {"size": [3, 4]},
        [[0, 0, float("nan"), 2, 3, 3]],
        [[0, 0, 1]],
    ],
)
def test_broken_segmentations_are_refused(broken: object) -> None:
    with pytest.raises((KeyError, ValueError)):
        region(broken, 3, 4)


def test_two_points_are_no_area() -> None:
    assert not region([[0, 0, 3, 3]], 3, 4).any()
