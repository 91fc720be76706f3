import numpy as np
import pytest

from pix2seg.distinct import distinct


@pytest.mark.parametrize("kind", [np.uint8, np.int64, np.uint32])
@pytest.mark.parametrize("shape", [(0,), (1,), (7, 9), (40, 30)])
def test_as_numpy_does(kind: type[np.integer], shape: tuple[int, ...]) -> None:
    values = np.random.default_rng(0).integers(0, 200, shape).astype(kind)
    for seen in (values, values.T, values[::2]):
        found = distinct(seen)
        assert found.dtype == kind
        assert np.array_equal(found, np.unique(seen))
