"""How long segmenting takes on one core, and how much memory, as a table.

    python tests/bench/speed.py tests/data/0484.jpg

Medians of `--runs`; CPU seconds, so that what else runs on the machine counts little. Networks that
the installation has no ONNX files of are exported first. Beside pix2seg stand the networks of
rembg with random weights, run as rembg runs them: the network alone, without reading or writing.

    python tests/bench/speed.py tests/data/0484.jpg --memory 600

tells instead how memory grows over so many photos of different shapes in one process.
"""

import argparse
import os
import platform
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

SEGMENT = """
import sys, time, resource
from pathlib import Path
from pix2seg.memory import keep_freed_memory
from pix2seg import Segmenter

generator, person, precision, photo, count = sys.argv[1:]
keep_freed_memory()
segmenter = Segmenter(generator, precision=precision, person_options={"weights": person})
segmenter(photo)
times = []
for _ in range(int(count)):
    began = time.process_time()
    segmenter(photo)
    times.append(time.process_time() - began)
print(sorted(times)[len(times) // 2])
"""

MEMORY = """
import sys, numpy as np
from pix2seg.memory import keep_freed_memory
from pix2seg import Segmenter
from pix2seg.photo import read_photo

generator, person, photo, count = sys.argv[1:]
keep_freed_memory()
segmenter = Segmenter(generator, person_options={"weights": person})
pixels, draw = read_photo(photo).pixels, np.random.default_rng(0)
for number in range(1, int(count) + 1):
    height, width = draw.integers(100, pixels.shape[0]), draw.integers(100, pixels.shape[1])
    result = segmenter(pixels[:height, :width])
    result.overlay(), result.colors()
    if number in (20, int(count)):
        pages = int(open("/proc/self/statm").read().split()[1])
        print(f"after {number} photos: {pages * 4096 / 1e6:.0f} MB")
"""

MEASURE = """
import resource, subprocess, sys

subprocess.run(sys.argv[1:], check=True, stderr=subprocess.DEVNULL)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(used.ru_utime + used.ru_stime, used.ru_maxrss)
"""

RANDOM = """
import sys, time
import numpy as np, onnxruntime

options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
session = onnxruntime.InferenceSession(sys.argv[1], options)
photo = np.random.default_rng(0).random((1, 3, int(sys.argv[2]), int(sys.argv[2])), np.float32)
session.run(None, {"photo": photo})
times = []
for _ in range(int(sys.argv[3])):
    began = time.process_time()
    session.run(None, {"photo": photo})
    times.append(time.process_time() - began)
print(sorted(times)[len(times) // 2])
"""


def run(*command: object) -> tuple[float, float, str]:
    """CPU seconds, peak memory in MB and output of a new process on one core."""
    pinned = ["taskset", "-c", "0"] if sys.platform == "linux" else []
    words = [*pinned, sys.executable, *map(str, command)]
    # A process counts what it was forked from as its own memory: from a small one, then.
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, *words], stdout=subprocess.PIPE, text=True, check=True
    )
    output, _, used = done.stdout.rstrip("\n").rpartition("\n")
    seconds, kilobytes = used.split()
    return float(seconds), float(kilobytes) / 1024, output


def new_process(runs: int, *command: object) -> str:
    """Medians of CPU seconds and of peak memory over new processes, as two cells."""
    seconds, memory, _ = zip(*(run(*command) for _ in range(runs)), strict=True)
    return f"{median(seconds):.2f} s | {median(memory):.0f} MB"


def machine() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.partition(":")[2].strip() for line in lines if "model name" in line)
    except (OSError, StopIteration):
        return platform.processor()


def networks(folder: Path) -> dict[str, tuple[Path, Path]]:
    """Files of generator and person extractor for each engine."""
    from pix2seg.engines.base import built_in_file
    from pix2seg.generators.info import BUILT_IN as GENERATOR
    from pix2seg.preprocess.person.mask_rcnn.info import BUILT_IN as PERSON

    onnx = []
    for name in (GENERATOR, PERSON):
        onnx.append(built_in_file(name, ".onnx"))
        if not onnx[-1].is_file():
            from pix2seg.export import export_to_onnx

            onnx[-1] = folder / f"{name}.onnx"
            export_to_onnx(built_in_file(name), onnx[-1])
    return {
        "onnx": (onnx[0], onnx[1]),
        "torch": (built_in_file(GENERATOR), built_in_file(PERSON)),
    }


def table(photo: Path, runs: int, folder: Path) -> None:
    from u2net import NETWORKS, export_random

    print(f"{machine()}, one core, load {os.getloadavg()[0]:.0f}, medians of {runs}\n")
    print("| a new process | CPU time | peak memory |\n| --- | ---: | ---: |")
    print(f"| pix2seg --help | {new_process(runs, '-m', 'pix2seg', '--help')} |")
    files = networks(folder)
    for engine, (generator, person) in files.items():
        weights = ("--weights", generator, "--person-weights", person, "--out", folder / "out")
        cells = new_process(runs, "-m", "pix2seg", "segment", photo, "--colors", *weights)
        print(f"| pix2seg segment --colors, {engine} | {cells} |")
    print("\n| a photo, the models loaded | CPU time |\n| --- | ---: |")
    for engine, precision in (("onnx", "fp32"), ("torch", "auto"), ("torch", "fp32")):
        _, _, seconds = run("-c", SEGMENT, *files[engine], precision, photo, 2 * runs)
        print(f"| pix2seg, {engine}, {precision} | {float(seconds) * 1000:.0f} ms |")
    for name in NETWORKS:
        path, parameters, side = export_random(name, folder)
        _, _, seconds = run("-c", RANDOM, path, side, runs)
        size = f"{parameters / 1e6:.1f} M parameters, {side}x{side}"
        print(f"| {name}, random weights ({size}) | {float(seconds) * 1000:.0f} ms |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photo", type=Path)
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--memory", type=int, metavar="PHOTOS")
    arguments = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"
    with TemporaryDirectory() as folder:
        if arguments.memory:
            files = networks(Path(folder))["onnx"]
            print(run("-c", MEMORY, *files, arguments.photo, arguments.memory)[2], end="")
        else:
            began = time.perf_counter()
            table(arguments.photo, arguments.runs, Path(folder))
            print(f"\nmeasured in {time.perf_counter() - began:.0f} s", file=sys.stderr)


if __name__ == "__main__":
    main()
