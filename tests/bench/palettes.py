"""Compare pix2seg's palettes with those of other libraries, on the same cut-outs.

    pip install "pix2seg[bench]"
    python tests/bench/palettes.py DATA --out assets/palette-bench.md

DATA is a data set that `pix2seg prepare` wrote. Each tool gets the clothes of validation photos,
cut out by their true masks, as an RGBA image, and gives as many colours as pix2seg does. The
distance is the mean CIEDE2000 from the clothes' true pixels to the nearest colour; the time is
the shortest of three runs in one thread.
"""

import argparse
import os
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from threadpoolctl import threadpool_limits

from pix2seg.colors.color import Color
from pix2seg.colors.palette import extract_palette
from pix2seg.preprocess.dataset import Dataset, read_image
from pix2seg.render import cutout
from pix2seg.train.color_quality import mean_distance, true_pixels

Tool = Callable[[Image.Image, int], list[tuple[int, int, int]]]


def pix2seg(image: Image.Image, _: int = 0) -> list[tuple[int, int, int]]:
    """Decides itself how many colours there are, at most five; the others give as many."""
    rgba = np.asarray(image)
    palette = extract_palette(rgba[..., :3], rgba[..., 3] > 0)
    return [swatch.color.rgb for swatch in palette]


def pylette(image: Image.Image, count: int) -> list[tuple[int, int, int]]:
    from pylette import extract_colors

    return [c.rgb for c in extract_colors(image, count, alpha_mask_threshold=128)]


def colorthief(image: Image.Image, count: int) -> list[tuple[int, int, int]]:
    from colorthief import ColorThief

    thief = ColorThief.__new__(ColorThief)  # its constructor takes files alone
    thief.image = image
    return thief.get_palette(color_count=max(count, 2))[:count]


def extcolors(image: Image.Image, count: int) -> list[tuple[int, int, int]]:
    from extcolors import extract_from_image

    return [rgb for rgb, _ in extract_from_image(image, limit=count)[0]]


def colorgram(image: Image.Image, count: int) -> list[tuple[int, int, int]]:
    from colorgram import extract

    return [tuple(c.rgb) for c in extract(image, count)]


TOOLS: dict[str, tuple[Tool, str, str]] = {
    "pix2seg": (pix2seg, "pix2seg", "yes"),
    "Pylette": (pylette, "pylette", "yes"),
    "colorthief": (colorthief, "colorthief", "yes"),
    "extcolors": (extcolors, "extcolors", "yes"),
    "colorgram.py": (colorgram, "colorgram.py", "no"),
}
"""By name: how to call it, its distribution, whether it takes alpha."""


def clothes(data: Path, photos: int) -> list[tuple[Image.Image, NDArray[np.uint8]]]:
    dataset = Dataset(data)
    cutouts = []
    for photo in dataset.full()[:photos]:
        pixels = read_image(photo.photo, "RGB")
        mask = read_image(photo.mask) == dataset.scheme.id_of("clothes")
        cutouts.append((Image.fromarray(cutout(pixels, mask)), true_pixels(pixels, mask)))
    return cutouts


def measure(tool: Tool, image: Image.Image, count: int) -> tuple[list[Color], float]:
    best = float("inf")
    for _ in range(3):
        began = time.perf_counter()
        colors = tool(image, count)
        best = min(best, time.perf_counter() - began)
    return [Color.from_rgb(*rgb) for rgb in colors], best


def table(data: Path, photos: int) -> str:
    lines = [
        f"| {photos} cut-outs, equal number of colours | takes alpha | mean CIEDE2000 | ms |",
        "| --- | --- | ---: | ---: |",
    ]
    cutouts = clothes(data, photos)
    counts = [len(pix2seg(image)) for image, _ in cutouts]
    for name, (tool, distribution, alpha) in TOOLS.items():
        distances, times = [], []
        for (image, pixels), count in zip(cutouts, counts, strict=True):
            colors, seconds = measure(tool, image, count)
            distances.append(mean_distance(pixels, colors))
            times.append(seconds * 1000)
        lines.append(
            f"| {name} {version(distribution)} | {alpha} | {np.mean(distances):.2f} "
            f"| {np.median(times):.1f} |"
        )
    return "\n".join(lines) + "\n"


def run(make_table: Callable[[Path, int], str], description: str) -> None:
    """Make a table as the command line asks for it, print it and write it to --out."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("data", type=Path)
    parser.add_argument("--photos", type=int, default=20)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    text = make_table(arguments.data, arguments.photos)
    print(text)
    if arguments.out:
        arguments.out.write_text(text, "utf-8")


if __name__ == "__main__":
    cv2.setNumThreads(1)
    with threadpool_limits(1):
        run(table, __doc__.splitlines()[0])
