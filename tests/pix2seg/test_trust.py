from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pix2seg import trust
from pix2seg.classes import Scheme, load_scheme
from pix2seg.errors import DatasetError
from pix2seg.preprocess.person import Person
from pix2seg.segmenter import Segmenter
from pix2seg.thresholds import mask_to_map
from pix2seg.train.judge.trust import FLAGGED, JudgedPhoto, calibrate
from pix2seg.trust import (
    REASONS,
    REASONS_OF_MUCH,
    Calibration,
    Meaning,
    Opinion,
    built_in_calibration,
    judge,
    read_signs,
)

FOUR = load_scheme("four")
NEAREST = Image.Resampling.NEAREST


def signs_of(mask: np.ndarray, person: np.ndarray, map: np.ndarray | None = None) -> dict:
    map = mask_to_map(mask, FOUR) if map is None else map
    return read_signs(map, mask, mask, Person.from_mask(person, 0.9), FOUR, opinion_of(mask, mask))


def opinion_of(seen: np.ndarray, mask: np.ndarray) -> Opinion:
    """That of a namer that is sure of what it sees, 64 pixels high, about a mask."""
    frame = (256, 512)
    small, framed = (np.asarray(Image.fromarray(m).resize(frame, NEAREST)) for m in (seen, mask))
    probabilities = np.eye(4, dtype=np.float32)[small[4::8, 4::8]].transpose(2, 0, 1)
    return Opinion(probabilities, framed)


def judged(mask: np.ndarray, person: Person, scheme: Scheme = FOUR) -> trust.Trust:
    return judge(read_signs(mask_to_map(mask, scheme), mask, mask, person, scheme), mask, person)


def true_mask(photos: Sequence[Path]) -> np.ndarray:
    return np.asarray(Image.open(photos[0].with_suffix(".png")))


def test_an_exact_map_of_the_person_is_as_sure_as_can_be(photos: list[Path]) -> None:
    mask = true_mask(photos)
    signs = signs_of(mask, mask > 0)
    assert set(signs) == set(REASONS)
    sure = -np.log(0.02)
    assert signs["certainty"] == pytest.approx(sure, abs=0.3)
    assert signs["agreement"] == pytest.approx(sure)
    assert signs["unsure"] == signs["outside"] == signs["missing"] == np.log(0.01)


