import dataclasses
import json
import re
from pathlib import Path

import jsonschema
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image

from pix2seg.classes import Scheme, load_scheme
from pix2seg.colors.document import palette_schema
from pix2seg.colors.export import to_css, to_tokens
from pix2seg.errors import SchemeError, WeightsError
from pix2seg.garments import FIRST_GARMENT, Garment, Kinds, kinds, name_kinds, with_doubts
from pix2seg.photo import read_photo
from pix2seg.preprocess.fit import Fit
from pix2seg.preprocess.person import Person
from pix2seg.result import Segmentation
from pix2seg.segmenter import Segmenter
from pix2seg.thresholds import mask_to_map

FOUR = load_scheme("four")
SKIN, HAIR, CLOTHES = (FOUR.id_of(name) for name in ("skin", "hair", "clothes"))
TOP, DRESS, SKIRT, TROUSERS, SHOES, BAG = (
    kinds().id_of(name) for name in ("top", "dress", "skirt", "trousers", "shoes", "bag")
)

SIDE = 64
WHOLE = (slice(0, SIDE), slice(0, SIDE))
BLACK = np.zeros((SIDE, SIDE, 3), np.uint8)


def square(mask: np.ndarray, x: int, y: int, side: int, value: int) -> None:
    mask[y : y + side, x : x + side] = value


def logits_of(kind: np.ndarray) -> np.ndarray:
    """Logits of 4 for the given kind of each pixel, 0 for all others."""
    ids = np.arange(FIRST_GARMENT, len(kinds()))[:, None, None]
    return (4.0 * (ids == kind)).astype(np.float32)


def named(kind: np.ndarray, mask: np.ndarray) -> Kinds:
    return name_kinds(logits_of(kind), Fit((SIDE, SIDE), (SIDE, SIDE)), WHOLE, BLACK, mask, FOUR)


def result_of(
    mask: np.ndarray, pixels: np.ndarray | None = None, certainty: np.ndarray | None = None
) -> Segmentation:
    """What a segmenter gives that sees these kinds."""
    pixels = np.zeros((*mask.shape, 3), np.uint8) if pixels is None else pixels
    certainty = np.full(mask.shape, 255, np.uint8) if certainty is None else certainty
    classes = kinds().merged_into(FOUR)[mask]
    person = Person.from_mask(classes > 0, 1.0)
    return Segmentation(
        photo=read_photo(pixels),
        drawing=lambda: mask_to_map(classes, FOUR),
        mask=classes,
        scheme=FOUR,
        person=person,
        model={"generator": "drawn", "person": "drawn"},
        seconds=0.0,
        quality=1.0,
        review=None,
        naming=lambda: Kinds(mask, certainty),
    )


def found(mask: np.ndarray) -> list[Garment]:
    return result_of(mask).garments()


def test_the_kinds_are_those_of_the_files_in_their_order() -> None:
    assert kinds().names == (
        "background", "skin", "hair", "hat", "eyewear", "top", "outerwear", "dress", "skirt",
        "trousers", "hosiery", "shoes", "bag", "scarf", "belt", "accessories",
    )  # fmt: skip


def test_the_kinds_gather_every_label_of_ccp_and_fall_into_four() -> None:
    labels = [label for c in load_scheme("ccp59").classes for label in c.labels]
    assert sorted(set(kinds().lookup(labels))) == list(range(16))
    assert list(kinds().merged_into(FOUR)) == [0, SKIN, HAIR] + 13 * [CLOTHES]


def test_only_pixels_that_the_mask_calls_clothes_have_a_kind() -> None:
    mask = np.zeros((SIDE, SIDE), np.uint8)
    square(mask, 8, 8, 40, CLOTHES)
    square(mask, 8, 8, 10, SKIN)
    square(mask, 30, 8, 10, HAIR)
    result = named(np.full(mask.shape, TROUSERS), mask)
    assert np.array_equal(result.mask == TROUSERS, mask == CLOTHES)
    assert np.array_equal(result.mask == kinds().id_of("skin"), mask == SKIN)
    assert np.array_equal(result.mask == kinds().id_of("hair"), mask == HAIR)
    assert not result.certainty[mask != CLOTHES].any()
    assert result.certainty[mask == CLOTHES] == pytest.approx(255 * np.e**4 / (np.e**4 + 12), abs=1)


