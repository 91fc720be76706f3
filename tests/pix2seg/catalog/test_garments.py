import json
from dataclasses import replace
from pathlib import Path

import pytest

from pix2seg.catalog.export import export_catalog
from pix2seg.catalog.listing import CatalogListing
from pix2seg.catalog.run import begin_catalog
from pix2seg.catalog.schema import read_mask_png
from pix2seg.catalog.search import find
from pix2seg.catalog.work import Job, Settings, Worker
from pix2seg.colors.wanted import parse_wanted
from pix2seg.errors import WeightsError
from pix2seg.segmenter import Segmenter


def test_garments_from_photo_to_export(
    shop: Path, settings: Settings, garment_weights: Path, tmp_path: Path
) -> None:
    out = str(tmp_path / "out")
    with_garments = replace(settings, weights=str(garment_weights), garments=True)
    catalog = begin_catalog(str(shop / "men"), out, with_garments).catalog
    list(Worker(Job(out, with_garments)).run(0))
    row = catalog.rows(0)[0]
    result = Segmenter(garment_weights, person="none", device="cpu")(row["uri"])
    assert row["quality"] == pytest.approx(result.quality, abs=1e-4)
    assert row["review"] == result.review
    assert [g["kind"] for g in row["garments"]] == [g.kind for g in result.garments()]
    assert result.garment_mask is not None
    assert (read_mask_png(row["garment_mask"]) == result.garment_mask).all()

    garment = next(garment for garment in row["garments"] if garment["colors"])
    listing, code = CatalogListing(catalog), garment["colors"][0]["hex"]
    matches = find(listing, parse_wanted(f"{code} {garment['kind']}", listing.kinds()), 1)
    assert row["file"] in [match.file for match in matches]
    assert matches[0].hits[0].of == garment["kind"]
    export_catalog(catalog, "coco", tmp_path / "coco", garments=True)
    categories = json.loads((tmp_path / "coco" / "annotations.json").read_text())["categories"]
    assert [c["name"] for c in categories][-1] == "accessories"


def test_weights_without_garments_end_the_run(
    shop: Path, settings: Settings, tmp_path: Path
) -> None:
    out, wrong = str(tmp_path / "out"), replace(settings, garments=True)
    begin_catalog(str(shop / "men"), out, wrong)
    with pytest.raises(WeightsError, match="name no garments"):
        list(Worker(Job(out, wrong)).run(0))
