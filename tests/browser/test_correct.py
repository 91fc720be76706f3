"""Masks are corrected by hand: the palette follows, and what is saved teaches."""

import json
import zipfile
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from browser_page import Page
from PIL import Image
from selenium.webdriver import ActionChains
from selenium.webdriver.common.keys import Keys

from pix2seg.classes import load_scheme
from pix2seg.garments import kinds
from pix2seg.preprocess.dataset.folder import NAMED, folder_sources, read_mask

SKIN, CLOTHES = 1, 3
BAG, TOP = (kinds().id_of(name) for name in ("bag", "top"))


class Masks(NamedTuple):
    """Class ids and kinds of garments, uint8 (H, W) each, as the page gives them out."""

    classes: np.ndarray
    kinds: np.ndarray


def masks_of(page: Page) -> Masks:
    """The masks that the page gives out."""
    with zipfile.ZipFile(page.download("[data-download=mask]")) as archive:
        files = {name.split(".", 1)[1]: archive.read(name) for name in archive.namelist()}
    assert set(files) == {"mask.png", "garments.png"}
    images = [Image.open(BytesIO(files[name])) for name in ("mask.png", "garments.png")]
    assert all(image.mode == "P" for image in images)
    return Masks(*map(np.asarray, images))


def coverage(page: Page) -> dict[str, float]:
    """The classes' shares as the palette JSON of the page has them."""
    document = json.loads(page.download("[data-download=json]").read_text("utf-8"))
    return {name: found["coverage"] for name, found in document["classes"].items()}


def settled(page: Page) -> None:
    """Wait until the palette has followed."""
    page.until(lambda: "busy" not in page.one("#panel").get_attribute("class"), "the palette")


def choose_brush(page: Page, name: str) -> None:
    next(chip for chip in page.all(".chip-button") if chip.text == name).click()