CELLS = arrays.arrays(np.uint8, (6, 6), elements=st.integers(0, 3))
WORN = arrays.arrays(np.uint8, (6, 6), elements=st.sampled_from((TOP, DRESS, SKIRT, TROUSERS, BAG)))


@given(CELLS, WORN, arrays.arrays(np.bool_, (6, 6)))
def test_rules_for_garments_never_leave_the_clothes(
    classes: np.ndarray, worn: np.ndarray, colored: np.ndarray
) -> None:
    large = np.ones((8, 8), np.uint8)
    mask, kind = np.kron(classes, large), np.kron(worn, large)
    pixels = np.where(np.kron(colored, large)[..., None], (180, 40, 40), (200, 190, 170))
    size = mask.shape
    fit = Fit(size, size)
    whole = slice(0, size[0]), slice(0, size[1])
    result = name_kinds(logits_of(kind), fit, whole, pixels.astype(np.uint8), mask, FOUR).mask
    assert np.array_equal(result >= FIRST_GARMENT, mask == CLOTHES)
    assert np.array_equal(result[mask != CLOTHES], mask[mask != CLOTHES])


def test_a_garment_in_the_color_of_the_ground_stays_where_it_is() -> None:
    mask = np.zeros((SIDE, SIDE), np.uint8)
    mask[8:56, 8:56] = CLOTHES
    mask[8:20, 8:16] = mask[8:20, 48:56] = 0  # a corner left and right, as beside a skirt's waist
    kind = np.full(mask.shape, SKIRT)
    kind[52:56] = DRESS
    assert np.array_equal(named(kind, mask).mask >= FIRST_GARMENT, mask == CLOTHES)


def test_kinds_lie_where_the_network_saw_them() -> None:
    mask = np.zeros((SIDE, SIDE), np.uint8)
    part = slice(16, 48), slice(32, 64)
    mask[part] = CLOTHES
    coarse = np.full((8, 8), TROUSERS)
    coarse[:4] = TOP
    result = name_kinds(logits_of(coarse), Fit((32, 32), (64, 64)), part, BLACK, mask, FOUR)
    assert (result.mask[16:32, 32:] == TOP).all()
    assert (result.mask[32:48, 32:] == TROUSERS).all()
    assert not result.mask[:, :32].any()


def test_specks_take_the_kind_around_them_and_islands_keep_theirs() -> None:
    mask = np.zeros((SIDE, SIDE), np.uint8)
    square(mask, 8, 8, 48, CLOTHES)
    square(mask, 1, 1, 2, CLOTHES)  # glasses touch no other garment
    kind = np.full(mask.shape, TOP)
    square(kind, 20, 20, 2, BAG)
    square(kind, 1, 1, 2, kinds().id_of("eyewear"))
    result = named(kind, mask)
    assert (result.mask[8:56, 8:56] == TOP).all()
    assert (result.mask[1:3, 1:3] == kinds().id_of("eyewear")).all()


def test_unlikely_patches_take_the_kind_around_them_and_likely_ones_stay() -> None:
    mask = np.zeros((SIDE, SIDE), np.uint8)
    square(mask, 8, 8, 48, CLOTHES)
    kind = np.full(mask.shape, TOP)
    square(kind, 12, 12, 12, BAG)
    square(kind, 36, 36, 12, BAG)
    logits = logits_of(kind)
    logits[:, 12:24, 12:24] /= 2  # the bag has 0.38 there, and 0.82 on the other square
    fit = Fit((SIDE, SIDE), (SIDE, SIDE))
    result = name_kinds(logits, fit, WHOLE, BLACK, mask, FOUR)
    assert (result.mask[12:24, 12:24] == TOP).all()
    assert (result.mask[36:48, 36:48] == BAG).all()


