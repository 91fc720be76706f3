"""Photos come in, palettes come out, and pointing shows what is what."""

import json
import urllib.request
from pathlib import Path
from typing import Any

import numpy as np
from browser_page import Page
from PIL import ExifTags, Image
from selenium.webdriver import ActionChains
from selenium.webdriver.common.keys import Keys

CLOTHES = 3


def segmented(server: str, photo: Path) -> dict[str, Any]:
    address = f"{server}/v1/segment?garments=true"
    request = urllib.request.Request(address, photo.read_bytes(), {"Content-Type": "image/jpeg"})
    with urllib.request.urlopen(request) as answer:
        document: dict[str, Any] = json.load(answer)
    return document


def test_a_dropped_photo_shows_the_palette_that_the_server_gives(
    page: Page, server: str, photo: Path
) -> None:
    page.drop("look.jpg", photo.read_bytes())
    page.read()
    assert page.text("#colors h2") == "look.jpg"
    document = segmented(server, photo)
    found = [*document["garments"], *document["classes"].values()]
    assert page.colors() == [color["hex"] for part in found for color in part["colors"]]
    assert not page.all("#welcome")


def test_a_photo_that_browsers_cannot_show_is_shown_all_the_same(
    page: Page, photo: Path, tmp_path: Path
) -> None:
    with Image.open(photo) as image:
        image.save(tmp_path / "scan.tif")
        page.choose(tmp_path / "scan.tif")
        shown = page.driver.execute_script(
            "const { naturalWidth, naturalHeight } = document.getElementById('photo');"
            "return [naturalWidth, naturalHeight];"
        )
        assert tuple(shown) == image.size


def test_a_webp_photo_stands_upright_like_its_layers(
    page: Page, photo: Path, tmp_path: Path
) -> None:
    with Image.open(photo) as image:
        exif = Image.Exif()
        exif[ExifTags.Base.Orientation] = 6  # to be turned right
        image.transpose(Image.Transpose.ROTATE_90).save(tmp_path / "phone.webp", exif=exif)
        page.choose(tmp_path / "phone.webp")
        shown = page.driver.execute_script(
            "const { naturalWidth, naturalHeight } = document.getElementById('photo');"
            "return [naturalWidth, naturalHeight];"
        )
        assert tuple(shown) == image.size


def test_a_photo_can_be_pasted(page: Page, photo: Path) -> None:
    page.drop(photo.name, photo.read_bytes(), event="paste")
    page.read()
    assert page.text("#colors h2") == photo.name


def test_several_photos_stand_in_a_strip_and_arrows_change_between_them(
    page: Page, photos: list[Path]
) -> None:
    page.choose(*photos[:3])
    labels = [e.get_attribute("aria-label") for e in page.all(".choose")]
    assert labels == [f"{p.name}, done" for p in photos[:3]]
    page.all(".choose")[0].click()
    page.keys(Keys.ARROW_RIGHT)
    assert page.text("#colors h2") == photos[1].name
    page.keys(Keys.DELETE)
    assert page.text("#colors h2") == photos[2].name
    assert len(page.all(".thumbnail")) == 2
    page.choose(photos[0])
    assert page.all(".choose")[-1].get_attribute("title") == "0004-2.jpg"


def test_keys_on_the_strip_are_for_the_photo_that_has_the_focus(
    page: Page, photos: list[Path]
) -> None:
    page.choose(*photos[:4])
    page.all(".choose")[3].click()
    focus = "document.querySelectorAll('.choose')[arguments[0]].focus()"
    page.driver.execute_script(focus, 1)
    page.keys(Keys.DELETE)
    titles = [e.get_attribute("title") for e in page.all(".choose")]
    assert titles == [photos[i].name for i in (0, 2, 3)]
    assert page.text("#colors h2") == photos[3].name
    page.driver.execute_script(focus, 0)
    page.keys(Keys.ARROW_RIGHT)
    assert page.text("#colors h2") == photos[2].name
    assert page.focused("title") == photos[2].name


