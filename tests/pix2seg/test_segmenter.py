import io
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
import torch
from PIL import Image

import pix2seg
from pix2seg import Segmenter
from pix2seg.classes import load_scheme
from pix2seg.colors.document import palette_schema
from pix2seg.errors import PersonError, PhotoError, Pix2SegError, SchemeError, WeightsError
from pix2seg.photo import read_photo
from pix2seg.preprocess.fit import LARGEST_PERSON
from pix2seg.preprocess.person import Box, Person
from pix2seg.preprocess.person.base import box_around, choose
from pix2seg.result import Segmentation
from pix2seg.thresholds import map_to_mask
from pix2seg.tidy import tidy
from pix2seg.train.judge.scores import Scores, confusion_matrix


@pytest.fixture(scope="module")
def small(small_weights: Path) -> Segmenter:
    return Segmenter(small_weights, person="none")


@pytest.fixture(scope="module")
def segmenter() -> Segmenter:
    return Segmenter()


def test_box_segments_photos_it_has_not_seen(segmenter: Segmenter, photos: list[Path]) -> None:
    confusion = np.zeros((4, 4), np.int64)
    for photo in photos:
        truth = np.asarray(Image.open(photo.with_suffix(".png")))
        confusion += confusion_matrix(truth, segmenter(photo).mask, 4)
    scores = Scores(confusion, load_scheme("four").names)
    assert scores.mean_iou > 0.75
    assert scores.iou[1:].min() > 0.4


def test_path_bytes_image_and_array_give_the_same_mask(
    segmenter: Segmenter, photos: list[Path]
) -> None:
    path = photos[0]
    expected = segmenter(path).mask
    image = Image.open(path)
    for source in (str(path), path.read_bytes(), image, np.asarray(image)):
        assert np.array_equal(segmenter(source).mask, expected)


def test_second_segmenter_gives_the_same_result(segmenter: Segmenter, photos: list[Path]) -> None:
    first, second = segmenter(photos[1]), Segmenter()(photos[1])
    assert np.array_equal(first.mask, second.mask)
    assert first.colors().document() == second.colors().document()


@pytest.mark.parametrize("person", ["none", "grabcut"])
@pytest.mark.parametrize("size", [(1, 1), (20, 30), (1600, 100), (100, 1600), (65, 97)])
def test_any_size_gives_a_mask_of_that_size(
    small_weights: Path, person: str, size: tuple[int, int]
) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    result = Segmenter(small_weights, person=person)(pixels)
    assert result.mask.shape == (size[1], size[0])
    assert sum(result.coverage().values()) == pytest.approx(1)


def test_sixteen_megapixels(small: Segmenter) -> None:
    assert small(np.zeros((4000, 4000, 3), np.uint8)).mask.shape == (4000, 4000)


def test_result_reads_well(segmenter: Segmenter, photos: list[Path]) -> None:
    result = segmenter(photos[0])
    assert set(result.coverage()) == {"background", "skin", "hair", "clothes"}
    cutout = np.asarray(result.cutout("clothes", hard_edges=True))
    assert np.array_equal(cutout[..., 3] == 255, result.where("clothes"))
    assert not cutout[~result.where("clothes")].any()
    soft = np.asarray(result.cutout("person"))[..., 3] > 127
    assert np.mean(soft == (result.mask != 0)) > 0.99
    drawn = map_to_mask(result.map, result.scheme)
    assert np.array_equal(tidy(drawn, result.person.mask), result.mask)
    assert result.overlay().size == (result.photo.width, result.photo.height)
    palettes = result.palette()
    assert 1 <= len(palettes["clothes"]) <= 5
    assert sum(swatch.share for swatch in palettes["clothes"]) == pytest.approx(1)
    with pytest.raises(SchemeError, match="no class or garment 'pauldron'"):
        result.cutout("pauldron")


