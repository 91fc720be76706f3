import json
import os
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from typer.testing import CliRunner

from pix2seg.catalog.catalog import Catalog, Stats
from pix2seg.catalog.listing import PLAIN, CatalogListing, TableListing, open_listing
from pix2seg.catalog.schema import PhotoRow, colors_of, labs_of
from pix2seg.catalog.search import Listing, Match, find
from pix2seg.classes import load_scheme
from pix2seg.cli import app
from pix2seg.cli.find import _colors_like
from pix2seg.colors.color import Color
from pix2seg.colors.names import (
    BASE_REACH,
    BASIC,
    BaseColor,
    base_named,
    colors_named,
    name_of,
    plain,
)
from pix2seg.colors.palette import Palette, Swatch
from pix2seg.colors.photo_colors import photo_colors
from pix2seg.colors.reach import lab_box
from pix2seg.colors.row import Row, rows_of
from pix2seg.colors.space import delta_e, distances, to_lab
from pix2seg.colors.table import write_table
from pix2seg.colors.wanted import Wanted, kind_named, parse_wanted
from pix2seg.errors import CatalogError, ColorError
from pix2seg.photo import Photo
from pix2seg.result import Segmentation

CLASSES = ("clothes", "skin", "hair")
COLORS = int(os.environ.get("FIND_COLORS", "60000"))
QUERIES = int(os.environ.get("FIND_QUERIES", "40"))
"""More take longer: 200 of 200,000 colours half a minute of an idle core."""

A_PHOTO = 10
"""Colours of a photo of the made catalogue: 4 of clothes, 3 of skin and of hair."""

RGB = st.tuples(*[st.integers(0, 255)] * 3)
NAVY, RED, WHITE = (27, 42, 60), (200, 30, 40), (245, 245, 243)


