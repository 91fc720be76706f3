import json
from pathlib import Path

import cv2
import jsonschema
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageColor

from pix2seg.colors.color import Color
from pix2seg.colors.document import document_text, palette_schema
from pix2seg.colors.names import BASIC, _codes, _listed, basic_names, feed_text, name_of
from pix2seg.colors.palette import MERGE_DISTANCE, Palette, Swatch, extract_palette
from pix2seg.colors.photo_colors import photo_colors
from pix2seg.colors.skin import MONK_TONES, nearest_tones
from pix2seg.colors.space import delta_e, distances
from pix2seg.errors import ColorError
from pix2seg.photo import read_photo

levels = st.integers(0, 255)
rgb = st.tuples(levels, levels, levels)

UNCHANGED = 1.0
"""CIEDE2000 by which a palette's colours may move when pixels are permuted or a photo flipped."""

SCALED = 5.0
"""The same, for the median photo, when it is scaled by a half; see `SCALED_PRINT`."""

SCALED_PRINT = 15.0
"""The same for any photo: shrinking blends the colours of a fine print into new ones."""


def photo_and_clothes(path: Path) -> tuple[np.ndarray, np.ndarray]:
    return read_photo(path).pixels, np.asarray(Image.open(path.with_suffix(".png"))) == 3


def farthest(first: Palette, second: Palette) -> float:
    """How far the farthest colour of two palettes with 5 % share is from the other palette."""
    gaps = []
    for one, other in ((first, second), (second, first)):
        labs = np.array([swatch.mean.lab for swatch in other])
        gaps += [distances(swatch.mean.lab, labs).min() for swatch in one if swatch.share >= 0.05]
    return float(max(gaps))


@given(rgb)
def test_color_reads_the_same_in_every_notation(value: tuple[int, int, int]) -> None:
    color = Color.from_rgb(*value)
    assert color.rgb == value
    assert Color.from_hex(color.hex) == color
    hue, saturation, brightness = color.hsv
    assert 0 <= hue < 360
    assert 0 <= saturation <= 1
    assert brightness == max(value) / 255
    token = color.to_token()["$value"]
    assert token["hex"] == color.hex
    assert np.allclose(token["components"], np.array(value) / 255, atol=1e-4)


def test_lab_of_known_colors() -> None:
    assert Color.from_hex("#ffffff").lab == pytest.approx((100, 0, 0), abs=0.01)
    assert Color.from_hex("#ff0000").lab == pytest.approx((53.24, 80.09, 67.2), abs=0.05)
    assert Color.from_hex("#1b2a3c").lab == pytest.approx((16.8, -0.8, -13.2), abs=1.5)


@pytest.mark.parametrize("text", ["red", "#12345", "#gggggg", "", "#1234567", "12 34 56"])
def test_what_is_no_color_is_refused(text: str) -> None:
    with pytest.raises(ColorError, match="write it as #1b2a3c"):
        Color.from_hex(text)


def test_ciede2000_of_published_pairs() -> None:
    # Sharma, Wu and Dalal 2005, table 1, pairs 1, 7 and 17.
    pairs = [
        ((50, 2.6772, -79.7751), (50, 0, -82.7485), 2.0425),
        ((50, 0, 0), (50, -1, 2), 2.3669),
        ((50, 2.5, 0), (73, 25, -18), 27.1492),
    ]
    for first, second, expected in pairs:
        assert delta_e(first, second) == pytest.approx(expected, abs=1e-4)


@given(st.integers(0, 10_000), st.integers(1, 8))
@settings(max_examples=25)
def test_shares_sum_to_one_and_colors_occur_in_the_photo(seed: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, 256, (24, 18, 3), dtype=np.uint8)
    mask = rng.random((24, 18)) < rng.uniform(0.05, 1)
    palette = extract_palette(pixels, mask, count)
    occurring = {tuple(p) for p in pixels[mask].tolist()}
    assert len(palette) <= count
    if mask.any():
        assert sum(s.share for s in palette) == pytest.approx(1)
        assert palette[0] is next(iter(palette))
        assert [s.share for s in palette] == sorted((s.share for s in palette), reverse=True)
        assert all(swatch.color.rgb in occurring for swatch in palette)
    else:
        assert len(palette) == 0


