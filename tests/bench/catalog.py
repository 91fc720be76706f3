"""What a catalogue costs: core seconds a photo, where they go, and whether memory grows.

    python tests/bench/catalog.py assets/photos --count 1000 --workers 2

Fills a catalogue in a temporary folder with so many photos, the given ones again and again under
other names, and prints a line for each measure. CPU seconds hardly depend on what else runs on the
machine; photos a second do.
"""

import argparse
import resource
import tempfile
import time
from itertools import cycle, islice
from pathlib import Path

from pix2seg.catalog.engines.base import run_shards
from pix2seg.catalog.engines.local import LocalPool
from pix2seg.catalog.run import begin_catalog, open_shards
from pix2seg.catalog.work import Job, Settings, Worker
from pix2seg.inputs import find_photos


def cpu_seconds(who: int) -> float:
    """User and system time."""
    used = resource.getrusage(who)
    return used.ru_utime + used.ru_stime


def memory_now() -> float:
    """Resident memory of this process, MB; Linux alone tells it."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


def measure_processes(out: str, settings: Settings, workers: int, photos: int) -> None:
    """Photos a second and core seconds a photo of the local engine, its start included."""
    began, before = time.perf_counter(), cpu_seconds(resource.RUSAGE_CHILDREN)
    opened = begin_catalog(str(Path(out).parent / "photos"), out, settings, shard_size=50)
    for _ in run_shards(LocalPool(Job(out, settings)), open_shards(opened.catalog), workers):
        pass
    seconds = time.perf_counter() - began
    cores = cpu_seconds(resource.RUSAGE_CHILDREN) - before
    print(
        f"{workers} workers: {photos / seconds:.2f} photos/s, {cores / photos:.2f} core s a photo"
    )


def measure_worker(out: str, settings: Settings, photos: int) -> None:
    """What one worker spends beside networks and colours, and its memory from shard to shard."""
    opened = begin_catalog(str(Path(out).parent / "photos"), out, settings, shard_size=50)
    worker = Worker(Job(out, settings))
    segmenter, inside = worker.segmenter, 0.0

    def timed(*arguments: object, **options: object) -> object:
        nonlocal inside
        began = time.process_time()
        result = type(segmenter).__call__(segmenter, *arguments, **options)  # type: ignore[arg-type]
        inside += time.process_time() - began
        return result

    worker.segmenter = timed  # type: ignore[assignment]
    began, memory = time.process_time(), []
    for shard in open_shards(opened.catalog):
        for _ in worker.run(shard):
            pass
        memory.append(memory_now())
    spent = time.process_time() - began
    print(f"one worker: {spent / photos:.3f} core s a photo, {inside / photos:.3f} in the networks")
    print(f"memory after the first shard {memory[0]:.0f} MB, after the last {memory[-1]:.0f} MB")


def main() -> None:
    """Measure both."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photos", type=Path)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--weights")
    parser.add_argument("--person")
    options = parser.parse_args()
    settings = Settings(weights=options.weights, person=options.person, masks=True)
    with tempfile.TemporaryDirectory() as root:
        folder = Path(root) / "photos"
        folder.mkdir()
        for i, photo in enumerate(islice(cycle(find_photos([options.photos])), options.count)):
            (folder / f"{i:07d}{photo.path.suffix}").symlink_to(photo.path.resolve())
        measure_worker(f"{root}/one", settings, options.count)
        if options.workers:
            measure_processes(f"{root}/many", settings, options.workers, options.count)


if __name__ == "__main__":
    main()