def test_save_writes_the_promised_files(
    small: Segmenter, photos: list[Path], tmp_path: Path
) -> None:
    result = small(photos[0])
    plain = result.save(tmp_path / "plain")
    stem = photos[0].stem
    assert sorted(f.name for f in plain) == [f"{stem}.mask.png", f"{stem}.overlay.png"]
    mask = Image.open(tmp_path / "plain" / f"{stem}.mask.png")
    assert mask.mode == "P"
    assert np.array_equal(np.asarray(mask), result.mask)
    palette = np.array(mask.getpalette()).reshape(-1, 3)
    assert np.array_equal(palette[:4], result.scheme.colors)
    everything = result.save(tmp_path / "all", "a/b", colors=True, cutouts=True, map=True)
    assert all(f.parent == tmp_path / "all" / "a" for f in everything)
    shown = {n for n in ("skin", "hair", "clothes") if result.where(n).any()}
    names = {f.name.split(".")[1] for f in everything}
    assert names == {"mask", "overlay", "palette", "map", "person", *shown}


def test_nobody_found_segments_the_whole_photo(small_weights: Path) -> None:
    pixels = np.full((20, 3, 3), 90, np.uint8)
    result = Segmenter(small_weights, person="grabcut")(pixels)
    assert not result.person.found
    assert result.colors().document()["person"] == {"found": False, "score": 0, "box": None}