def test_what_goes_on_in_the_same_color_is_one_garment() -> None:
    mask = np.full((SIDE, SIDE), CLOTHES, np.uint8)
    kind = np.full(mask.shape, DRESS)
    kind[40:, 16:48] = SKIRT
    fit = Fit((SIDE, SIDE), (SIDE, SIDE))
    pixels = np.full((SIDE, SIDE, 3), (40, 60, 160), np.uint8)
    pixels[:, ::2] += 8  # light and shade
    one = name_kinds(logits_of(kind), fit, WHOLE, pixels, mask, FOUR)
    assert (one.mask == DRESS).all()
    pixels[40:, 16:48] = (180, 40, 40)
    two = name_kinds(logits_of(kind), fit, WHOLE, pixels, mask, FOUR)
    assert np.array_equal(two.mask, kind)
    kind[:40], kind[40:] = TOP, SKIRT
    suit = named(kind, mask)  # a top and a skirt of one cloth are two
    assert np.array_equal(suit.mask, kind)


@pytest.mark.parametrize(("speck", "is_of"), [(DRESS, TROUSERS), (SHOES, SHOES)])
def test_nobody_wears_a_speck_of_a_dress(speck: int, is_of: int) -> None:
    mask = np.zeros((SIDE, SIDE), np.uint8)
    kind = np.full(mask.shape, TROUSERS)
    square(mask, 20, 20, 40, CLOTHES)
    square(mask, 2, 2, 1, CLOTHES)
    square(kind, 2, 2, 1, speck)
    assert named(kind, mask).mask[2, 2] == is_of


def test_a_patch_in_the_middle_of_a_garment_is_of_it_in_its_color_alone() -> None:
    mask = np.full((SIDE, SIDE), CLOTHES, np.uint8)
    kind = np.full(mask.shape, TROUSERS)
    square(kind, 20, 20, 24, DRESS)  # large and likely enough to be none of the unlikely ones
    fit = Fit((SIDE, SIDE), (SIDE, SIDE))
    pixels = np.full((SIDE, SIDE, 3), (36, 106, 118), np.uint8)
    assert (name_kinds(logits_of(kind), fit, WHOLE, pixels, mask, FOUR).mask == TROUSERS).all()
    pixels[20:44, 20:44] = (200, 40, 40)
    apart = name_kinds(logits_of(kind), fit, WHOLE, pixels, mask, FOUR).mask
    assert (apart[20:44, 20:44] == DRESS).all()


def test_any_scheme_with_skin_and_hair_names_all_else_clothes() -> None:
    scheme = load_scheme("ccp29")
    mask = np.full((SIDE, SIDE), scheme.id_of("jacket"), np.uint8)
    mask[:8] = scheme.id_of("hair")
    fit = Fit((SIDE, SIDE), (SIDE, SIDE))
    result = name_kinds(logits_of(np.full((16, 16), SHOES)), fit, WHOLE, BLACK, mask, scheme)
    assert (result.mask[:8] == kinds().id_of("hair")).all()
    assert (result.mask[8:] == SHOES).all()


def test_two_shoes_are_one_entry_and_two_bags_are_two() -> None:
    mask = np.zeros((SIDE, SIDE), np.uint8)
    square(mask, 0, 0, 30, TROUSERS)
    square(mask, 0, 50, 8, SHOES)
    square(mask, 20, 50, 9, SHOES)
    square(mask, 40, 0, 12, BAG)
    square(mask, 40, 30, 10, BAG)
    square(mask, 55, 20, 3, BAG)  # a strap: with the bag that is nearer
    garments = found(mask)
    assert [g.kind for g in garments] == ["trousers", "bag", "shoes", "bag"]
    trousers, large, shoes, small = garments
    assert trousers.box == (0, 0, 30, 30)
    assert trousers.coverage == 900 / SIDE**2
    assert shoes.box == (0, 50, 29, 59)
    assert large.box == (40, 0, 58, 23)
    assert small.box == (40, 30, 50, 40)
    assert not (large.mask & small.mask).any()
    assert np.array_equal(large.mask | small.mask, mask == BAG)


def test_a_garment_has_its_own_colors_and_the_mean_of_its_certainty() -> None:
    mask = np.zeros((SIDE, SIDE), np.uint8)
    mask[:32], mask[32:] = TOP, TROUSERS
    pixels = np.zeros((SIDE, SIDE, 3), np.uint8)
    pixels[:32], pixels[32:] = (250, 250, 250), (20, 30, 90)
    certainty = np.full(mask.shape, 51, np.uint8)
    certainty[40:] = 204
    top, trousers = result_of(mask, pixels, certainty).garments()
    assert [s.color.rgb for s in top.palette] == [(250, 250, 250)]
    assert [s.color.rgb for s in trousers.palette] == [(20, 30, 90)]
    assert top.score == pytest.approx(0.2)
    assert trousers.score == pytest.approx(0.25 * 0.2 + 0.75 * 0.8)


