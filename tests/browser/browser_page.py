"""The page as a test handles it: by what is on it, with pointer and keys."""

import base64
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from selenium import webdriver
from selenium.webdriver import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement

AXE = Path(__file__).parent / "axe-core" / "axe.min.js"

DROP = """
const [name, text, kind] = arguments;
const bytes = Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
const transfer = new DataTransfer();
transfer.items.add(new File([bytes], name));
const options = { bubbles: true, cancelable: true };
document.body.dispatchEvent(
  kind === "paste"
    ? new ClipboardEvent("paste", { clipboardData: transfer, ...options })
    : new DragEvent("drop", { dataTransfer: transfer, ...options }),
);
"""

LAYER_PIXELS = """
const canvas = document.getElementById(arguments[0]);
const copy = new OffscreenCanvas(canvas.width, canvas.height);
const context = copy.getContext("2d", { willReadFrequently: true });
context.drawImage(canvas, 0, 0);
const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
let drawn = 0;
for (let i = 3; i < data.length; i += 4) drawn += data[i] > 0;
return drawn / (canvas.width * canvas.height);
"""

Value = TypeVar("Value")


class Page:
    """The page at a server's address.

    Args:
        driver: a browser.
        server: the address.
        size: of the window, in CSS pixels.
        dark: whether the system asks for dark colours.
    """

    def __init__(
        self,
        driver: webdriver.Chrome,
        server: str,
        size: tuple[int, int] = (1280, 860),
        dark: bool = False,
    ) -> None:
        self.driver = driver
        width, height = size
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
        theme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": theme})
        driver.get("about:blank")
        self.console()
        driver.get(server)

    def all(self, css: str) -> list[WebElement]:
        """Elements that are shown."""
        return [e for e in self.driver.find_elements(By.CSS_SELECTOR, css) if e.is_displayed()]

    def one(self, css: str) -> WebElement:
        """The one element that is shown, as soon as it is."""
        found = self.until(lambda: self.all(css), f"{css} to be shown")
        assert len(found) == 1, f"{css} stands for {len(found)} elements"
        return found[0]

    def until(self, done: Callable[[], Value], what: str, seconds: float = 120) -> Value:
        """What `done` gives, as soon as it is true."""
        end = time.monotonic() + seconds
        while not (value := done()):
            assert time.monotonic() < end, f"waited {seconds} s for {what}"
            time.sleep(0.05)
        return value

    def text(self, css: str) -> str:
        """Visible text."""
        return self.one(css).text

    def choose(self, *photos: Path) -> None:
        """Choose photos with the file dialog's own element, and wait until they are read."""
        before = len(self.driver.find_elements(By.CSS_SELECTOR, ".thumbnail"))
        self.driver.find_element(By.ID, "file").send_keys("\n".join(map(str, photos)))
        self.read(before + len(photos))

    def read(self, count: int = 1) -> None:
        """Wait until so many photos are done, and the one looked at has its layers."""

        def done() -> bool:
            assert not self.all(".thumbnail.failed"), self.text("#colors")
            return len(self.all(".thumbnail.done")) == count

        self.until(done, f"{count} photos")
        self.until(lambda: self.all(".swatch") and self.all("#classes"), "layers")

    def drop(self, name: str, content: bytes, event: str = "drop") -> None:
        """Drop a file on the page, or paste it."""
        self.driver.execute_script(DROP, name, base64.b64encode(content).decode(), event)

    def colors(self) -> list[str]:
        """The palette's codes, as they are written."""
        return [e.text for e in self.all(".swatch code")]

    def drawn(self, layer: str) -> float:
        """The share of a layer's pixels that are not transparent."""
        share: float = self.driver.execute_script(LAYER_PIXELS, layer)
        return share

    def point(self, x: float, y: float) -> ActionChains:
        """Actions that begin at a place of the photo, in shares of its width and height."""
        picture = self.one("#picture")
        width, height = picture.size["width"], picture.size["height"]
        offset = round((x - 0.5) * width), round((y - 0.5) * height)
        return ActionChains(self.driver, duration=60).move_to_element_with_offset(picture, *offset)

    def keys(self, *keys: str) -> None:
        """Type on what has the focus."""
        ActionChains(self.driver).send_keys(*keys).perform()

    def focused(self, attribute: str) -> Any:
        """An attribute of what has the focus."""
        return self.driver.switch_to.active_element.get_attribute(attribute)

    def download(self, css: str) -> Path:
        """Click, and wait for the file that comes."""
        folder: Path = self.driver.downloads  # type: ignore[attr-defined]
        for old in folder.iterdir():
            old.unlink()
        self.one(css).click()

        def whole() -> list[Path]:
            names = [f for f in folder.iterdir() if not f.name.startswith(".")]
            return [f for f in names if f.suffix != ".crdownload"]

        return self.until(whole, "a download")[0]

    def violations(self) -> list[str]:
        """What axe-core finds wrong with the page as it is."""
        self.driver.execute_script(AXE.read_text("utf-8"))
        found = self.driver.execute_async_script(
            "const done = arguments[0]; axe.run().then(({violations}) => done(violations));"
        )
        return [f"{v['id']}: {v['help']}: {[n['html'] for n in v['nodes']][:3]}" for v in found]

    def console(self) -> list[str]:
        """Errors and warnings since the last call."""
        return [entry["message"] for entry in self.driver.get_log("browser")]