@given(st.integers(0, 1000))
@settings(max_examples=8)
def test_permuted_pixels_keep_their_colors(photos: list[Path], seed: int) -> None:
    pixels, mask = photo_and_clothes(photos[seed % len(photos)])
    everywhere = np.ones((1, np.count_nonzero(mask)), bool)
    clothes = pixels[mask][None]
    shuffled = np.random.default_rng(seed).permutation(clothes, axis=1)
    first, second = (extract_palette(p, everywhere) for p in (clothes, shuffled))
    assert farthest(first, second) <= UNCHANGED


def test_flipped_and_enlarged_photos_keep_their_colors(photos: list[Path]) -> None:
    for path in photos:
        pixels, mask = photo_and_clothes(path)
        palette = extract_palette(pixels, mask)
        assert farthest(palette, extract_palette(pixels[:, ::-1], mask[:, ::-1])) <= UNCHANGED
        twice = (np.repeat(np.repeat(a, 2, 0), 2, 1) for a in (pixels, mask))
        assert farthest(palette, extract_palette(*twice)) <= UNCHANGED


def test_shrunk_photos_keep_their_colors(photos: list[Path]) -> None:
    moves = []
    for path in photos:
        pixels, mask = photo_and_clothes(path)
        height, width = mask.shape[0] // 2 * 2, mask.shape[1] // 2 * 2
        half = np.asarray(Image.fromarray(pixels[:height, :width]).reduce(2))
        smaller = extract_palette(half, mask[:height:2, :width:2])
        moves.append(farthest(extract_palette(pixels, mask), smaller))
    assert np.median(moves) <= SCALED
    assert max(moves) <= SCALED_PRINT


@given(rgb, rgb, st.floats(0.1, 0.9))
@settings(max_examples=25)
def test_two_colored_garment(
    first: tuple[int, int, int], second: tuple[int, int, int], share: float
) -> None:
    gap = delta_e(Color.from_rgb(*first).lab, Color.from_rgb(*second).lab, 2.0)
    pixels = np.empty((100, 100, 3), np.uint8)
    rows = round(share * 100)
    pixels[:rows], pixels[rows:] = first, second
    palette = extract_palette(pixels, np.ones((100, 100), bool))
    if gap < 6:
        assert len(palette) <= 2
        return
    shares = {swatch.color.rgb: swatch.share for swatch in palette}
    assert shares == pytest.approx({first: rows / 100, second: 1 - rows / 100}, abs=0.01)


@pytest.mark.parametrize("hex_code", ["#141416", "#f2f0ea", "#8a2030"])
def test_plain_cloth_in_light_and_shade_is_one_color(hex_code: str) -> None:
    rng = np.random.default_rng(0)
    base = np.array(Color.from_hex(hex_code).rgb, float)
    shade = 1 - 0.12 * np.linspace(0, 1, 120)[:, None, None] ** 2
    pixels = np.clip(base * shade + rng.normal(0, 2, (120, 80, 3)), 0, 255).astype(np.uint8)
    assert len(extract_palette(pixels, np.ones((120, 80), bool))) == 1


def test_small_and_plain_masks() -> None:
    pixels = np.full((30, 30, 3), (27, 42, 60), np.uint8)
    mask = np.zeros((30, 30), bool)
    assert len(extract_palette(pixels, mask)) == 0
    mask[15, 15] = True
    for count in (1, 900):
        palette = extract_palette(pixels, mask)
        assert [(s.color.hex, s.share) for s in palette] == [("#1b2a3c", 1.0)]
        assert palette.coverage == pytest.approx(count / 900)
        mask[:] = True