def test_chips_hide_layers(page: Page, photo: Path) -> None:
    page.choose(photo)
    for layer, name in (("classes", "Skin"), ("garments", "Top")):
        drawn = page.drawn(layer)
        chip = next(chip for chip in page.all(".chip-button") if chip.text == name)
        assert chip.get_attribute("aria-pressed") == "true"
        chip.click()
        assert chip.get_attribute("aria-pressed") == "false"
        assert page.drawn(layer) < drawn
        chip.click()
        assert page.drawn(layer) == drawn


def test_clothes_are_not_tinted_twice(page: Page, photo: Path) -> None:
    page.choose(photo)
    chip = next(chip for chip in page.all(".chip-button") if chip.text == "Clothes")
    assert chip.get_attribute("aria-pressed") == "false", "their garments are shown"
    drawn = page.drawn("classes")
    chip.click()
    assert page.drawn("classes") > drawn


def test_comparing_parts_the_photo_where_the_slider_stands(page: Page, photo: Path) -> None:
    page.choose(photo)
    page.one("#compare").click()
    assert page.focused("id") == "split"
    clip = lambda: page.one("#classes").value_of_css_property("clip-path")  # noqa: E731
    before = clip()
    page.keys(Keys.ARROW_RIGHT * 20)
    assert clip() != before
    page.one("#compare").click()
    assert clip() == "none"


def test_pointing_at_the_photo_tells_class_and_colour(page: Page, photo: Path) -> None:
    page.choose(photo)
    pixels, mask = (np.asarray(Image.open(f)) for f in (photo, photo.with_suffix(".png")))
    rows, columns = np.nonzero(mask == CLOTHES)
    y, x = int(np.median(rows)), int(np.median(columns))
    page.point((x + 0.5) / mask.shape[1], (y + 0.5) / mask.shape[0]).perform()
    said = page.text("#probe").splitlines()
    assert said[0].split(", ")[0] == "Clothes"
    shown = np.array([int(said[-1][i : i + 2], 16) for i in (1, 3, 5)])
    around = pixels[y - 3 : y + 4, x - 3 : x + 4].reshape(-1, 3).astype(int)
    assert np.abs(around - shown).max(axis=1).min() <= 12, "another place, or other colours"
    assert len(page.all(".swatch.marked")) == 1


def test_pointing_at_a_colour_lights_its_pixels_up(page: Page, photo: Path) -> None:
    page.choose(photo)
    swatch = page.all(".swatch")[0]
    share = float(swatch.find_element("css selector", ".share").text.split()[0]) / 100
    coverage = float(page.all("#colors h3 .share")[0].text.split()[0]) / 100
    ActionChains(page.driver).move_to_element(swatch).perform()
    page.one("#light")
    lit = 1 - page.drawn("light")
    assert abs(lit - share * coverage) < 0.05
    ActionChains(page.driver).move_to_element(page.one("h1")).perform()
    assert not page.all("#light")


def test_a_click_copies_the_code(page: Page, server: str, photo: Path) -> None:
    granted = ["clipboardReadWrite", "clipboardSanitizedWrite"]
    page.driver.execute_cdp_cmd(
        "Browser.grantPermissions", {"origin": server, "permissions": granted}
    )
    page.choose(photo)
    code = page.colors()[1]
    page.all(".swatch")[1].click()
    page.until(lambda: page.text("#toast") == f"{code} copied", "the message")
    clipboard = "const done = arguments[0]; navigator.clipboard.readText().then(done, done)"
    assert page.driver.execute_async_script(clipboard) == code


def test_keys_alone_reach_everything(page: Page, photo: Path) -> None:
    page.choose(photo)
    order = []
    for _ in range(60):
        page.keys(Keys.TAB)
        order.append(page.focused("id") or page.focused("aria-label") or page.focused("class"))
    for wanted in ("picture", "compare", "correct", "opacity", "zoom-in", "add", "theme"):
        assert wanted in order
    assert len([o for o in order if o.startswith("color-")]) >= len(page.colors())
    page.driver.execute_script("document.getElementById('picture').focus()")
    page.keys(Keys.ARROW_DOWN * 2)
    spoken = page.driver.find_element("id", "spoken")
    assert spoken.get_attribute("textContent").startswith("Clothes, ")  # type: ignore[union-attr]