def test_a_brush_stroke_changes_mask_and_palette_and_undo_takes_it_back(
    page: Page, photo: Path
) -> None:
    page.choose(photo)
    before, colors = masks_of(page), page.colors()
    shares = coverage(page)
    page.one("#correct").click()
    choose_brush(page, "Bag")
    stroke = page.point(0.08, 0.3).click_and_hold()
    stroke.move_by_offset(0, 120).move_by_offset(30, 60).release().perform()
    settled(page)
    after = masks_of(page)
    changed = after.kinds != before.kinds
    assert changed.any()
    assert set(after.kinds[changed]) == {BAG}
    assert set(after.classes[changed]) == {CLOTHES}, "the classes follow"
    assert not changed[:, changed.shape[1] // 2 :].any(), "the stroke was at the left"
    assert page.colors() != colors
    gained = coverage(page)["clothes"] - shares["clothes"]
    assert gained == pytest.approx((after.classes != before.classes).mean(), abs=2e-6)
    ActionChains(page.driver).key_down(Keys.CONTROL).send_keys("z").key_up(Keys.CONTROL).perform()
    settled(page)
    assert np.array_equal(masks_of(page), before)
    assert page.colors() == colors
    page.one("#redo").click()
    settled(page)
    assert np.array_equal(masks_of(page), after)


def test_what_is_downloaded_at_once_fits_the_corrected_mask(page: Page, photo: Path) -> None:
    page.choose(photo)
    before = coverage(page)["clothes"]
    page.one("#correct").click()
    choose_brush(page, "Bag")
    page.point(0.08, 0.3).click_and_hold().move_by_offset(0, 120).release().perform()
    at_once = coverage(page)["clothes"]
    assert at_once == pytest.approx((masks_of(page).classes == CLOTHES).mean(), abs=2e-6)
    assert at_once > before
    page.point(0.1, 0.3).click_and_hold().move_by_offset(0, 120).release().perform()
    with zipfile.ZipFile(page.download("[data-download=all]")) as archive:
        document = json.loads(archive.read(f"{photo.stem}.palette.json"))
        mask = np.asarray(Image.open(BytesIO(archive.read(f"{photo.stem}.mask.png"))))
    share = document["classes"]["clothes"]["coverage"]
    assert share == pytest.approx((mask == CLOTHES).mean(), abs=2e-6)
    assert share > at_once
    settled(page)


def test_undo_waits_until_the_stroke_has_ended(page: Page, photo: Path) -> None:
    page.choose(photo)
    before = masks_of(page)
    page.one("#correct").click()
    choose_brush(page, "Bag")
    page.point(0.08, 0.3).click_and_hold().move_by_offset(0, 120).release().perform()
    settled(page)
    once = masks_of(page)
    again = page.point(0.12, 0.35).click_and_hold()
    again.key_down(Keys.CONTROL).send_keys("z").key_up(Keys.CONTROL).release().perform()
    settled(page)
    assert not np.array_equal(masks_of(page).kinds, once.kinds)
    for expected in (once, before):
        page.one("#undo").click()
        settled(page)
        assert np.array_equal(masks_of(page).kinds, expected.kinds)


def test_a_stroke_ends_with_its_photo(page: Page, photos: list[Path]) -> None:
    page.choose(*photos[:2])
    page.all(".choose")[0].click()
    page.until(lambda: page.all("#classes"), "layers")
    before, colors = masks_of(page), page.colors()
    page.one("#correct").click()
    choose_brush(page, "Bag")
    page.point(0.08, 0.3).click_and_hold().move_by_offset(0, 120).perform()
    page.driver.execute_script("document.querySelectorAll('.choose')[1].click()")
    ActionChains(page.driver).release().perform()
    settled(page)
    labels = [e.get_attribute("aria-label") for e in page.all(".choose")]
    assert labels == [f"{photos[0].name}, done, corrected", f"{photos[1].name}, done"]
    page.all(".choose")[0].click()
    page.until(lambda: page.all("#classes"), "layers")
    assert not np.array_equal(masks_of(page).kinds, before.kinds)
    assert page.colors() != colors
    page.one("#correct").click()
    page.one("#undo").click()
    settled(page)
    assert np.array_equal(masks_of(page), before)


def test_leaving_is_asked_about_until_the_corrections_are_saved(page: Page, photo: Path) -> None:
    def asks() -> bool:
        asked: bool = page.driver.execute_script(
            "const leaving = new Event('beforeunload', { cancelable: true });"
            "return !dispatchEvent(leaving);"
        )
        return asked

    page.choose(photo)
    assert not asks()
    page.one("#correct").click()
    for download in ("#training", "[data-download=mask]"):
        page.point(0.1, 0.1).click().perform()
        assert asks()
        settled(page)
        page.download("[data-download=json]")
        assert asks(), "the palette alone was saved"
        page.download(download)
        page.until(lambda: not asks(), "the corrections to be saved")


def test_a_second_finger_does_not_paint(page: Page, photo: Path) -> None:
    page.choose(photo)
    before = masks_of(page)
    page.one("#correct").click()
    choose_brush(page, "Bag")
    place = "return document.getElementById('picture').getBoundingClientRect().toJSON()"
    picture = page.driver.execute_script(place)

    def touch(kind: str, *fingers: tuple[float, float]) -> None:
        points = [
            {"x": picture["x"] + x * picture["width"], "y": picture["y"] + y * picture["height"]}
            | {"id": finger}
            for finger, (x, y) in enumerate(fingers)
        ]
        page.driver.execute_cdp_cmd(
            "Input.dispatchTouchEvent", {"type": kind, "touchPoints": points}
        )

    touch("touchStart", (0.1, 0.3))
    touch("touchMove", (0.1, 0.4))
    touch("touchStart", (0.1, 0.4), (0.9, 0.1))
    touch("touchMove", (0.1, 0.5), (0.9, 0.2))
    touch("touchEnd")
    settled(page)
    changed = masks_of(page).kinds != before.kinds
    assert changed.any()
    assert not changed[:, changed.shape[1] // 2 :].any()
    page.one("#undo").click()
    settled(page)
    assert np.array_equal(masks_of(page), before)


def test_the_eraser_takes_one_kind_alone(page: Page, photo: Path) -> None:
    page.choose(photo)
    before = masks_of(page)
    page.one("#correct").click()
    choose_brush(page, "Top")
    page.one("[data-tool=eraser]").click()
    page.driver.execute_script("document.getElementById('size').value = 100")
    page.point(0.5, 0.15).click_and_hold().move_by_offset(0, 250).release().perform()
    settled(page)
    after = masks_of(page)
    changed = after.kinds != before.kinds
    assert set(before.kinds[changed]) == {TOP}
    assert set(after.kinds[changed]) == {0}
    assert set(after.classes[changed]) == {0}


def test_fill_by_keys_alone(page: Page, photo: Path) -> None:
    page.choose(photo)
    before = masks_of(page).kinds
    page.one("#correct").send_keys(Keys.ENTER)
    page.driver.execute_script("document.getElementById('picture').focus()")
    page.keys("f", "2")  # the kinds in their order: background, skin, ...
    page.keys(Keys.ARROW_RIGHT, Keys.ARROW_LEFT, Keys.SPACE)
    settled(page)
    after = masks_of(page).kinds
    changed = after != before
    centre = before[before.shape[0] // 2, before.shape[1] // 2]
    assert set(before[changed]) == {centre}
    assert set(after[changed]) == {SKIN}


def test_saved_for_training_is_what_prepare_takes(
    page: Page, photos: list[Path], tmp_path: Path
) -> None:
    page.choose(*photos[:2])
    assert not page.all("#training")
    page.one("#correct").click()
    page.point(0.1, 0.1).click().perform()
    settled(page)
    corrected = masks_of(page)
    with zipfile.ZipFile(page.download("#training")) as archive:
        assert archive.testzip() is None
        archive.extractall(tmp_path)
    sources = folder_sources(tmp_path / "photos", tmp_path / "masks")
    assert [source.photo.read_bytes() for source in sources] == [photos[0].read_bytes()]
    assert np.array_equal(read_mask(sources[0].labels), corrected.classes)
    assert corrected.classes.max() < len(load_scheme("four"))
    (named,) = folder_sources(tmp_path / "photos", tmp_path / "masks", ending=NAMED)
    assert np.array_equal(read_mask(named.labels), corrected.kinds)
    assert (corrected.kinds > CLOTHES).any()