def test_thin_and_small_things_in_a_large_photo_keep_their_shares() -> None:
    pixels = np.zeros((3000, 4000, 3), np.uint8)
    belt, square = np.zeros((2, 3000, 4000), bool)
    belt[1501:1504, 500:2500] = belt[1500, 2490:2500] = True
    pixels[belt] = (120, 60, 20)
    pixels[1500, 2490:2500] = (255, 255, 255)
    square[100:109, 100:109] = True
    pixels[square] = (20, 20, 220)
    pixels[100:109, 100:104] = (220, 20, 20)
    expected = {(120, 60, 20): 6000 / 6010, (255, 255, 255): 10 / 6010}
    shares = {swatch.color.rgb: swatch.share for swatch in extract_palette(pixels, belt)}
    assert shares == pytest.approx(expected)
    shares = {swatch.color.rgb: swatch.share for swatch in extract_palette(pixels, square)}
    assert shares == pytest.approx({(20, 20, 220): 5 / 9, (220, 20, 20): 4 / 9})


@pytest.mark.parametrize("scale", [1, 2])
def test_no_two_colors_of_a_palette_are_near(photos: list[Path], scale: int) -> None:
    for photo in photos:
        pixels = read_photo(photo).pixels[::scale, ::scale]
        mask = np.asarray(Image.open(photo.with_suffix(".png")))[::scale, ::scale]
        for class_id in (1, 2, 3):
            palette = extract_palette(pixels, mask == class_id)
            labs = np.array([swatch.mean.lab for swatch in palette]).reshape(-1, 3)
            gaps = distances(labs, labs, lightness_scale=2)
            # The mean of a cluster's bins weighs them; that of its pixels may lie a little off.
            assert (gaps[~np.eye(len(labs), dtype=bool)] > 0.9 * MERGE_DISTANCE).all()


def test_the_edge_of_a_garment_counts_less_than_its_inside() -> None:
    """It mixes with what is behind; a photo's own edge cuts a garment, and does not mix."""
    pixels = np.full((300, 300, 3), (40, 60, 200), np.uint8)
    mask = np.zeros((300, 300), bool)
    mask[100:200, 100:200] = True
    pixels[mask] = (180, 40, 40)
    rim = mask & ~cv2.erode(mask.view(np.uint8), np.ones((3, 3), np.uint8)).astype(bool)
    pixels[rim] = (150, 70, 70)
    part = np.s_[100:200, 100:200]
    (inside,), (whole,) = (
        extract_palette(pixels, mask, 1),
        extract_palette(pixels[part], mask[part], 1),
    )
    assert inside.mean.rgb[0] > whole.mean.rgb[0]


def test_all_monk_tones_survive_from_mask_to_palette(tmp_path: Path) -> None:
    for number, tone in enumerate(MONK_TONES, 1):
        pixels = np.full((60, 40, 3), 128, np.uint8)
        mask = np.zeros((60, 40), bool)
        mask[10:50, 10:30] = True
        noise = np.random.default_rng(number).normal(0, 2, (60, 40, 3))
        skin = np.clip(Color.from_hex(tone).rgb + noise, 0, 255).astype(np.uint8)
        pixels[mask] = skin[mask]
        colors = photo_colors(read_photo(pixels), {"skin": mask})
        (swatch,) = colors.palettes["skin"]
        nearest, second = nearest_tones(swatch.color)
        # Tones 1 to 3 are within 4 CIEDE2000 of each other: noise may swap which is nearest.
        assert number in (nearest.tone, second.tone)
        assert delta_e(swatch.mean.lab, Color.from_hex(tone).lab) < 1.5
        monk = colors.document()["classes"]["skin"]["colors"][0]["monk"]
        assert [m["tone"] for m in monk] == [nearest.tone, second.tone]