def made_catalog(out: Path, count: int) -> Catalog:
    """A catalogue of random colours: as vivid as can be, and muted as cloth."""
    draw = np.random.default_rng(0)
    rgb = draw.integers(0, 256, (count, 3))
    rgb[::2] = rgb[::2].mean(1, keepdims=True) + 0.3 * (rgb[::2] - rgb[::2].mean(1, keepdims=True))
    shares = draw.random(count).round(6)
    out.mkdir()
    scheme = [
        {"name": name, "labels": [], "color": f"#{i}00000"}
        for i, name in enumerate(("none", *CLASSES))
    ]
    facts = {"schema": "pix2seg.catalog/1", "scheme": {"name": "four", "classes": scheme}}
    (out / "catalog.json").write_text(json.dumps({**facts, "options": {"garments": False}}))
    catalog, photos = Catalog(str(out)), np.split(np.arange(count), count // A_PHOTO)
    for shard, part in enumerate(np.array_split(np.array(photos), 4)):
        rows = [_row(photo[0], rgb[photo], shares[photo]) for photo in part]
        catalog.write(shard, rows, Stats(0, 0, 0, 0))
    return catalog


def _row(number: int, rgb: NDArray[Any], shares: NDArray[Any]) -> PhotoRow:
    codes = [Color.from_rgb(*c).hex for c in rgb.tolist()]
    colors = [
        {"hex": code, "name": "?", "share": share}
        for code, share in zip(codes, shares.tolist(), strict=True)
    ]
    split = dict(zip(CLASSES, (colors[:4], colors[4:7], colors[7:]), strict=True))
    return {
        "uri": f"/shop/{number}.jpg",
        "file": f"{number}.jpg",
        "status": "ok",
        "palettes": [{"class": n, "coverage": 0.1, "colors": c} for n, c in split.items()],
    }


class BruteForce:
    """Looks at every colour of a made catalogue."""

    def __init__(self, catalog: Catalog) -> None:
        rows = list(catalog.all_rows())
        self.files = [row["file"] for row in rows]
        listed = [entry for row in rows for entry in colors_of(row)]
        self.kinds = np.array([of for of, _, _ in listed])
        self.codes = [color["hex"] for _, _, color in listed]
        self.shares = np.array([color["share"] for _, _, color in listed], np.float32)
        self.labs = labs_of(self.codes)

    def __call__(self, wanted: Sequence[Wanted], within: float) -> list[tuple[str, list[str]]]:
        """Files and hex codes of the photos that show all that is wanted, in order."""
        best = [self._best(one, within) for one in wanted]
        common = [p for p in best[0] if all(p in other for other in best[1:])]
        common.sort(key=lambda p: (max(f[p][0] for f in best), max(f[p][1] for f in best), p))
        return [(self.files[p], [self.codes[f[p][2]] for f in best]) for p in common]

    def _best(self, one: Wanted, within: float) -> dict[int, tuple[int, float, int]]:
        found: dict[int, tuple[int, float, int]] = {}
        parts = np.array_split(self.labs, 10)  # that many at once take a third of the time
        colors = [color.lab for color in one.colors]
        gaps = np.concatenate([distances(part, colors).min(axis=1) for part in parts])
        fitting = (gaps <= within) & (self.kinds == (one.of or "clothes"))
        for place in np.flatnonzero(fitting).tolist():
            photo = place // A_PHOTO
            entry = (int(gaps[place]), -float(self.shares[place]), place)
            found[photo] = min(found.get(photo, entry), entry)
        return found


def told(matches: list[Match]) -> list[tuple[str, list[str]]]:
    return [(match.file, [hit.hex for hit in match.hits]) for match in matches]


@given(RGB, st.floats(0, 40), st.integers(0, 2**32 - 1))
def test_no_near_color_lies_outside_the_box(
    rgb: tuple[int, int, int], within: float, seed: int
) -> None:
    lab = Color.from_rgb(*rgb).lab
    draw = np.random.default_rng(seed)
    around = np.array(rgb) + draw.normal(0, 40, (500, 3))
    labs = to_lab(np.clip(np.concatenate([around, draw.uniform(0, 255, (500, 3))]), 0, 255) / 255)
    near = labs[delta_e(labs, np.array(lab)) <= within]
    low, high = lab_box(lab, within)
    assert ((near >= low) & (near <= high)).all()


def test_boxes_are_no_larger_than_need_be() -> None:
    labs = to_lab(np.random.default_rng(0).random((50_000, 3)))
    for color in labs[:20]:
        low, high = lab_box(color, 5)
        assert ((labs >= low) & (labs <= high)).all(1).mean() < 0.1


def test_search_equals_brute_force(tmp_path: Path) -> None:
    catalog = made_catalog(tmp_path / "out", COLORS)
    listing, brute_force = CatalogListing(catalog), BruteForce(catalog)
    draw, some = np.random.default_rng(1), 0
    for i in range(QUERIES):
        wanted = [
            Wanted("", (Color(*draw.random(3)),), [None, *CLASSES][draw.integers(4)])
            for _ in range(2 if i % 10 == 0 else 1)
        ]
        within = float(draw.uniform(2, 12))
        expected = brute_force(wanted, within)
        limit = None if i < 3 else 20
        assert told(find(listing, wanted, within, limit)) == expected[:limit]
        some += bool(expected)
    assert some > QUERIES / 2


def rows(name: str, *colors: tuple[int, int, int]) -> list[Row]:
    """The rows of a photo whose clothes are so many bars, each half as wide as the one before."""
    bars = [np.full((16 << (len(colors) - i), 20, 3), c, np.uint8) for i, c in enumerate(colors)]
    pixels = np.vstack(bars)
    photo = Photo(pixels, None, name, name.encode().hex().ljust(64, "0"))
    mask = np.ones(pixels.shape[:2], bool)
    return list(rows_of(photo_colors(photo, {"clothes": mask}).document()))


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet"])
def test_tables_are_searched_too(tmp_path: Path, suffix: str) -> None:
    photos = rows("much.jpg", NAVY, RED) + rows("little.jpg", RED, NAVY) + rows("white.jpg", WHITE)
    write_table(tmp_path / f"table.{suffix}", photos)
    listing = open_listing(str(tmp_path / f"table.{suffix}"))
    assert isinstance(listing, TableListing)
    near = find(listing, [Wanted("", (Color.from_rgb(28, 42, 61),))])
    assert [match.file for match in near] == ["much.jpg", "little.jpg"]
    assert all(match.hits[0].distance < 1 for match in near)
    assert {match.hits[0].basic for match in near} == {"navy"}
    green = [Wanted("", (Color.from_hex("#00ff00"),))]
    assert find(listing, green, within=5) == []
    assert len(find(listing, green, within=200)) == 3
    assert find(listing, [Wanted("", (Color.from_rgb(*NAVY),), "hair")]) == []
    both = parse_wanted("red clothes and #1b2a3c", listing.kinds())
    assert {match.file for match in find(listing, both)} == {"much.jpg", "little.jpg"}


def garments(name: str, **palettes: list[tuple[str, float]]) -> list[Row]:
    """The rows of a photo by its classes and garments: hex codes and shares."""
    found = []
    for of, colors in palettes.items():
        garment = "" if of in CLASSES else of
        for rank, (code, share) in enumerate(colors, 1):
            lab = Color.from_hex(code).lab
            rgb = Color.from_hex(code).rgb
            found.append(
                Row(name, name, "clothes" if garment else of, garment, 0.1, rank, code,
                    *rgb, *lab, share, "?", "?", 0.9, "")
            )  # fmt: skip
    return found


def listing_of(folder: Path, *photos: list[Row]) -> TableListing:
    write_table(folder / "table.csv", [row for photo in photos for row in photo])
    return TableListing(folder / "table.csv")


def test_a_base_color_finds_what_is_called_so_and_nothing_else(tmp_path: Path) -> None:
    catalog = made_catalog(tmp_path / "out", 1000)
    listing = CatalogListing(catalog)
    for text in ("navy clothes", "white", "light grey clothes", "dark green"):
        (one,) = parse_wanted(text, listing.kinds())
        assert one.base
        expected: dict[str, float] = {}
        for row in catalog.all_rows():
            for color in row["palettes"][0]["colors"]:
                lightness = Color.from_hex(color["hex"]).lab[0]
                called = name_of(Color.from_hex(color["hex"]), "basic") in one.base.names
                if called and one.base.low <= lightness <= one.base.high:
                    expected[row["file"]] = expected.get(row["file"], 0) + color["share"]
        found = find(listing, [one], within=1)
        assert {match.file for match in found} == set(expected)
        for match in found:
            (hit,) = match.hits
            assert (hit.of, (hit.basic,)) == ("clothes", one.base.names)
            assert hit.share == pytest.approx(min(expected[match.file], 1), abs=1e-5)


def test_who_wears_most_of_a_base_color_comes_first(tmp_path: Path) -> None:
    two_reds = [("#8b0000", 0.4), ("#ff0000", 0.4)]
    listing = listing_of(
        tmp_path,
        garments("trace.jpg", clothes=[("#111111", 0.98)], dress=[("#c8102e", 0.02)]),
        garments("half.jpg", clothes=[("#c8102e", 0.2)], dress=[("#c8102e", 0.5)]),
        garments("shades.jpg", clothes=[("#8b0000", 0.3)], dress=two_reds),
        garments("hair.jpg", clothes=[("#111111", 1.0)], hair=[("#b22222", 1.0)]),
        garments("shoes.jpg", clothes=[("#c8102e", 0.05)], shoes=[("#ff0000", 1.0)]),
    )

    def files(text: str) -> list[str]:
        return [match.file for match in find(listing, parse_wanted(text, listing.kinds()))]

    assert files("red dress") == ["shades.jpg", "half.jpg", "trace.jpg"]
    assert files("red") == ["shades.jpg", "half.jpg", "shoes.jpg", "trace.jpg"]
    assert files("red hair") == ["hair.jpg"]
    assert files("#ff0000") == ["shoes.jpg", "shades.jpg"]  # the nearest first
    best = find(listing, parse_wanted("red dress", listing.kinds()))[0].hits[0]
    assert (best.hex, best.share) == ("#8b0000", 0.8)
    # The worst of several counts: nobody wears more than a trace of black and red.
    assert files("red dress and black clothes") == ["trace.jpg"]
    assert files("red belt") == []


@pytest.mark.parametrize("of_table", [True, False])
def test_what_is_listed_by_the_name_is_found(tmp_path: Path, of_table: bool) -> None:
    """CSS calls greens far from its own teal teal, and reds brown."""
    names = {"#116070": "Teal", "#008080": "teal", "#0a4d52": "dark slate gray"}
    brown = {"#a52a2a": "brown", "#5c4033": "brown", "#653701": "umber"}
    photos = [
        [
            replace(row, name=name)
            for row in garments(f"{code[1:]}.jpg", clothes=[(code, 0.9)], dress=[(code, 0.9)])
        ]
        for code, name in (names | brown).items()
    ]
    listing: Listing = listing_of(tmp_path, *photos)
    if not of_table:
        listing = CatalogListing(catalog_of(tmp_path / "out", photos))

    def files(text: str, within: float = 1.0) -> list[str]:
        wanted = parse_wanted(text, listing.kinds())
        return [match.file[:6] for match in find(listing, wanted, within)]

    for text in ("teal", "Teal clothes", "a teal dress"):
        assert files(text) == ["008080", "116070"]  # the nearest first
    assert files("#008080") == ["008080"]
    assert files("dark slate grey") == ["0a4d52"]
    for text in ("brown", "brown dress"):  # what CSS calls so is a red
        assert files(text) == ["5c4033", "653701"]


def catalog_of(out: Path, photos: Sequence[list[Row]]) -> Catalog:
    """A catalogue of the same as a table's rows, a photo a shard."""
    catalog = made_catalog(out, A_PHOTO)
    facts = catalog.facts | {"options": {"garments": True}}
    (out / "catalog.json").write_text(json.dumps(facts))
    for shard, rows in enumerate(photos):
        parts: dict[str, list[dict[str, Any]]] = {"palettes": [], "garments": []}
        for row in rows:
            colors = [{"hex": row.hex, "name": row.name, "share": row.share}]
            worn = {"kind": row.garment, "score": row.score}
            kind = worn if row.garment else {"class": row.class_}
            parts["garments" if row.garment else "palettes"].append({**kind, "colors": colors})
        file = {"uri": rows[0].file, "file": rows[0].file, "status": "ok"}
        catalog.write(shard, [{**file, **parts}], Stats(0, 0, 0, 0))
    return Catalog(str(out))


def test_a_name_is_in_sql_what_it_is_here() -> None:
    duckdb = pytest.importorskip("duckdb")
    said = ["Dark-Slate  gray", "teal", "grayish", "très/été", "robin's egg blue"]
    query = f"SELECT {PLAIN.format('name')} FROM (SELECT unnest($said) AS name)"
    assert duckdb.sql(query, params={"said": said}).fetchall() == [(plain(n),) for n in said]


def test_a_garment_that_is_unknown_is_told_the_nearest(tmp_path: Path) -> None:
    listing_of(tmp_path, garments("a.jpg", skin=[("#c8102e", 1.0)], top=[("#c8102e", 1.0)]))
    words = ["find", "brown", "--in", str(tmp_path / "table.csv"), "--garment"]
    with pytest.raises(
        ColorError, match=r"no garment 'jens'; jeans\?; it has hat, .*, accesso"
    ) as no:
        CliRunner().invoke(app, [*words, "jens"], catch_exceptions=False)
    assert not {"skin", "hair", "clothes"} & set(re.split("[, ]+", str(no.value)))


def test_no_color_is_out_of_a_base_color_s_reach() -> None:
    grid = np.stack(np.meshgrid(*[np.linspace(0, 1, 18)] * 3), axis=-1).reshape(-1, 3)
    anchors = [color.lab for name in BASIC for color in colors_named(name)]
    assert distances(to_lab(grid), anchors).min(axis=1).max() < BASE_REACH - 0.5


@pytest.mark.parametrize(
    ("text", "of"),
    [
        ("navy jeans", "trousers"),
        ("navy Pants", "trousers"),
        ("navy coat", "outerwear"),
        ("navy blazers", "outerwear"),
        ("navy blouse", "top"),
        ("navy t-shirts", "top"),
        ("navy t shirt", "top"),
        ("navy sweater", "top"),
        ("navy purse", "bag"),
        ("navy sneaker", "shoes"),
        ("navy BOOTS", "shoes"),
        ("navy tights", "hosiery"),
        ("navy sunglasses", "eyewear"),
        ("navy watches", "accessories"),
        ("navy accessory", "accessories"),
        ("navy clothes", "clothes"),
        ("navy handbag", "bag"),
        ("navy leather jacket", "outerwear"),
        ("navy wide-leg chinos", "trousers"),
        ("navy tank top", "top"),
        ("navy blue mini skirts", "skirt"),
    ],
)
def test_garments_as_people_call_them(text: str, of: str) -> None:
    kinds = ["skin", "hair", "clothes", *load_scheme("garments").foreground[2:]]
    (one,) = parse_wanted(text, kinds)
    assert (one.of, one.colors) == (of, colors_named("navy"))
    with pytest.raises(ColorError, match="was made without --garments"):
        parse_wanted(text.replace("clothes", "hats"), ["skin", "hair", "clothes"])


def test_a_shade_belongs_to_the_cloth_behind_it() -> None:
    (black,) = parse_wanted("black leather jacket", ["outerwear"])
    assert black.colors == colors_named("black")
    with pytest.raises(ColorError, match="no colour 'dark denim', and no class 'denim'"):
        parse_wanted("dark denim jacket", ["outerwear"])


def test_a_class_of_ones_own_goes_before_a_label() -> None:
    assert kind_named("Coats", ["skin", "coat", "outerwear"]) == "coat"
    assert kind_named("skirts and", ["skin", "skirt"]) is None


@pytest.mark.parametrize(
    ("text", "yes", "no"),
    [
        ("dark green", "#1f3d2b", "#228b22"),
        ("Dark-Green", "#1f3d2b", "#98c39a"),
        ("light blue", "#87ceeb", "#3b5b8c"),
        ("dark blue", "#40566e", "#7d94b5"),
        ("dark blue", "#1b2a4a", "#7d94b5"),  # a navy
        ("pale pink", "#ffc0cb", "#ff1493"),
        ("light gray", "#d3d3d3", "#5a5a5c"),
        ("darkbrown", "#341c02", "#ad8150"),
    ],
)
def test_dark_and_light_are_parts_of_a_base_color(text: str, yes: str, no: str) -> None:
    base = base_named(text)
    assert base
    whole = BaseColor(base.names)
    labs = np.array([Color.from_hex(code).lab for code in (yes, no)])
    assert whole.holds(labs).all()
    assert base.holds(labs).tolist() == [True, False]


def test_lists_of_names_keep_their_paints() -> None:
    (css,) = parse_wanted("dark green", [], names="css")
    assert (css.colors, css.base) == ((Color.from_hex("#006400"),), None)
    (paint,) = parse_wanted("teal", [])
    assert (paint.colors, paint.base) == ((Color.from_hex("#008080"),), None)
    assert colors_named("sky-blue") == colors_named("skyblue")
    assert colors_named("off-white") == colors_named("off white")
    assert colors_named("Gray") == colors_named("grey")


def test_a_file_that_is_no_table_is_refused(tmp_path: Path) -> None:
    written = tmp_path / "palettes.json"
    written.write_text("{}")
    with pytest.raises(ColorError, match=r"palettes\.json is no table; give one that"):
        open_listing(str(written))


@pytest.mark.parametrize(
    ("name", "cloth"),
    [("khaki", "#b3a583"), ("cream", "#efe6d3"), ("olive", "#57573c"), ("camel", "#c19a6b")],
)
def test_cloth_is_found_by_what_shops_call_it(name: str, cloth: str) -> None:
    lab = np.array([Color.from_hex(cloth).lab])
    for names, yes in ((None, True), ("css", False)):
        with suppress(ColorError):  # CSS has no cream
            shades = np.array([color.lab for color in colors_named(name, names)])
            assert bool((distances(lab, shades) < 5).any()) == yes
    paint = Color.from_hex("#f0e68c")
    assert paint in colors_named("khaki")  # what tables call so


def test_colors_as_people_say_them() -> None:
    kinds = ["clothes", "skin", "top", "trousers"]
    assert colors_named("1b2a3c") == colors_named("#1B2A3C") == (Color.from_rgb(*NAVY),)
    assert len(colors_named("navy")) > 1
    assert colors_named("navy", "css") == (Color.from_hex("#000080"),)
    assert colors_named("dark olive green") == colors_named("DarkOliveGreen")
    navy, white = parse_wanted("navy trousers and white tops", kinds)
    assert (navy.of, white.of) == ("trousers", "top")
    assert navy.colors == colors_named("navy")
    assert parse_wanted("navy, red", kinds, "skin")[1].of == "skin"
    with pytest.raises(ColorError, match="no colour 'nvy'; navy"):
        parse_wanted("nvy trousers", kinds)
    with pytest.raises(ColorError, match="no colour 'Dark olve'; dark olive"):
        colors_named("Dark olve")


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("navy AND white tops", [("navy", None), ("white", "top")]),
        ("a navy top, and The red dresses", [("navy", "top"), ("red", "dress")]),
        ("some beige scarves & an olive skin", [("beige", "scarf"), ("olive", "skin")]),
        ("sand", [("sand", None)]),
    ],
)
def test_colors_are_asked_for_in_english(text: str, asked: list[tuple[str, str | None]]) -> None:
    kinds = ["clothes", "skin", "top", "dress", "scarf"]
    found = [(one.colors, one.of) for one in parse_wanted(text, kinds)]
    assert found == [(colors_named(color), of) for color, of in asked]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "white bluses",
            "no colour 'white bluses', and no class 'bluses'; there are skin, top$",
        ),
        ("", "a colour is missing in ''"),
        ("navy,", "a colour is missing in 'navy,'"),
        ("the and red", "a colour is missing in 'the and red'"),
        ("tops", "a colour is missing before 'tops'; write such as 'navy tops'"),
        ("red, T-Shirt", "a colour is missing before 'T Shirt'"),
        ("multicolour top", "'multicolour' is many colours; .* say 'multicolour' in `basic`"),
        ("Multi-coloured", "'Multi coloured' is many colours"),
        ("red trousers", "no garment for 'red trousers': .* was made without --garments"),
    ],
)
def test_what_is_not_understood_is_named(text: str, message: str) -> None:
    with pytest.raises(ColorError, match=message):
        parse_wanted(text, ["skin", "top"])


