import numpy as np
import pytest
from skimage.color import deltaE_ciede2000, rgb2lab

from pix2seg.colors.space import delta_e, to_lab


@pytest.mark.parametrize("lightness_scale", [1, 2, 3])
def test_lab_and_ciede2000_are_scikit_image_s(lightness_scale: int) -> None:
    rng = np.random.default_rng(0)
    colors, others = rng.random((2, 20_000, 3))
    colors[:2000] = rng.integers(0, 256, (2000, 1)) / 255  # greys have no hue
    others[1000:3000] = rng.integers(0, 256, (2000, 1)) / 255
    labs, other_labs = rgb2lab(colors), rgb2lab(others)
    assert np.abs(to_lab(colors) - labs).max() < 1e-9
    expected = deltaE_ciede2000(labs, other_labs, kL=lightness_scale)
    assert np.abs(delta_e(labs, other_labs, lightness_scale) - expected).max() < 1e-9