def test_a_photo_without_clothes_has_no_garments() -> None:
    assert found(np.zeros((SIDE, SIDE), np.uint8)) == []
    nothing = named(np.full((SIDE, SIDE), TOP), np.zeros((SIDE, SIDE), np.uint8))
    assert not nothing.mask.any()


def dressed() -> Segmentation:
    """Somebody in a white top and navy trousers, with two bags, before grey."""
    mask = np.zeros((SIDE, SIDE), np.uint8)
    square(mask, 20, 2, 8, kinds().id_of("skin"))
    square(mask, 16, 10, 20, TOP)
    square(mask, 16, 30, 22, TROUSERS)
    square(mask, 45, 30, 10, BAG)
    square(mask, 2, 30, 8, BAG)
    pixels = np.full((SIDE, SIDE, 3), 127, np.uint8)
    pixels[mask == TOP], pixels[mask == TROUSERS] = (250, 250, 248), (20, 26, 60)
    pixels[mask == BAG] = (120, 20, 30)
    return result_of(mask, pixels, np.where(mask > 2, np.uint8(204), np.uint8(0)))


def test_every_garment_is_written(tmp_path: Path) -> None:
    result = dressed()
    names = {f.name for f in result.save(tmp_path, "a", garments=True, cutouts=True, colors=True)}
    parts = ("person", "skin", "clothes", "trousers", "top", "bag", "bag-2")
    assert names == {
        "a.mask.png", "a.overlay.png", "a.garments.png", "a.palette.json", "a.palette.png",
        *(f"a.{part}.png" for part in parts),
    }  # fmt: skip
    with Image.open(tmp_path / "a.garments.png") as image:
        assert np.array_equal(np.asarray(image), result.garment_mask)
        palette = np.array(image.getpalette(), np.uint8).reshape(-1, 3)
        assert np.array_equal(palette[:16], kinds().colors)
    document = json.loads((tmp_path / "a.palette.json").read_text("utf-8"))
    jsonschema.validate(document, palette_schema())
    told = [(g["kind"], g["basic"], g["score"]) for g in document["garments"]]
    assert told == [
        ("trousers", ["navy"], 0.8), ("top", ["white"], 0.8), ("bag", ["red"], 0.8),
        ("bag", ["red"], 0.8),
    ]  # fmt: skip
    with Image.open(tmp_path / "a.bag-2.png") as image:
        opaque = np.asarray(image)[..., 3] > 127
    assert opaque[30:38, 2:10].all()
    assert opaque.sum() == 64


def test_palettes_for_other_programs_hold_the_garments() -> None:
    colors = dressed().colors(garments=True)
    css = to_css(colors).decode()
    for garment in ("trousers", "top", "bag", "bag-2"):
        assert re.search(rf"^  --{garment}-1: #[0-9a-f]{{6}};", css, re.MULTILINE)
    tokens = json.loads(to_tokens(colors))
    assert set(tokens) >= {"skin", "clothes", "trousers", "top", "bag", "bag 2"}


def test_garments_are_cut_out_without_their_neighbours() -> None:
    trousers, top, *_ = dressed().garments()
    hard = np.asarray(top.cutout(hard_edges=True))
    assert np.array_equal(hard[..., 3] == 255, top.mask)
    assert (hard[top.mask][:, :3] == (250, 250, 248)).all()
    soft = np.asarray(top.cutout())
    assert (soft[..., 3][trousers.mask] < 128).all()
    assert soft[..., 3][12:28, 18:34].min() == 255


def test_kinds_are_cut_out_by_name_all_garments_of_one_together() -> None:
    result = dressed()
    trousers, top, *bags = result.garments()
    assert np.array_equal(result.where("trousers"), trousers.mask)
    assert np.array_equal(result.where("bag"), bags[0].mask | bags[1].mask)
    assert np.array_equal(np.asarray(result.cutout("top")), np.asarray(top.cutout()))
    assert not result.where("hat").any()
    with pytest.raises(SchemeError, match=r"'Baag'; take bag$"):
        result.cutout("Baag")
    with pytest.raises(SchemeError, match="no class or garment 'pauldron'"):
        result.cutout("pauldron")


