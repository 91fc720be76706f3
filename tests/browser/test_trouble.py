"""What goes wrong is said in a sentence, and the rest goes on."""

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from browser_page import Page
from conftest import SMALL_UPLOAD, TOKEN, serving
from PIL import Image
from selenium import webdriver

SLOW = """
const done = arguments[0];
let [now, sent] = [0, 0];
performance.now = () => now;
window.fetch = async () => {
  sent++;
  now += 60_000;
  const problem = JSON.stringify({ detail: "it took longer than 60 s" });
  return new Response(problem, { status: 503, headers: { "Retry-After": "0.01" } });
};
const { segment } = await import("/api.js");
await segment(new File([], "slow.jpg"), {}).catch(({ message }) => done([sent, message]));
"""
"""A server that answers each time at its deadline."""


BLOCKED = """
for (const kind of ["localStorage", "sessionStorage"]) {
  const get = () => { throw new DOMException("Access is denied.", "SecurityError"); };
  Object.defineProperty(window, kind, { get });
}
"""
"""A browser that keeps nothing for pages."""


@pytest.fixture
def forgetful(driver: webdriver.Chrome) -> Iterator[webdriver.Chrome]:
    """The browser while it keeps nothing for pages."""
    name = "Page.addScriptToEvaluateOnNewDocument"
    script = driver.execute_cdp_cmd(name, {"source": BLOCKED})
    yield driver
    driver.execute_cdp_cmd(name.replace("add", "remove"), script)


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server that wants a token and takes little."""
    tokens = tmp_path_factory.mktemp("tokens") / "tokens"
    tokens.write_text(f"{TOKEN}\n")
    limits = ("--max-upload", str(SMALL_UPLOAD), "--max-pixels", "1000000")
    with serving("--token-file", str(tokens), *limits) as url:
        yield url


def failure(page: Page) -> str:
    return page.one(".failure p").text


def test_a_broken_photo_is_named_and_others_go_on(page: Page, photo: Path) -> None:
    page.drop("broken.jpg", photo.read_bytes()[:2000])
    assert "broken.jpg" in failure(page)
    page.drop("note.txt", b"no photo at all")
    page.until(lambda: len(page.all(".thumbnail.failed")) == 2, "the second failure")
    page.drop(photo.name, photo.read_bytes())
    page.until(lambda: page.all(".thumbnail.done"), "the photo")
    page.all(".choose")[-1].click()
    assert page.colors()
    errors = [line for line in page.console() if "v1/segment" not in line]
    assert errors == []


def test_a_token_is_asked_for_and_limits_are_told(
    driver: webdriver.Chrome, strict: str, photo: Path
) -> None:
    page = Page(driver, strict)
    page.drop("large.jpg", b"\xff" * (SMALL_UPLOAD + 1))
    assert failure(page) == "large.jpg has 200.1 kB; the server takes at most 200 kB."
    page.drop(photo.name, photo.read_bytes())
    page.one("#token-value").send_keys("tok\u20acn")
    page.one("#token .primary").click()
    page.until(lambda: len(page.all(".thumbnail.failed")) == 2, "the token to be refused")
    page.all(".choose")[-1].click()
    assert failure(page) == "This is no token: it has other characters."
    page.drop(photo.name, photo.read_bytes())
    page.one("#token-value").clear()
    page.one("#token-value").send_keys(TOKEN)
    page.one("#token .primary").click()
    page.until(lambda: page.all(".thumbnail.done"), "the photo")
    wide = BytesIO()
    Image.new("RGB", (2000, 2000)).save(wide, "PNG")
    page.drop("wide.png", wide.getvalue())
    page.until(lambda: len(page.all(".thumbnail.failed")) == 3, "the wide photo to fail")
    page.all(".choose")[-1].click()
    assert "megapixels" in failure(page)
    page.console()


def test_the_page_works_where_the_browser_keeps_nothing(
    forgetful: webdriver.Chrome, strict: str, photo: Path
) -> None:
    page = Page(forgetful, strict)
    page.one("#theme").click()
    assert page.one("#theme").get_attribute("aria-pressed") == "true"
    for token in ([TOKEN], []):  # asked for once
        page.drop(photo.name, photo.read_bytes())
        if token:
            page.one("#token-value").send_keys(*token)
            page.one("#token .primary").click()
        page.until(lambda: not page.all(".thumbnail.working"), "the photo")
    page.read(2)
    assert [line for line in page.console() if "401" not in line] == []


def test_the_server_gone_is_said_and_trying_again_is_offered(
    driver: webdriver.Chrome, strict: str, photo: Path
) -> None:
    page = Page(driver, strict)
    page.until(lambda: "not kept" in page.text("#terms"), "the page")
    driver.execute_cdp_cmd("Network.enable", {})
    offline = {"offline": True, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
    driver.execute_cdp_cmd("Network.emulateNetworkConditions", offline)
    try:
        page.drop(photo.name, photo.read_bytes())
        assert "does not answer" in failure(page)
    finally:
        driver.execute_cdp_cmd("Network.emulateNetworkConditions", {**offline, "offline": False})
    page.one(".failure button").click()
    page.until(lambda: page.all(".thumbnail.done"), "the photo, once the server is back")
    page.console()


def test_a_photo_that_takes_too_long_is_not_sent_for_ever(page: Page) -> None:
    script = f"(async (...arguments) => {{{SLOW}}})(...arguments)"
    assert page.driver.execute_async_script(script) == [2, "it took longer than 60 s"]
