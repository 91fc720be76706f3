"""The straight line finds whom torchvision's own inference finds."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from torch import nn

from pix2seg.engines.base import built_in_file
from pix2seg.photo import read_photo
from pix2seg.preprocess.fit import Size
from pix2seg.preprocess.person.mask_rcnn.inference import PhotoToPeople
from pix2seg.preprocess.person.mask_rcnn.info import BUILT_IN
from pix2seg.preprocess.person.mask_rcnn.straight import StraightMaskRCNN
from pix2seg.preprocess.person.mask_rcnn.weights import load_network

Both = tuple[nn.Module, nn.Module]


@pytest.fixture(scope="module")
def both() -> Both:
    network, _ = load_network(built_in_file(BUILT_IN))
    return PhotoToPeople(network), StraightMaskRCNN(network)


def check(both: Both, pixels: np.ndarray) -> int:
    with torch.inference_mode():
        theirs, ours = (module(torch.from_numpy(pixels)) for module in both)
    assert set(ours) == set(theirs)
    for name, expected in theirs.items():
        assert ours[name].shape == expected.shape
        assert ours[name].dtype == expected.dtype
        assert torch.allclose(ours[name], expected, atol=2e-4)
    return len(theirs["scores"])


@pytest.mark.parametrize("size", [(256, 384), (384, 256), (100, 90), (31, 33), (300, 17), (1, 1)])
def test_same_people_at_any_size(both: Both, size: Size, photos: list[Path]) -> None:
    pixels = read_photo(photos[0]).pixels
    check(both, np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8))


def test_many_people_and_nobody(both: Both, photos: list[Path]) -> None:
    one = cv2.resize(read_photo(photos[0]).pixels, (96, 192), interpolation=cv2.INTER_AREA)
    assert check(both, np.hstack([np.asarray(one, np.uint8)] * 4)) > 2
    assert check(both, np.full((90, 100, 3), 127, np.uint8)) == 0
