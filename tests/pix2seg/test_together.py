from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pix2seg import Segmenter
from pix2seg.garments import Kinds
from pix2seg.preprocess.person import Person
from pix2seg.result import Segmentation
from pix2seg.thresholds import map_to_mask
from pix2seg.together import together

SKIN, CLOTHES = 1, 3
SCARF, TOP = 13, 5


@pytest.fixture(scope="module")
def person_in(garment_weights: Path) -> Callable[..., Segmentation]:
    """A person in some columns of a photo of 60x40: a class, a kind and how they were judged."""
    pixels = np.full((60, 40, 3), 90, np.uint8)
    base = Segmenter(garment_weights, person="none", device="cpu")(pixels)

    def make(columns: slice, class_id: int, kind: int, **facts: object) -> Segmentation:
        mask = np.zeros((60, 40), np.uint8)
        mask[10:50, columns] = class_id
        kinds = Kinds(np.where(mask > 0, np.uint8(kind), np.uint8(0)), mask * np.uint8(50))
        map = base.scheme.colors[mask]
        return replace(base, drawing=lambda: map, mask=mask, naming=lambda: kinds, **facts)

    return make


def test_the_more_prominent_is_in_front(person_in: Callable[..., Segmentation]) -> None:
    front = person_in(slice(5, 20), CLOTHES, TOP, quality=0.9, review=None)
    behind = person_in(slice(15, 35), SKIN, SCARF, quality=0.6, review="the hair is unsure")
    everyone = Person.from_mask((front.mask > 0) | (behind.mask > 0), 0.9)
    both = together(everyone, [front, behind])
    row = np.repeat([0, CLOTHES, SKIN, 0], [5, 15, 15, 5])
    assert np.array_equal(both.mask[30], row)
    assert np.array_equal(map_to_mask(both.map, both.scheme), both.mask)
    assert np.array_equal(both.named().mask[30], np.array([0, SCARF, 0, TOP])[row])
    assert np.array_equal(both.named().certainty[30], row * 50)
    assert both.person is everyone
    assert both.quality == pytest.approx((15 * 0.9 + 20 * 0.6) / 35, abs=0.001)
    assert both.review == "person 2: the hair is unsure"


def test_soft_edges_stay(person_in: Callable[..., Segmentation]) -> None:
    """What a map has beyond its mask is what the alpha of cut-outs is made of."""
    one, other = (person_in(part, CLOTHES, TOP) for part in (slice(3, 12), slice(25, 36)))
    map = one.map.copy()
    map[10:50, 12:14] = one.scheme.colors[CLOTHES] // 3
    soft = replace(one, drawing=lambda: map)
    both = together(Person.from_mask(one.mask + other.mask > 0, 0.9), [soft, other])
    assert np.array_equal(both.map[:, :20], map[:, :20])
    assert np.array_equal(both.alpha()[:, :14] > 0, soft.alpha()[:, :14] > 0)
    assert ((both.alpha() > 0) & (both.alpha() < 1)).any()


def test_weights_without_garments_name_none(person_in: Callable[..., Segmentation]) -> None:
    one = replace(person_in(slice(5, 20), CLOTHES, TOP), naming=None)
    assert together(one.person, [one, one]).kinds is None
