"""Compare pix2seg's palettes with those of other libraries, on the same cut-outs.

    pip install ".[bench]"
    python tests/bench/palettes.py DATA --out assets/palette-bench.md
    python tests/bench/palettes.py DATA --photos 5 --megapixels 24

DATA is a data set that `pix2seg prepare` wrote. Each tool gets the clothes of validation photos,
cut out by their true masks, in memory as it likes them (pix2seg as pixels and mask, the others as
an RGBA image), and gives as many colours as pix2seg does. The distance is the mean CIEDE2000 from
the clothes' true pixels to the nearest colour; the time is the shortest of three runs in one
thread, the median over the photos. `--megapixels` enlarges the photos first.
"""

import argparse
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
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
from pix2seg.cutouts import hard_cutout
from pix2seg.preprocess.dataset.dataset import Dataset, read_image
from pix2seg.train.judge.colors import mean_distance, true_pixels


@dataclass(frozen=True)
class Cutout:
    """A photo, uint8 (H, W, 3), the mask of its clothes, bool (H, W), and both as RGBA image."""

    pixels: NDArray[np.uint8]
    mask: NDArray[np.bool_]
    image: Image.Image


Tool = Callable[[Cutout, int], list[tuple[int, int, int]]]


def pix2seg(cut: Cutout, _: int = 0) -> list[tuple[int, int, int]]:
    """Decides itself how many colours there are, at most five; the others give as many."""
    return [swatch.color.rgb for swatch in extract_palette(cut.pixels, cut.mask)]


def pylette(cut: Cutout, count: int) -> list[tuple[int, int, int]]:
    from pylette import extract_colors

    return [c.rgb for c in extract_colors(cut.image, count, alpha_mask_threshold=128)]


def colorthief(cut: Cutout, count: int) -> list[tuple[int, int, int]]:
    from colorthief import ColorThief

    thief = ColorThief.__new__(ColorThief)  # its constructor takes files alone
    thief.image = cut.image
    return thief.get_palette(color_count=max(count, 2))[:count]


def extcolors(cut: Cutout, count: int) -> list[tuple[int, int, int]]:
    from extcolors import extract_from_image

    return [rgb for rgb, _ in extract_from_image(cut.image, limit=count)[0]]


def colorgram(cut: Cutout, count: int) -> list[tuple[int, int, int]]:
    from colorgram import extract

    return [tuple(c.rgb) for c in extract(cut.image, count)]


TOOLS: dict[str, tuple[Tool, str, str]] = {
    "pix2seg": (pix2seg, "pix2seg", "yes"),
    "Pylette": (pylette, "pylette", "yes"),
    "colorthief": (colorthief, "colorthief", "yes"),
    "extcolors": (extcolors, "extcolors", "yes"),
    "colorgram.py": (colorgram, "colorgram.py", "no"),
}
"""By name: how to call it, its distribution, whether it takes alpha."""


def clothes(data: Path, photos: int, megapixels: float | None) -> list[Cutout]:
    dataset = Dataset(data)
    cuts = []
    for photo in dataset.full()[:photos]:
        pixels = read_image(photo.photo, "RGB")
        mask = read_image(photo.mask) == dataset.scheme.id_of("clothes")
        if megapixels:
            scale = (megapixels * 1e6 / mask.size) ** 0.5
            pixels = cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
            size = pixels.shape[1::-1]
            mask = cv2.resize(mask.view(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0
        cuts.append(Cutout(pixels, mask, Image.fromarray(hard_cutout(pixels, mask))))
    return cuts


def measure(tool: Tool, cut: Cutout, count: int) -> tuple[list[Color], float]:
    best = float("inf")
    for _ in range(3):
        began = time.perf_counter()
        colors = tool(cut, count)
        best = min(best, time.perf_counter() - began)
    return [Color.from_rgb(*rgb) for rgb in colors], best


def table(cuts: list[Cutout]) -> str:
    size = f"{np.median([cut.mask.size for cut in cuts]) / 1e6:.2g} megapixels"
    lines = [
        f"| {len(cuts)} cut-outs of {size} | takes alpha | mean CIEDE2000 | ms |",
        "| --- | --- | ---: | ---: |",
    ]
    counts = [len(pix2seg(cut)) for cut in cuts]
    pixels = [true_pixels(cut.pixels, cut.mask) for cut in cuts]
    for name, (tool, distribution, alpha) in TOOLS.items():
        distances, times = [], []
        for cut, count, true in zip(cuts, counts, pixels, strict=True):
            colors, seconds = measure(tool, cut, count)
            distances.append(mean_distance(true, colors))
            times.append(seconds * 1000)
        lines.append(
            f"| {name} {version(distribution)} | {alpha} | {np.mean(distances):.2f} "
            f"| {np.median(times):.1f} |"
        )
    return "\n".join(lines) + "\n"


def run(make_table: Callable[[list[Cutout]], str], description: str) -> None:
    """Make a table as the command line asks for it, print it and write it to --out."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("data", type=Path)
    parser.add_argument("--photos", type=int, default=20)
    parser.add_argument("--megapixels", type=float)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    text = make_table(clothes(arguments.data, arguments.photos, arguments.megapixels))
    print(text)
    if arguments.out:
        arguments.out.write_text(text, "utf-8")


if __name__ == "__main__":
    cv2.setNumThreads(1)
    with threadpool_limits(1):
        run(table, __doc__.splitlines()[0])
