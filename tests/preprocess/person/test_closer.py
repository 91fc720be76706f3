"""People who are small in the photo are looked at twice."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from pix2seg.photo import read_photo
from pix2seg.preprocess.dataset.folder import read_mask
from pix2seg.preprocess.person.base import Person, overlap
from pix2seg.preprocess.person.mask_rcnn.closer import look_closer
from pix2seg.preprocess.person.mask_rcnn.detector import PERSON_LABEL, Detector, load_detector
from pix2seg.preprocess.person.mask_rcnn.extractor import find_person
from pix2seg.preprocess.person.mask_rcnn.info import PersonInfo

Edges = tuple[int, int, int, int]


class Sees:
    """A network that finds somebody in one box of each picture in turn, or nobody."""

    def __init__(self, *boxes: Edges | None) -> None:
        self.boxes, self.seen = list(boxes), []

    def run(self, photo: NDArray[np.uint8]) -> dict[str, NDArray[np.generic]]:
        self.seen.append(photo.shape[:2])
        boxes = [box for box in [self.boxes.pop(0)] if box]
        masks = np.zeros((len(boxes), 1, *photo.shape[:2]), np.float32)
        for mask, (x0, y0, x1, y1) in zip(masks, boxes, strict=True):
            mask[0, y0:y1, x0:x1] = 0.9
        return {
            "boxes": np.array(boxes, np.float32).reshape(-1, 4),
            "labels": np.full(len(boxes), PERSON_LABEL),
            "scores": np.full(len(boxes), 0.8, np.float32),
            "masks": masks,
        }


def detector(*boxes: Edges | None) -> tuple[Detector, Sees]:
    network = Sees(*boxes)
    return Detector(network, PersonInfo("as told", None)), network


PHOTO = np.zeros((200, 300, 3), np.uint8)
SMALL = (100, 80, 120, 120)  # with room, the part from 86, 66 to 134, 134, which is seen mirrored


def test_the_second_look_at_somebody_small_counts_more() -> None:
    sees, network = detector(SMALL, (10, 14, 30, 44))
    person = find_person(sees, PHOTO)
    assert network.seen == [(200, 300), (68, 48)]
    assert person.score == pytest.approx(0.8)
    assert overlap(person.box, (104, 80, 120, 110)) > 0.7  # only what both or the second saw


@pytest.mark.parametrize("second", [None, (0, 0, 10, 10)], ids=["nobody", "somebody else"])
def test_the_first_look_stands_where_the_second_does_not_find_the_same(
    second: Edges | None,
) -> None:
    assert find_person(detector(SMALL, second)[0], PHOTO).box == SMALL


def test_somebody_large_is_looked_at_once() -> None:
    large = (50, 10, 200, 190)
    sees, network = detector(large)
    assert find_person(sees, PHOTO).box == large
    assert len(network.seen) == 1


@settings(deadline=None)
@given(st.data(), st.integers(1, 60), st.integers(1, 60), st.integers(1, 60), st.integers(1, 60))
def test_anybody_stays_at_any_size(
    data: st.DataObject, width: int, height: int, columns: int, rows: int
) -> None:
    x, y = data.draw(st.integers(0, columns - 1)), data.draw(st.integers(0, rows - 1))
    belief = np.zeros((rows, columns), np.float32)
    belief[y : y + 9, x : x + 5] = 0.6
    person = Person.from_probability(belief, 0.5)
    around = (0, 0, width, height)
    sees, _ = detector(data.draw(st.sampled_from([around, None])))
    closer = look_closer(sees, np.zeros((height, width, 3), np.uint8), person)
    assert closer.found
    assert closer.score == 0.5
    assert closer.mask.shape[0] in range(rows, 2 * rows + 1)
    assert closer.mask.shape[1] in range(columns, 2 * columns + 1)


def test_people_far_away_are_outlined_better_than_at_first_sight(photos: list[Path]) -> None:
    sees = load_detector(device="cpu")
    gains = []
    for photo in photos:
        pixels, person = read_photo(photo).pixels, read_mask(photo.with_suffix(".png")) > 0
        height, width = pixels.shape[:2]
        small = width // 5, height // 5
        scene = np.full((height, width, 3), (150, 160, 150), np.uint8)
        truth = np.zeros((height, width), bool)
        there = np.s_[height // 2 : height // 2 + small[1], width // 3 : width // 3 + small[0]]
        scene[there] = cv2.resize(pixels, small, interpolation=cv2.INTER_AREA)
        truth[there] = cv2.resize(person.astype(np.uint8), small, interpolation=cv2.INTER_NEAREST)
        found = sees.detect(scene)
        first = cv2.resize(found.masks[0], (width, height)) >= 0.5
        gains.append(iou(find_person(sees, scene).mask, truth) - iou(first, truth))
    assert np.mean(gains) > 0.01
    assert min(gains) > -0.01


def iou(mask: NDArray[np.bool_], truth: NDArray[np.bool_]) -> float:
    return np.count_nonzero(mask & truth) / np.count_nonzero(mask | truth)
