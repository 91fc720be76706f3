"""With weights that name garments: their layers, palettes and correction."""

import json
import zipfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from browser_page import Page
from conftest import serving
from PIL import Image
from selenium import webdriver

from pix2seg.garments import kinds

CLOTHES = 3


@pytest.fixture(scope="module")
def naming(garment_weights: Path) -> Iterator[str]:
    """A server whose weights, small and untrained, have a garment head."""
    with serving("--weights", str(garment_weights), "--person", "none") as url:
        yield url


def test_garments_are_painted_and_the_classes_follow(
    driver: webdriver.Chrome, naming: str, photo: Path
) -> None:
    page = Page(driver, naming)
    page.choose(photo)
    page.one("#correct").click()
    names = [chip.text.lower() for chip in page.all(".chip-button")]
    assert names == list(kinds().names)
    page.driver.execute_script("document.getElementById('size').value = 60")
    next(chip for chip in page.all(".chip-button") if chip.text == "Bag").click()
    page.point(0.3, 0.3).click_and_hold().move_by_offset(40, 0).release().perform()
    page.until(lambda: "busy" not in page.one("#panel").get_attribute("class"), "the palette")
    assert "Bag" in [title.text.split("\n")[0] for title in page.all("#colors .garments h3")]
    with zipfile.ZipFile(page.download("[data-download=all]")) as archive:
        read = {n.split(".", 1)[1]: archive.read(n) for n in archive.namelist()}
    mask, garments = (
        np.asarray(Image.open(BytesIO(read[name]))) for name in ("mask.png", "garments.png")
    )
    bag = garments == kinds().id_of("bag")
    assert bag[round(0.3 * len(bag)), round(0.3 * bag.shape[1])]
    assert set(mask[bag]) == {CLOTHES}
    document = json.loads(read["palette.json"])
    found = [garment for garment in document["garments"] if garment["kind"] == "bag"]
    assert sum(g["coverage"] for g in found) == pytest.approx(bag.mean(), abs=1e-5)
    assert "bag.png" in read
    assert page.violations() == []
    assert page.console() == []
