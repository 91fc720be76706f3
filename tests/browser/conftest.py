"""A real browser before a real server: Debian's chromium, driven by Selenium.

Without a browser, or without the extra `serve`, these tests skip and say so; `make test-browser`
installs what it can and runs them.
"""

import json
import os
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

pytest.importorskip("selenium", reason="Selenium is not installed: pip install selenium")
pytest.importorskip("fastapi", reason='the service is not installed: pip install ".[serve]"')

from browser_page import Page
from selenium import webdriver

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
DRIVER = shutil.which("chromedriver")

TOKEN = "a-token-of-the-browser-tests"
SMALL_UPLOAD = 200_000


@contextmanager
def serving(*options: str) -> Iterator[str]:
    """The address of `pix2seg serve` with the weights in the box, once it is ready."""
    command = [sys.executable, "-m", "pix2seg", "serve", "--port", "0", *options]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment)
    assert process.stderr is not None
    try:
        said = ""
        for line in process.stderr:
            said += line
            if line.startswith("{") and json.loads(line).get("event") == "listening":
                break
        else:
            pytest.fail(f"the server did not start: {said}")
        # Nobody reads on, and a full pipe would stop the server.
        drain = subprocess.Popen(["cat"], stdin=process.stderr, stdout=subprocess.DEVNULL)
        url = json.loads(line)["url"]
        _wait_until_ready(url)
        yield url
    finally:
        process.terminate()
        process.wait(20)
    drain.wait(5)


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """The address of a server."""
    with serving() as url:
        yield url


def _wait_until_ready(url: str, seconds: float = 240) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            urllib.request.urlopen(f"{url}/readyz").close()
        except urllib.error.HTTPError:
            time.sleep(0.2)
        else:
            return
    pytest.fail(f"the server was not ready after {seconds:.0f} s")


@pytest.fixture(scope="session")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    """One browser for all tests; it saves downloads in `driver.downloads`."""
    if not (CHROMIUM and DRIVER):
        pytest.skip("no chromium and chromedriver here: apt-get install chromium chromium-driver")
    downloads = tmp_path_factory.mktemp("downloads")
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(argument)
    options.add_experimental_option("prefs", {"download.default_directory": str(downloads)})
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    browser = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    browser.downloads = downloads
    yield browser
    browser.quit()


@pytest.fixture
def page(driver: webdriver.Chrome, server: str) -> Iterator[Page]:
    """The page, just opened on a desk's screen; afterwards nothing may stand in the console."""
    opened = Page(driver, server)
    yield opened
    assert opened.console() == []


@pytest.fixture(scope="session")
def photo(photos: list[Path]) -> Path:
    """A real photo of a person."""
    return photos[0]
