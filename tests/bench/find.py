"""What `find` costs: CPU seconds and memory over millions of colours.

    python tests/bench/find.py --colors 5000000

Makes a catalogue of random colours in a temporary folder, 10,000 a shard, as vivid as sRGB has
them and, every other one, as muted as cloth; twenty shards are made, and the others copies of them.
Then looks for some colours, from one process to the next, and prints a line for each.
"""

import argparse
import json
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from pix2seg.catalog.schema import PhotoRow, index_bytes, shard_bytes
from pix2seg.classes import load_scheme
from pix2seg.colors.color import Color

A_PHOTO, A_SHARD, MADE = 10, 1000, 20

WANTED = ("#1b2a3c", "#c8102e", "#808080", "#d4af37", "navy", "navy clothes and white skin")

MEASURE = """
import resource, sys, time
from pix2seg.catalog.listing import open_listing
from pix2seg.catalog.search import find
from pix2seg.colors.wanted import parse_wanted
began = time.process_time()
listing = open_listing(sys.argv[1])
found = find(listing, parse_wanted(sys.argv[2], listing.kinds()), 10.0, 20)
spent = time.process_time() - began
memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(f"{sys.argv[2]}: {spent:.2f} s of CPU, {time.process_time():.2f} with imports, "
      f"{memory:.0f} MB, {len(found)} photos")
"""


def made_rows(draw: np.random.Generator) -> list[PhotoRow]:
    """The rows of one shard."""
    rgb = draw.integers(0, 256, (A_SHARD * A_PHOTO, 3))
    rgb[::2] = rgb[::2].mean(1, keepdims=True) + 0.3 * (rgb[::2] - rgb[::2].mean(1, keepdims=True))
    shares = draw.random(len(rgb)).round(6)
    rows = []
    for i in range(0, len(rgb), A_PHOTO):
        part = slice(i, i + A_PHOTO)
        colors = [
            {"hex": Color.from_rgb(*c).hex, "name": "?", "share": s}
            for c, s in zip(rgb[part].tolist(), shares[part].tolist(), strict=True)
        ]
        palettes = {"clothes": colors[:4], "skin": colors[4:7], "hair": colors[7:]}
        rows.append(
            {
                "uri": f"/shop/{i:08d}.jpg",
                "file": f"{i:08d}.jpg",
                "status": "ok",
                "palettes": [{"class": name, "colors": c} for name, c in palettes.items()],
            }
        )
    return rows


def make_catalog(out: Path, colors: int) -> None:
    """A catalogue of about so many colours."""
    (out / "_colors").mkdir(parents=True)
    draw = np.random.default_rng(0)
    for shard in range(colors // (A_SHARD * A_PHOTO)):
        name, made = f"{shard:05d}.parquet", f"{shard % MADE:05d}.parquet"
        if shard < MADE:
            rows = made_rows(draw)
            (out / name).write_bytes(shard_bytes(rows))
            (out / "_colors" / name).write_bytes(index_bytes(rows))
        else:
            shutil.copy(out / made, out / name)
            shutil.copy(out / "_colors" / made, out / "_colors" / name)
        (out / f"{shard:05d}_stats.json").write_text("{}")
    facts = {"schema": "pix2seg.catalog/1", "scheme": load_scheme("four").to_dict()}
    (out / "catalog.json").write_text(json.dumps({**facts, "options": {"garments": False}}))


def main() -> None:
    """Make a catalogue and look for colours."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--colors", type=int, default=5_000_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as root:
        out = Path(root) / "catalog"
        began = time.process_time()
        make_catalog(out, options.colors)
        size = sum(file.stat().st_size for file in out.rglob("*.*")) / 1e6
        made = f"{size:.0f} MB in {time.process_time() - began:.0f} s"
        print(f"{options.colors:,} colours, {made}", flush=True)
        for wanted in WANTED:
            subprocess.run([sys.executable, "-c", MEASURE, str(out), wanted], check=True)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"most memory of any: {peak:.0f} MB")


if __name__ == "__main__":
    main()
