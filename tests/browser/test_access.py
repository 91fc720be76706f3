"""For everybody, on every screen: axe-core's rules, dark colours, a phone's width."""

from pathlib import Path

import pytest
from browser_page import Page
from selenium import webdriver

PHONE = (390, 844)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("size", [(1280, 860), PHONE], ids=["desk", "phone"])
def test_axe_finds_nothing(
    driver: webdriver.Chrome, server: str, photo: Path, dark: bool, size: tuple[int, int]
) -> None:
    page = Page(driver, server, size, dark)
    assert page.violations() == [], "welcome"
    page.choose(photo)
    assert page.violations() == [], "a photo"
    page.one("#compare").click()
    assert page.violations() == [], "comparing"
    page.one("#correct").click()
    assert page.violations() == [], "correcting"
    wide = driver.execute_script("return document.documentElement.scrollWidth")
    assert wide <= size[0], "the page is wider than the screen"
    assert page.console() == []


def test_the_theme_follows_the_system_until_the_button_is_used(
    driver: webdriver.Chrome, server: str
) -> None:
    ground = "return getComputedStyle(document.body).backgroundColor"
    page = Page(driver, server, dark=True)
    dark = driver.execute_script(ground)
    page.one("#theme").click()
    light = driver.execute_script(ground)
    assert light != dark
    Page(driver, server, dark=True)
    assert driver.execute_script(ground) == light, "the choice stays"
    driver.execute_script("localStorage.clear()")
    Page(driver, server)
    assert driver.execute_script(ground) == light
