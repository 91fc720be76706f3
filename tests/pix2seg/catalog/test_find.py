import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from typer.testing import CliRunner

from pix2seg.catalog.catalog import Catalog, Stats
from pix2seg.catalog.listing import CatalogListing, TableListing, open_listing
from pix2seg.catalog.schema import PhotoRow, colors_of, labs_of
from pix2seg.catalog.search import Match, find
from pix2seg.cli import app
from pix2seg.colors.color import Color
from pix2seg.colors.names import colors_named
from pix2seg.colors.photo_colors import photo_colors
from pix2seg.colors.reach import lab_box
from pix2seg.colors.row import Row, rows_of
from pix2seg.colors.space import delta_e, distances, to_lab
from pix2seg.colors.table import write_table
from pix2seg.colors.wanted import Wanted, parse_wanted
from pix2seg.errors import CatalogError, ColorError
from pix2seg.photo import Photo

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
    scheme = [{"name": name, "labels": [], "color": "#000000"} for name in ("none", *CLASSES)]
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
        self.kinds = np.array([of for of, _ in listed])
        self.codes = [color["hex"] for _, color in listed]
        self.shares = np.array([color["share"] for _, color in listed], np.float32)
        self.labs = labs_of(self.codes)

    def __call__(self, wanted: Sequence[Wanted], within: float) -> list[tuple[str, list[str]]]:
        """Files and hex codes of the photos that show all that is wanted, in order."""
        best = [self._best(one, within) for one in wanted]
        common = [p for p in best[0] if all(p in other for other in best[1:])]
        common.sort(key=lambda p: (max(f[p][0] for f in best), sum(f[p][1] for f in best), p))
        return [(self.files[p], [self.codes[f[p][2]] for f in best]) for p in common]

    def _best(self, one: Wanted, within: float) -> dict[int, tuple[int, float, int]]:
        found: dict[int, tuple[int, float, int]] = {}
        parts = np.array_split(self.labs, 10)  # that many at once take a third of the time
        colors = [color.lab for color in one.colors]
        gaps = np.concatenate([distances(part, colors).min(axis=1) for part in parts])
        fitting = (gaps <= within) & (self.kinds == one.of if one.of else True)
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


def test_a_file_that_is_no_table_is_refused(tmp_path: Path) -> None:
    written = tmp_path / "palettes.json"
    written.write_text("{}")
    with pytest.raises(ColorError, match=r"palettes\.json is no table; give one that"):
        open_listing(str(written))


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
            "white blouses",
            "no colour 'white blouses', and no class 'blouses'; there are skin, top$",
        ),
        ("", "a colour is missing in ''"),
        ("navy,", "a colour is missing in 'navy,'"),
        ("the and red", "a colour is missing in 'the and red'"),
    ],
)
def test_what_is_not_understood_is_named(text: str, message: str) -> None:
    with pytest.raises(ColorError, match=message):
        parse_wanted(text, ["skin", "top"])


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
    like = ["--like", str(shop / first["file"]), "--weights", str(small_weights)]
    listed = run(app, ["find", *place, *like, "--json", "--within", "200", "--class", "clothes"])
    assert listed.exit_code == 0
    with pytest.raises(ColorError, match="no class 'hat'; it has skin, hair, clothes"):
        run(app, ["find", "red", *place, "--class", "hat"], catch_exceptions=False)
    with pytest.raises(CatalogError, match="no catalogue"):
        run(app, ["find", "red", "--in", str(shop)], catch_exceptions=False)
