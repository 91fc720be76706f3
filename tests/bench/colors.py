"""How long the colours of a photo take, three classes, on one core.

    python tests/bench/colors.py tests/data/0484.jpg

The photo's true mask lies beside it as a PNG; both are enlarged to each size. The shortest of five
runs counts.
"""

import os
import sys
import time
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"

import cv2
import numpy as np
from PIL import Image

from pix2seg.colors.palette import FEW_COLORS, MAX_COLORS, extract_palette
from pix2seg.photo import read_photo

SIZES = ((1024, 1536), (4000, 6000))
CLASSES = {1: FEW_COLORS, 2: FEW_COLORS, 3: MAX_COLORS}


def main(path: Path) -> None:
    cv2.setNumThreads(1)
    photo = read_photo(path).pixels
    truth = np.asarray(Image.open(path.with_suffix(".png")))
    for size in SIZES:
        pixels = np.asarray(cv2.resize(photo, size, interpolation=cv2.INTER_CUBIC), np.uint8)
        mask = cv2.resize(truth, size, interpolation=cv2.INTER_NEAREST_EXACT)
        times = []
        for _ in range(5):
            began = time.perf_counter()
            for class_id, colors in CLASSES.items():
                extract_palette(pixels, np.asarray(mask == class_id), colors)
            times.append(time.perf_counter() - began)
        print(f"{size[0]}x{size[1]}: {min(times) * 1000:.0f} ms")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
