"""Large photos take little memory: what a whole one would take is worked out in strips."""

import subprocess
import sys
import tracemalloc
from pathlib import Path

import numpy as np
from PIL import Image

from pix2seg.classes import load_scheme
from pix2seg.photo import read_photo
from pix2seg.thresholds import STRIP, map_to_mask

MOST = 850
"""Megabytes that 24 megapixels may take; they take 600 to 700, as threads meet. They took 1,050
with a few copies more, and an arena for each thread."""

# Not getrusage: what it says of a process begins with the memory of the one that started it.
RUN = """
import sys
from pathlib import Path
from pix2seg.cli import main
try:
    main()
finally:
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").open())
    print(int(status["VmHWM"].split()[0]) // 1024)
"""


def test_24_megapixels_take_little_memory(small_photo: Path, tmp_path: Path) -> None:
    large = tmp_path / "large.jpg"
    with Image.open(small_photo) as image:
        image.resize((4000, 6000)).save(large)
    words = ["segment", large, "--device", "cpu", "--out", tmp_path]
    command = [sys.executable, "-c", RUN, *map(str, words)]
    ended = subprocess.run(command, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    assert int(ended.stdout.split()[-1]) < MOST


def test_more_than_8_bits_take_little_more_memory() -> None:
    deep = np.random.default_rng(0).integers(0, 2**16, (1000, 1000), np.uint16)
    peaks = []
    for source in ((deep >> 8).astype(np.uint8), deep, Image.fromarray(deep), deep / 2**16):
        tracemalloc.start()
        read_photo(source)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert max(peaks) < 1.3 * peaks[0]


def test_strips_of_a_map_make_the_mask_of_the_whole() -> None:
    scheme = load_scheme("four")
    map = np.random.default_rng(0).integers(0, 256, (2 * STRIP + 9, 7, 3), np.uint8)
    rows = [map_to_mask(row[None], scheme) for row in map]
    assert np.array_equal(map_to_mask(map, scheme), np.concatenate(rows))