def test_like_takes_one_color_of_each_base_color(
    shop: Path, small_weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    codes = {"#14213d": 0.3, "#20263a": 0.25, "#f4f4f2": 0.2, "#c8102e": 0.2, "#ffe135": 0.05}
    colors = [Color.from_hex(code) for code in codes]
    swatches = [Swatch(c, c, share) for c, share in zip(colors, codes.values(), strict=True)]
    palettes = {"clothes": Palette(tuple(swatches), 0.3)}
    monkeypatch.setattr(Segmentation, "palette", lambda _: palettes)
    wanted = _colors_like(shop / "women" / "front0.jpg", small_weights, ["skin", "clothes"], None)
    assert [one.colors[0].hex for one in wanted] == ["#14213d", "#f4f4f2", "#c8102e"]
    assert {one.of for one in wanted} == {"clothes"}


def test_command(small_catalog: Catalog, shop: Path, small_weights: Path) -> None:
    run, place = CliRunner().invoke, ["--in", small_catalog.folder.location]
    first = small_catalog.rows(0)[0]
    code = first["palettes"][0]["colors"][0]["hex"]
    found = run(app, ["find", f"{code} clothes", *place, "--json", "--within", "1"])
    assert found.exit_code == 0
    match = json.loads(found.stdout.splitlines()[0])
    assert match["uri"] == first["uri"]
    assert match["hits"][0]["hex"] == code
    assert run(app, ["find", "#00ff00", *place, "--within", "1"]).exit_code == 1
    assert run(app, ["find", *place]).exit_code == 2
    several = run(app, ["find", code, "clothes", "and", code, *place, "--json", "--within", "1"])
    assert json.loads(several.stdout.splitlines()[0])["hits"][1]["hex"] == code
    unused = run(app, ["find", code, *place, "--weights", str(small_weights)])
    assert unused.exit_code == 2
    assert "they are for --like" in unused.output
    like = ["--like", str(shop / first["file"]), "--weights", str(small_weights)]
    listed = run(app, ["find", *place, *like, "--json", "--within", "200", "--class", "clothes"])
    assert listed.exit_code == 0
    with pytest.raises(ColorError, match="no class 'sky'; it has skin, hair, clothes"):
        run(app, ["find", "red", *place, "--class", "sky"], catch_exceptions=False)
    with pytest.raises(ColorError, match=r"no garment 'Hats'; .*without --garments"):
        run(app, ["find", "red", *place, "--garment", "Hats"], catch_exceptions=False)
    with pytest.raises(ColorError, match=r"no garment 'jens'; what is searched was made without"):
        run(app, ["find", "red", *place, "--garment", "jens"], catch_exceptions=False)
    assert run(app, ["find", "red", *place, "--class", "Hair"]).exit_code in (0, 1)
    with pytest.raises(CatalogError, match="no catalogue"):
        run(app, ["find", "red", "--in", str(shop)], catch_exceptions=False)
