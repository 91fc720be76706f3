"""The page's own PNG reader and writer, against Pillow."""

import base64
from io import BytesIO

import numpy as np
import pytest
from browser_page import Page
from PIL import Image

READ = """
const [text, done] = arguments;
const { readIndexed } = await import("/png.js");
const map = await readIndexed(Uint8Array.from(atob(text), (char) => char.charCodeAt(0)));
done([map.width, map.height, [...map.ids]]);
"""

WRITE = """
const [width, height, ids, colors, done] = arguments;
const { writeIndexed } = await import("/png.js");
const { LabelMap } = await import("/label_map.js");
const bytes = await writeIndexed(new LabelMap(width, height, Uint8Array.from(ids)), colors);
done(btoa(String.fromCharCode(...bytes)));
"""


def run(page: Page, script: str, *arguments: object) -> object:
    wrapped = f"(async (...arguments) => {{{script}}})(...arguments)"
    return page.driver.execute_async_script(wrapped, *arguments)


@pytest.mark.parametrize("classes", [2, 4, 16, 256])
def test_any_depth_is_read(page: Page, classes: int) -> None:
    ids = np.random.default_rng(0).integers(0, classes, (37, 51), np.uint8).cumsum(1) % classes
    image = Image.fromarray(ids.astype(np.uint8), "P")
    image.putpalette([i for color in range(classes) for i in (color, 0, 0)])
    data = BytesIO()
    image.save(data, "PNG", optimize=True)
    read = run(page, READ, base64.b64encode(data.getvalue()).decode())
    assert read == [51, 37, ids.ravel().tolist()]


def test_what_is_written_opens_as_an_indexed_mask(page: Page) -> None:
    ids = np.arange(60, dtype=np.uint8).reshape(6, 10) % 4
    colors = [[0, 0, 0], [255, 255, 0], [0, 255, 255], [255, 0, 255]]
    text = run(page, WRITE, 10, 6, ids.ravel().tolist(), colors)
    assert isinstance(text, str)
    with Image.open(BytesIO(base64.b64decode(text))) as image:
        assert image.mode == "P"
        assert np.array_equal(np.asarray(image), ids)
        assert image.getpalette()[:12] == [value for color in colors for value in color]  # type: ignore[index]