def dressed_in(names: dict[str, str]) -> Segmentation:
    """The same with other names for classes."""
    classes = tuple(dataclasses.replace(c, name=names.get(c.name, c.name)) for c in FOUR.classes)
    return dataclasses.replace(dressed(), scheme=Scheme("renamed", classes))


def test_a_class_and_a_garment_of_one_name_are_told_apart() -> None:
    result = dressed_in({"clothes": "bag"})
    pictures = [name for name, _ in result.cutouts(garments=True)]
    assert pictures == ["person", "skin", "bag", "trousers", "top", "bag-2", "bag-3"]
    palettes = result.colors(garments=True).all_palettes()
    assert list(palettes) == ["bag", "hair", "skin", "trousers", "top", "bag 2", "bag 3"]
    assert len({palettes[name].coverage for name in ("bag", "bag 2", "bag 3")}) == 3


def test_the_background_may_have_any_name() -> None:
    original, renamed = dressed(), dressed_in({"background": "street"})
    for garment in original.garments():
        assert np.array_equal(renamed.alpha(garment), original.alpha(garment))


def test_the_pipeline_form_tells_garments_skin_and_hair() -> None:
    entries = dressed().to_pipeline()
    assert [(e["label"], e["score"]) for e in entries] == [
        ("trousers", pytest.approx(0.8)), ("top", pytest.approx(0.8)),
        ("bag", pytest.approx(0.8)), ("bag", pytest.approx(0.8)), ("skin", None),
    ]  # fmt: skip
    assert all(e["mask"].mode == "L" and e["mask"].size == (SIDE, SIDE) for e in entries)
    assert np.array_equal(np.asarray(entries[1]["mask"]) == 255, dressed().garment_mask == TOP)


def test_weights_without_a_garment_head_say_so(tmp_path: Path) -> None:
    result = dataclasses.replace(dressed(), naming=None)
    assert result.garment_mask is None
    assert [e["label"] for e in result.to_pipeline()] == ["skin", "clothes"]
    for ask in (result.garments, lambda: result.save(tmp_path, "a", garments=True)):
        with pytest.raises(WeightsError, match="name no garments"):
            ask()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("flip", [False, True])
def test_a_generator_with_a_garment_head_names_all_clothes(
    garment_weights: Path, photos: list[Path], flip: bool
) -> None:
    result = Segmenter(garment_weights, person="none", flip=flip)(photos[0])
    named = result.garment_mask
    assert named is not None
    assert named.shape == result.mask.shape
    assert np.array_equal(named >= FIRST_GARMENT, result.where("clothes"))
    assert len(np.unique(named)) > 4
    garments = result.garments()
    assert sum(g.coverage for g in garments) == pytest.approx(result.coverage()["clothes"])
    assert all(1 / 13 < g.score <= 1 for g in garments)


def test_a_mirrored_photo_shows_mirrored_kinds_with_flip(garment_weights: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (96, 64, 3), np.uint8)
    segmenter = Segmenter(garment_weights, person="none", flip=True, precision="fp32")
    here, there = segmenter(pixels).named(), segmenter(pixels[:, ::-1]).named()
    assert np.mean(here.mask == there.mask[:, ::-1]) > 0.95


def test_kinds_that_are_hardly_sure_have_a_question_mark() -> None:
    mask = np.full((4, 6), 5, np.uint8)
    mask[:, 3:] = kinds().id_of("bag")
    certainty = np.where(mask == 5, np.uint8(200), np.uint8(150))
    names = with_doubts(Kinds(mask, certainty)).names
    assert [name for name in names if name.endswith("?")] == ["bag?"]
    assert [name.removesuffix("?") for name in names] == list(kinds().names)
    assert with_doubts(Kinds(mask * 0, certainty * 0)) == kinds()


def test_a_class_is_found_by_its_very_name_first() -> None:
    result = dressed_in({"skin": "shorts", "hair": "short", "clothes": "Dress"})
    for class_id, name in enumerate(("shorts", "short", "Dress"), 1):
        assert np.array_equal(result.where(name), result.mask == class_id)
