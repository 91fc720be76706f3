"""A photo in which nobody is large and sure is looked at twice."""

from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from pix2seg.errors import PersonError
from pix2seg.preprocess.person.base import overlap
from pix2seg.preprocess.person.mask_rcnn.detector import PERSON_LABEL, Detector
from pix2seg.preprocess.person.mask_rcnn.extractor import find_person
from pix2seg.preprocess.person.mask_rcnn.info import PersonInfo
from pix2seg.preprocess.person.mask_rcnn.two_looks import detect_twice

PHOTO = np.repeat(np.arange(300, dtype=np.uint8)[None, :, None] // 2, 200, axis=0).repeat(3, axis=2)
"""It gets lighter from left to right."""


class Seen(NamedTuple):
    """Somebody in a picture: edges as shares of its sides, and a score."""

    box: tuple[float, float, float, float]
    score: float


class Sees:
    """A network that finds in each picture in turn what it was told to."""

    def __init__(self, *looks: list[Seen]) -> None:
        self.looks, self.pictures = list(looks), []

    def run(self, photo: NDArray[np.uint8]) -> dict[str, NDArray[np.generic]]:
        self.pictures.append(photo)
        people = sorted(self.looks.pop(0), key=lambda seen: -seen.score)
        height, width = photo.shape[:2]
        boxes = np.array([seen.box for seen in people], np.float32).reshape(-1, 4)
        boxes *= (width, height, width, height)
        masks = np.zeros((len(people), 1, height, width), np.float32)
        for mask, box in zip(masks, boxes.round().astype(int), strict=True):
            mask[0, box[1] : box[3], box[0] : box[2]] = 1
        return {
            "boxes": boxes,
            "labels": np.full(len(people), PERSON_LABEL),
            "scores": np.array([seen.score for seen in people], np.float32),
            "masks": masks,
        }


def detector(*looks: list[Seen], area: int | None = 98_304) -> tuple[Detector, Sees]:
    network = Sees(*looks)
    return Detector(network, PersonInfo("as told", area)), network


def mirrored(seen: Seen) -> Seen:
    x0, y0, x1, y1 = seen.box
    return Seen((1 - x1, y0, 1 - x0, y1), seen.score)


SMALL = Seen((0.1, 0.2, 0.2, 0.6), 0.6)
OTHER = Seen((0.6, 0.5, 0.8, 0.9), 0.5)


def test_the_second_look_sees_more_pixels_of_the_mirrored_photo() -> None:
    sees, network = detector([SMALL], [])
    detect_twice(sees, PHOTO)
    first, second = network.pictures
    assert second.size / first.size == pytest.approx(1.8, rel=0.15)
    assert np.mean(np.diff(first[0, :, 0].astype(int))) > 0
    assert np.mean(np.diff(second[0, :, 0].astype(int))) < 0


def test_who_is_seen_twice_has_the_mean_of_both_looks() -> None:
    again = Seen((0.1, 0.2, 0.2, 0.5), 0.8)
    found = detect_twice(detector([SMALL], [mirrored(again)])[0], PHOTO)
    assert found.scores == pytest.approx([0.7])
    assert found.boxes[0] == pytest.approx([30, 40, 60, 100], abs=2)
    rows = found.masks.shape[1]
    column = found.masks[0, :, round(0.15 * found.masks.shape[2])]
    assert column[round(0.4 * rows)] == pytest.approx(1)  # both saw it
    assert column[round(0.55 * rows)] == pytest.approx(0.5)  # the first alone did


def test_who_is_seen_once_counts_half() -> None:
    found = detect_twice(detector([SMALL], [mirrored(OTHER)])[0], PHOTO)
    assert found.scores == pytest.approx([0.3, 0.25])
    assert overlap(tuple(found.boxes[0]), (30, 40, 60, 120)) > 0.95
    assert overlap(tuple(found.boxes[1]), (180, 100, 240, 180)) > 0.95
    for mask, (x0, y0, x1, y1) in zip(found.masks, found.boxes, strict=True):
        inside = mask.sum() / (mask.size / PHOTO[..., 0].size)
        assert inside == pytest.approx((x1 - x0) * (y1 - y0), rel=0.1)


def test_who_is_seen_once_can_be_found_in_a_box() -> None:
    unsure = [Seen((0.6, 0.5, 0.8, 0.9), 0.25)]
    with pytest.raises(PersonError, match="nobody is found in the person box"):
        find_person(detector([], [], [])[0], PHOTO, box=(180, 100, 240, 180))
    assert not find_person(detector(unsure, [])[0], PHOTO).found
    person = find_person(detector(unsure, [], [])[0], PHOTO, box=(180, 100, 240, 180))
    assert overlap(person.box, (180, 100, 240, 180)) > 0.9


@pytest.mark.parametrize(
    ("seen", "area", "looks"),
    [
        (Seen((0.2, 0.1, 0.6, 0.9), 0.9), 98_304, 1),
        (Seen((0.2, 0.1, 0.6, 0.9), 0.7), 98_304, 2),
        (Seen((0.2, 0.1, 0.3, 0.9), 0.9), 98_304, 2),
        (SMALL, None, 1),
    ],
    ids=["large and sure", "unsure", "small", "resizes photos itself"],
)
def test_a_photo_is_looked_at_twice_where_that_may_help(
    seen: Seen, area: int | None, looks: int
) -> None:
    sees, network = detector([seen], [], area=area)
    detect_twice(sees, PHOTO)
    assert len(network.pictures) == looks


def test_nobody_in_either_look_is_nobody() -> None:
    found = detect_twice(detector([], [])[0], PHOTO)
    assert len(found.boxes) == len(found.scores) == len(found.masks) == 0


@given(st.lists(st.floats(0.1, 1), max_size=5))
def test_two_looks_that_agree_say_what_one_does(scores: list[float]) -> None:
    people = [Seen((0.2 * i, 0.3, 0.2 * i + 0.15, 0.8), s) for i, s in enumerate(scores)]
    found = detect_twice(detector(people, [mirrored(seen) for seen in people])[0], PHOTO)
    assert found.scores == pytest.approx(np.array(sorted(scores, reverse=True)), abs=1e-6)
    assert np.diff(np.sort(found.boxes[:, 0])) == pytest.approx(60, abs=2)