def test_hidden_background_is_not_seen(small_weights: Path, photos: list[Path]) -> None:
    pixels = read_photo(photos[0]).pixels[::4, ::4]
    height, width = pixels.shape[:2]
    other = pixels.copy()
    other[:, : width // 4] = (250, 10, 10)  # far from the person that is found
    box = (width // 2, height // 4, width - 5, height - 5)
    seen, hidden = [], []
    for hide, maps in ((False, seen), (True, hidden)):
        segmenter = Segmenter(small_weights, person=Found(box), hide=hide)
        maps += [segmenter(photo).map for photo in (pixels, other)]
    assert np.array_equal(*hidden)
    assert not np.array_equal(seen[0], hidden[0])


@pytest.mark.parametrize(
    ("believes", "knows", "hides"), [(True, True, True), (True, False, False), (False, True, False)]
)
def test_background_is_hidden_for_weights_that_know_it_by_extractors_that_weigh_each_pixel(
    believes: bool, knows: bool, hides: bool, small_weights: Path, photos: list[Path]
) -> None:
    weights = None if knows else small_weights
    pixels = read_photo(photos[0]).pixels[::4, ::4]
    height, width = pixels.shape[:2]
    extractor = Found((width // 3, height // 4, width - 9, height - 5), believes)
    usual, hidden, seen = (
        Segmenter(weights, person=extractor, hide=hide)(pixels).map for hide in (None, True, False)
    )
    assert np.array_equal(usual, hidden if hides else seen)
    assert not np.array_equal(hidden, seen)


def test_everyone_comes_with_a_result_for_each(
    small_weights: Path, photos: list[Path], tmp_path: Path
) -> None:
    pixels = read_photo(photos[0]).pixels[::4, ::4]
    height, width = pixels.shape[:2]
    left, right = np.zeros((2, height, width), bool)
    left[10:-10, 5 : width // 2 - 5] = True
    right[30:-30, width // 2 + 15 : -10] = True

    class Two:
        version = "two"

        def find(self, pixels: np.ndarray) -> Person:
            people = [Person.from_mask(right, 0.8), Person.from_mask(left, 0.9)]
            return choose(people, pixels.shape, everyone=True)

    both = Segmenter(small_weights, person=Two(), device="cpu")(pixels)
    assert [one.person.score for one in both.people] == [0.9, 0.8]
    alone = Segmenter(small_weights, person=Found(box_around(left)), device="cpu")(pixels)
    assert np.array_equal(both.people[0].mask, alone.mask)
    assert np.array_equal(both.mask > 0, (both.people[0].mask > 0) | (both.people[1].mask > 0))
    document = both.colors().document()
    jsonschema.validate(document, palette_schema())
    assert [one["box"] for one in document["people"]] == [list(p.person.box) for p in both.people]
    assert document["people"][0]["classes"] == alone.colors().document()["classes"]
    written = {file.name for file in both.save(tmp_path, "duo", colors=True)}
    for name in ("duo", "duo.person1", "duo.person2"):
        assert {f"{name}.mask.png", f"{name}.overlay.png", f"{name}.palette.json"} <= written


def test_a_small_person_is_looked_at_closely(small_weights: Path, photos: list[Path]) -> None:
    near = read_photo(photos[0]).pixels[::4, ::4]
    height, width = near.shape[:2]
    far = np.full((3 * height, 4 * width, 3), 127, np.uint8)
    far[height : 2 * height, width : 2 * width] = near
    segmenter = Segmenter(small_weights, person=Found((width, height, 2 * width, 2 * height)))
    map = segmenter(far).map
    assert (map[: height // 2] == segmenter.scheme.colors[0]).all()
    person = map[height : 2 * height, width : 2 * width].astype(int)
    whole = Segmenter(small_weights, person="none")(near).map
    assert np.abs(person - whole).mean() < 30  # drawn at nearly the same size


def test_somebody_seen_from_near_is_looked_at_from_farther(photos: list[Path]) -> None:
    near = np.ascontiguousarray(read_photo(photos[0]).pixels[60:240, 200:320])
    height, width = near.shape[:2]
    wide, high = round(width / LARGEST_PERSON**0.5), round(height / LARGEST_PERSON**0.5)
    y, x = (high - height) // 2, (wide - width) // 2
    farther = np.full((high, wide, 3), 127, np.uint8)
    farther[y : y + height, x : x + width] = near
    nobody = Segmenter(person="none")
    wanted = nobody(farther).map[y : y + height, x : x + width].astype(int)
    portrait = Segmenter(person=Found((0, 0, width, height - 1)))(near).map
    off, as_it_is = (np.abs(map - wanted).mean() for map in (portrait, nobody(near).map))
    assert off < as_it_is / 2


def test_flip_gives_mirrored_photos_mirrored_maps(small_weights: Path, photos: list[Path]) -> None:
    segmenter = Segmenter(small_weights, person="none", flip=True)
    pixels = read_photo(photos[0]).pixels[::4, ::4]
    pixels = pixels[:, : pixels.shape[1] // 2 * 2]  # padded alike on both sides
    one = segmenter(pixels).map.astype(int)
    other = segmenter(np.ascontiguousarray(pixels[:, ::-1])).map[:, ::-1].astype(int)
    plain = Segmenter(small_weights, person="none")(pixels).map.astype(int)
    assert np.abs(one - other).mean() < 1
    assert np.abs(one - plain).mean() > 0


class Found:
    """Finds a person in a given box."""

    version = "found"

    def __init__(self, box: Box, believes: bool = False) -> None:
        self.box, self.believes = box, believes

    def find(self, pixels: np.ndarray) -> Person:
        x0, y0, x1, y1 = self.box
        mask = np.zeros(pixels.shape[:2], bool)
        mask[y0:y1, x0:x1] = True
        if self.believes:
            return Person.from_probability(mask.astype(np.float32), 1.0)
        return Person.from_mask(mask, 1.0)


def test_errors_name_what_is_wrong(small: Segmenter, small_weights: Path) -> None:
    with pytest.raises(PhotoError, match="not a photo"):
        small(io.BytesIO(b"text").getvalue())
    with pytest.raises(PhotoError, match="--max-pixels"):
        small(np.zeros((10, 10, 3), np.uint8), max_pixels=50)
    with pytest.raises(PersonError, match="grabcut"):
        Segmenter(small_weights, person="yolo")
    with pytest.raises(WeightsError, match="no weights file"):
        Segmenter("nowhere.safetensors")


def test_many_photos_come_in_order_and_a_bad_one_ends_nothing(
    small_weights: Path, photos: list[Path], tmp_path: Path
) -> None:
    segmenter = Segmenter(small_weights, person="none", device="cpu")
    (tmp_path / "bad.jpg").write_bytes(b"no photo")
    first, bad, second = segmenter.map(iter([photos[0], tmp_path / "bad.jpg", photos[1]]))
    assert isinstance(bad, PhotoError)
    for result, photo in ((first, photos[0]), (second, photos[1])):
        assert isinstance(result, Segmentation)
        assert result.photo.file == photo.name
        assert np.array_equal(result.mask, segmenter(photo).mask)


def test_a_photo_of_many_that_is_too_large_to_read_is_named(
    small: Segmenter, photos: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: object) -> None:
        raise MemoryError

    monkeypatch.setattr("pix2seg.photo.Image.Image.load", fail)
    (error,) = small.map([photos[0]])
    assert isinstance(error, PhotoError)
    assert str(error) == f"{photos[0]} needs more memory than there is"


def test_a_photo_that_was_read_takes_another_name(small: Segmenter, small_photo: Path) -> None:
    photo = read_photo(small_photo)
    (result,) = small.map([photo], names=["other"])
    assert isinstance(result, Segmentation)
    assert (result.photo.file, photo.file) == ("other", "small.jpg")
    assert result.photo.sha256 == photo.sha256


def test_each_photo_has_a_name_or_none_has(segmenter: Segmenter, photos: list[Path]) -> None:
    with pytest.raises(ValueError, match="only 1 names; give as many names as photos"):
        list(segmenter.map(photos[:2], names=["only one"]))
    with pytest.raises(ValueError, match="only 0 photos"):
        list(segmenter.map([], names=["one"]))


@pytest.mark.parametrize(
    "photo",
    [
        "a.jpg", b"photo", bytearray(b"photo"), memoryview(b"photo"), Path("a.jpg"),
        io.BytesIO(b"photo"), Image.new("RGB", (4, 4)), read_photo(Image.new("RGB", (4, 4))),
        np.zeros((4, 4), np.uint8), torch.zeros(4, 4, 3),
    ],
)  # fmt: skip
def test_one_photo_is_not_many(small: Segmenter, photo: Any) -> None:
    with pytest.raises(TypeError, match="map takes many photos; give a list"):
        small.map(photo)


def test_arrays_may_hold_many_photos(small: Segmenter, small_photo: Path) -> None:
    for many in (np.array([str(small_photo)]), read_photo(small_photo).pixels[None]):
        (result,) = small.map(many)
        assert isinstance(result, Segmentation)


@pytest.mark.parametrize("option", ["margin", "softness", "join"])
@pytest.mark.parametrize("value", [-1, float("nan"), float("inf")])
def test_numbers_that_make_no_sense_are_refused(option: str, value: float) -> None:
    with pytest.raises(ValueError, match=rf"^{option} is {value}; give a number from 0 on$"):
        Segmenter(**{option: value})  # type: ignore[arg-type]


def test_options_of_an_extractor_that_is_not_named_are_refused() -> None:
    with pytest.raises(ValueError, match="person_options are for an extractor that is named"):
        Segmenter(person=Found((0, 0, 1, 1)), person_options={"everyone": True})


@pytest.mark.parametrize("option", ["engine", "precision"])
def test_unknown_engine_or_precision_is_refused(small_weights: Path, option: str) -> None:
    for weights in (None, small_weights):
        with pytest.raises(Pix2SegError, match=f"no {option} 'foo'; take auto, "):
            Segmenter(weights, **{option: "foo"})  # type: ignore[arg-type]


@pytest.mark.parametrize("box", [(1, 2), (5, 0, 5, 9), (0, 9, 4, 3), (0, 0, float("nan"), 1), 7])
def test_a_box_that_is_none_is_refused(small_weights: Path, box: Any) -> None:
    with pytest.raises(PersonError, match=r"is none; give \(left, top, right, bottom\)"):
        Segmenter(small_weights, person="grabcut", person_options={"box": box})


def test_what_users_need_is_in_the_package() -> None:
    assert (pix2seg.PhotoError, pix2seg.PersonError) == (PhotoError, PersonError)
    assert {"Palette", "Swatch", "Color", "Garment", "Person"} <= set(dir(pix2seg))
    for name in dir(pix2seg):
        assert getattr(pix2seg, name).__name__ == name


@pytest.mark.parametrize(
    ("mask", "error", "message"),
    [
        (np.ones((30, 20), np.uint8), TypeError, "is bool .*; this is uint8"),
        (np.ones((30, 20, 1), bool), TypeError, r"this is bool \(30, 20, 1\)"),
        (np.ones((15, 10), bool), PersonError, r"mine gave a mask of \(15, 10\) for a photo of"),
    ],
)
def test_masks_of_an_extractor_of_one_s_own_are_checked(
    small_weights: Path, mask: np.ndarray, error: type[Exception], message: str
) -> None:
    class Mine:
        version = "mine"

        def find(self, pixels: np.ndarray) -> Person:
            return Person(mask, (0, 0, 20, 30), 1.0)

    segmenter = Segmenter(small_weights, person=Mine())
    with pytest.raises(error, match=message):
        segmenter(np.zeros((30, 20, 3), np.uint8))


def test_a_box_names_one_person(small_weights: Path) -> None:
    options = {"everyone": True, "box": (0, 0, 5, 5)}
    with pytest.raises(PersonError, match="names one person"):
        Segmenter(small_weights, person="mask-rcnn", person_options=options)