def test_signs_move_as_their_names_say(photos: list[Path]) -> None:
    mask = true_mask(photos)
    good = signs_of(mask, mask > 0)
    half = mask.copy()
    half[: len(mask) // 2] = 0
    assert signs_of(half, mask > 0)["missing"] > good["missing"]
    assert signs_of(mask, half > 0)["outside"] > good["outside"]
    for cut in (signs_of(half, mask > 0), signs_of(mask, half > 0)):
        assert cut["agreement"] < good["agreement"]
    blurred = (mask_to_map(mask, FOUR) * 0.6).astype(np.uint8)
    assert signs_of(mask, mask > 0, blurred)["certainty"] < good["certainty"]
    noise = np.random.default_rng(0).random(mask.shape) < 0.05
    torn = np.where(noise, 0, mask).astype(np.uint8)
    assert signs_of(torn, mask > 0)["torn"] > 2 * good["torn"]
    far = np.zeros((2 * len(mask), mask.shape[1]), np.uint8)
    far[: len(mask)] = mask
    assert signs_of(far, far > 0)["height"] < good["height"]


def test_signs_see_what_is_on_the_head(photos: list[Path]) -> None:
    masks = [true_mask([photo]) for photo in photos]
    mask = next(mask for mask in masks if (mask == 2).any())
    bare = signs_of(mask, mask > 0)
    rows = np.flatnonzero(mask.any(axis=1))
    veiled = mask.copy()
    veiled[: rows[0] + len(rows) // 6][veiled[: rows[0] + len(rows) // 6] > 0] = 3
    covered = signs_of(veiled, mask > 0)
    assert covered["face"] < bare["face"]
    assert covered["crown"] == 1.0 > bare["crown"]
    upside_down = signs_of(mask[::-1].copy(), mask[::-1] > 0)
    assert upside_down["hair_depth"] > 0.7 > 0.3 > bare["hair_depth"] > 0


def test_a_second_look_that_sees_something_else_is_told(photos: list[Path]) -> None:
    mask = next(mask for mask in map(true_mask, [[p] for p in photos]) if (mask == 2).any())
    exact = opinion_of(mask, mask)
    assert [exact.agreement(class_id) for class_id in range(4)] == [1, 1, 1, 1]
    hat = np.where(mask == 2, 3, mask).astype(np.uint8)
    doubtful = opinion_of(hat, mask)
    assert doubtful.agreement(2) == 0
    assert 0 < doubtful.agreement(3) < 1
    assert doubtful.agreement(1) == 1
    assert np.isnan(opinion_of(hat, hat).agreement(2))
    hazy = Opinion(np.full((4, 64, 32), 0.25, np.float32), np.zeros((512, 256), np.uint8))
    assert np.isnan(hazy.agreement(2))  # a little everywhere is nowhere


def test_a_head_beyond_the_photo_s_edge_speaks_against_nothing(photos: list[Path]) -> None:
    mask = next(mask for mask in map(true_mask, [[p] for p in photos]) if (mask == 2).any())
    rows = np.flatnonzero(mask.any(axis=1))
    headless = mask.copy()
    headless[: rows[0] + len(rows) // 4] = 0  # the head is above, and lacks
    cut = mask[rows[0] + len(rows) // 4 :]  # the photo begins below it
    quality, signs = {}, {}
    for name, seen in (("headless", headless), ("cut", cut)):
        signs[name] = signs_of(seen, seen > 0)
        quality[name] = built_in_calibration().judge(signs[name]).quality
    unknown = {sign for sign, value in signs["cut"].items() if np.isnan(value)}
    assert {"face", "crown", "hair_depth"} <= unknown
    assert ("hair_certainty" in unknown) == (not (cut == 2).any())
    assert {name for name, value in signs["headless"].items() if np.isnan(value)} <= {"second_hair"}
    assert quality["cut"] > quality["headless"]


def test_signs_are_much_the_same_at_any_size(photos: list[Path]) -> None:
    mask = true_mask(photos)
    large = np.kron(mask, np.ones((3, 3), np.uint8))
    small, big = signs_of(mask, mask > 0), signs_of(large, large > 0)
    for name in REASONS:
        assert big[name] == pytest.approx(small[name], rel=0.1, abs=0.1, nan_ok=True), name


def test_the_reason_says_which_way(photos: list[Path]) -> None:
    mask = next(mask for mask in map(true_mask, [[p] for p in photos]) if (mask == 2).any())
    signs = signs_of(mask, mask > 0)
    usual = {name: Meaning(value, 1.0, 0.0, 0.0) for name, value in signs.items()}
    for step, reason in ((-1, REASONS["hair"]), (1, REASONS_OF_MUCH["hair"])):
        unusual = {**usual, "hair": Meaning(signs["hair"] - step, 1.0, 0.0, -0.5)}
        assert Calibration(unusual, 0.9, 0.8, {}).judge(signs).review == reason


def test_without_an_extractor_its_signs_count_nothing(photos: list[Path]) -> None:
    mask = true_mask(photos)
    signs = signs_of(mask, np.ones(mask.shape, bool))
    unknown = {name for name, value in signs.items() if np.isnan(value)}
    assert unknown - {"second_hair"} == {"agreement", "outside", "missing", "score"}
    assert 0 < built_in_calibration().judge(signs).quality < 1


@pytest.mark.parametrize("name", ["garment2", "dress3"])
def test_what_a_scheme_has_no_class_for_counts_nothing(photos: list[Path], name: str) -> None:
    scheme, mask = load_scheme(name), (true_mask(photos) > 0).astype(np.uint8)
    mask[mask > 0] = len(scheme) - 1  # the garment, or the dress, wherever somebody is
    map, person = mask_to_map(mask, scheme), Person.from_mask(mask > 0, 0.95)
    signs = read_signs(map, mask, mask, person, scheme)
    unknown = {sign for sign, value in signs.items() if np.isnan(value)}
    assert {"hair", "hair_depth", "hair_certainty", "crown"} <= unknown
    assert ("face" in unknown) == ("skin" not in scheme.names)
    trust = judge(signs, mask, person)
    assert "hair" not in (trust.review or "")
    if "skin" not in scheme.names:
        assert not {"skin", "head"} & set((trust.review or "").split())
        assert trust.quality > 0.7


def test_nothing_and_one_class_alone_are_never_passed_over() -> None:
    for class_id, reason in ((0, trust.NOTHING), (3, trust.ALL_ONE)):
        mask = np.full((40, 30), class_id, np.uint8)
        person = Person.from_mask(mask > 0, 0.99)
        verdict = judged(mask, person)
        assert (verdict.quality, verdict.review) == (0.0, reason)


def test_the_plainest_reason_is_given(photos: list[Path]) -> None:
    mask = next(mask for mask in map(true_mask, [[p] for p in photos]) if (mask == 2).any())
    headless = np.where((mask == 1) | (mask == 2), 0, mask).astype(np.uint8)
    headless[: len(mask) // 4] = 0
    tiny = np.zeros((12 * len(mask), mask.shape[1]), np.uint8)
    tiny[len(mask) : 2 * len(mask)] = headless
    for seen, reason in ((headless, trust.NO_HEAD), (tiny, REASONS["height"])):
        person = Person.from_mask(seen > 0, 0.9)
        assert judged(seen, person).review == reason


def test_a_photo_of_nobody_is_to_be_looked_at(photos: list[Path]) -> None:
    mask = true_mask(photos)
    nobody = Person.nobody(mask.shape)
    assert judged(mask, nobody).review == trust.NOBODY


def test_a_black_square_does_not_pass_in_silence() -> None:
    assert Segmenter()(np.zeros((200, 200, 3), np.uint8)).review


def drawn_samples(count: int) -> list[JudgedPhoto]:
    """Photos whose mean IoU hangs on two signs, and a little on chance."""
    rng = np.random.default_rng(0)
    samples = []
    for photo in range(count):
        signs = {name: float(rng.normal()) for name in REASONS}
        odds = 1.5 + signs["certainty"] - 0.5 * signs["torn"] ** 2 + rng.normal(0, 0.2)
        samples.append(JudgedPhoto(str(photo), "plain", signs, float(1 / (1 + np.exp(-odds)))))
    return samples


def test_calibration_learns_which_photos_are_bad() -> None:
    calibration = calibrate(drawn_samples(300), "generator", "person")
    assert calibration.facts["held_out"]["worst_tenth_found"] >= 0.9
    assert calibration.facts["held_out"]["rank_correlation"] > 0.9
    fresh = [(s, calibration.judge(s.signs)) for s in drawn_samples(600)[300:]]
    errors = [abs(verdict.quality - s.mean_iou) for s, verdict in fresh]
    assert np.mean(errors) < 0.05
    flagged = np.mean([verdict.review is not None for _, verdict in fresh])
    assert flagged == pytest.approx(FLAGGED, abs=0.08)
    reasons = {verdict.review for _, verdict in fresh if verdict.review}
    assert reasons == {REASONS["certainty"], REASONS["torn"]}


def test_calibration_survives_its_file() -> None:
    calibration = calibrate(drawn_samples(50), "generator", "person")
    assert Calibration.from_dict(calibration.to_dict()) == calibration


def test_the_shipped_calibration_finds_most_of_the_worst() -> None:
    held_out = built_in_calibration().facts["held_out"]
    assert held_out["flagged"] <= 0.2
    assert held_out["worst_tenth_found"] >= 0.7


def test_calibration_does_without_an_extractor_s_signs() -> None:
    samples = [
        replace(sample, signs={**sample.signs, "score": float("nan")})
        for sample in drawn_samples(100)
    ]
    calibration = calibrate(samples, "generator", "none")
    assert all(np.isfinite(number) for number in (calibration.offset, calibration.threshold))
    assert calibration.facts["held_out"]["rank_correlation"] > 0.8
    assert calibration.signs["score"].effect(3.0) == 0


def test_a_handful_of_photos_is_too_few_to_calibrate_on() -> None:
    with pytest.raises(DatasetError, match="give 10 or more"):
        calibrate(drawn_samples(9), "generator", "person")
