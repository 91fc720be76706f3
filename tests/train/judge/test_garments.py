import numpy as np
import pytest

from pix2seg.garments import kinds
from pix2seg.train.judge.garments import BIG, GarmentScores

TOP, DRESS, BELT = (kinds().id_of(name) for name in ("top", "dress", "belt"))


def worn(*parts: tuple[int, int]) -> np.ndarray:
    """Kinds of a photo of 100x100, so many rows of each from the top, background below."""
    mask = np.zeros((100, 100), np.uint8)
    row = 0
    for kind, rows in parts:
        mask[row : row + rows] = kind
        row += rows
    return mask


def test_garments_named_as_they_are_are_all_right() -> None:
    scores = GarmentScores()
    scores.add(worn((TOP, 20), (DRESS, 30)), worn((TOP, 20), (DRESS, 30)))
    assert scores.scores.mean_iou == scores.mean_iou_of_big == scores.share_right == 1
    assert scores.large.sum() == 2


def test_the_majority_of_the_true_pixels_names_a_garment() -> None:
    scores = GarmentScores()
    scores.add(worn((TOP, 20)), worn((TOP, 11), (DRESS, 9)))
    scores.add(worn((TOP, 20)), worn((TOP, 9), (DRESS, 11)))
    assert scores.large[TOP] == 2
    assert scores.right[TOP] == 1
    assert scores.share_right == 0.5
    assert scores.scores.iou[TOP] == pytest.approx(20 / 40)
    assert scores.scores.iou[DRESS] == 0
    assert scores.mean_iou_of_big == pytest.approx((0.5 + 0) / 2)  # kinds not there do not count


def test_a_garment_that_is_not_found_is_wrong() -> None:
    scores = GarmentScores()
    scores.add(worn((TOP, 20)), worn())
    assert scores.share_right == 0


def test_small_garments_count_in_the_iou_alone() -> None:
    scores = GarmentScores()
    scores.add(worn((TOP, 20), (BELT, 1)), worn((TOP, 21)))
    assert scores.large[BELT] == 0
    assert scores.share_right == 1
    facts = scores.to_dict()
    assert facts["kinds"]["belt"] == {"iou": 0.0, "large": 0, "right": 0}
    assert facts["kinds"]["skirt"]["iou"] is None
    assert set(BIG) <= set(facts["kinds"])