@pytest.mark.parametrize(
    ("hex_code", "css", "xkcd", "basic"),
    [
        ("#000080", "navy", "deep blue", "navy"),
        ("#ff0000", "red", "fire engine red", "red"),
        ("#fefefe", "white", "white", "white"),
        ("#f5f5dc", "beige", "off white", "beige"),
        ("#808080", "grey", "medium grey", "grey"),
        ("#0a0a0c", "black", "black", "black"),
    ],
)
def test_names(hex_code: str, css: str, xkcd: str, basic: str) -> None:
    color = Color.from_hex(hex_code)
    assert name_of(color, "css") == css
    assert name_of(color, "xkcd") == xkcd
    assert name_of(color, "basic") == basic


def test_names_are_there_after_others_used_pillow_s_colors() -> None:
    ImageColor.getrgb("blue")  # leaves numbers where the code was
    for read_once in (_codes, _listed):
        read_once.cache_clear()
    assert name_of(Color.from_hex("#0000ff")) == "blue"


def palette_of(**shares: float) -> Palette:
    codes = {"navy": "#14213d", "white": "#f4f4f2", "red": "#c8102e", "green": "#228b22",
             "yellow": "#ffe135"}  # fmt: skip
    colors = {name: Color.from_hex(codes[name]) for name in shares}
    return Palette(tuple(Swatch(colors[n], colors[n], s) for n, s in shares.items()), 0.3)


def test_feed_text_and_basic_names() -> None:
    striped = palette_of(navy=0.6, white=0.35, red=0.05)
    assert basic_names(striped) == ("navy", "white")
    assert feed_text(striped) == "Navy/White"
    motley = palette_of(navy=0.3, white=0.3, red=0.2, green=0.2)
    assert basic_names(motley) == ("multicolour",)
    assert feed_text(motley) == "Navy/White/Red"
    assert feed_text(Palette((), 0.0)) == ""


def test_every_document_passes_the_schema(photos: list[Path]) -> None:
    schema = palette_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    pixels = read_photo(photos[0])
    mask = np.asarray(Image.open(photos[0].with_suffix(".png")))
    masks = {"clothes": mask == 3, "hair": mask == 9, "skin": mask == 1}
    document = photo_colors(pixels, masks, max_colors=4).document()
    jsonschema.validate(document, schema)
    assert json.loads(document_text(document)) == document
    renamed = {**document, "image": {**document["image"], "file": "dbl[1  2].jpg"}}
    assert json.loads(document_text(renamed)) == renamed
    assert "garments" not in document
    assert document["quality"] is document["review"] is None
    for color in document["classes"]["clothes"]["colors"]:
        assert color["basic"] in BASIC
    for name in ("clothes", "skin"):
        shares = [color["share"] for color in document["classes"][name]["colors"]]
        assert sum(shares) == pytest.approx(1, abs=1e-12)
        assert [round(share, 6) for share in shares] == shares
    assert document["classes"]["hair"]["colors"] == []
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**document, "extra": 1}, schema)


@given(st.integers(0, 10_000))
@settings(max_examples=30, deadline=None)
def test_channels_at_their_limit_have_colours_too(seed: int) -> None:
    pixels = np.random.default_rng(seed).integers(0, 256, (40, 40, 3), dtype=np.uint8)
    pixels[..., seed % 3] = 255
    palette = extract_palette(pixels, np.ones((40, 40), bool))
    assert all(swatch.mean.components[seed % 3] == pytest.approx(1) for swatch in palette)


@pytest.mark.parametrize("count", [0, 65])
def test_a_number_of_colors_that_makes_no_sense_is_refused(count: int) -> None:
    with pytest.raises(ValueError, match="give 1 to 64"):
        extract_palette(np.zeros((4, 4, 3), np.uint8), np.ones((4, 4), bool), count)


def test_an_unknown_list_of_names_is_refused() -> None:
    with pytest.raises(ColorError, match="no list of names 'pantone'; take css, xkcd, basic"):
        name_of(Color.from_hex("#123456"), "pantone")  # type: ignore[arg-type]
