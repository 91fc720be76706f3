"""How the service bears load, beside `Segmenter` called in a loop, on the loopback address.

    python tests/bench/service.py                     # about 300 photos
    python tests/bench/service.py --lasting 2000      # what memory does in the long run

Starts `pix2seg serve` by itself, with further options as given. Answers are palette documents; the
loop makes the same. It runs before and after each row, and their mean counts, since other programs
may run meanwhile.
"""

import argparse
import itertools
import json
import statistics
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx

from pix2seg import Segmenter

PHOTOS = [p.read_bytes() for p in sorted((Path(__file__).parent.parent / "data").glob("*.jpg"))]
CLIENTS = (1, 4, 16)
CROWD = 64
JPEG = {"Content-Type": "image/jpeg"}


@contextmanager
def running_service(words: list[str]) -> Iterator[tuple[httpx.Client, int, float]]:
    """A client of a new service, the service's process id, and how long it took to be ready."""
    began = time.perf_counter()
    command = [sys.executable, "-m", "pix2seg", "serve", "--port", "0", *words]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    try:
        url = json.loads(process.stderr.readline())["url"]
        lines = process.stderr
        threading.Thread(target=lambda: [None for _ in lines], daemon=True).start()
        limits = httpx.Limits(max_connections=CROWD, max_keepalive_connections=CROWD)
        with httpx.Client(base_url=url, timeout=120, limits=limits) as client:
            while client.get("/readyz").status_code != 200:
                time.sleep(0.02)
            yield client, process.pid, time.perf_counter() - began
    finally:
        process.terminate()
        process.wait()


def memory(process: int) -> float:
    """Megabytes that a process holds."""
    for line in Path(f"/proc/{process}/status").read_text("ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise ValueError(f"no memory of process {process}")


def ask(client: httpx.Client, photo: bytes) -> tuple[int, float]:
    """Status and seconds of one request."""
    began = time.perf_counter()
    status = client.post("/v1/segment", content=photo, headers=JPEG).status_code
    return status, time.perf_counter() - began


def load(client: httpx.Client, clients: int, count: int) -> tuple[float, list[float]]:
    """Photos a second, and the seconds of each, of so many clients that each wait for answers."""
    photos = itertools.islice(itertools.cycle(PHOTOS), count)
    began = time.perf_counter()
    with ThreadPoolExecutor(clients) as pool:
        answers = list(pool.map(lambda photo: ask(client, photo), photos))
    rate = count / (time.perf_counter() - began)
    if any(status != 200 for status, _ in answers):
        raise ValueError(f"answers other than 200: {Counter(status for status, _ in answers)}")
    return rate, sorted(seconds for _, seconds in answers)


def loop(segmenter: Segmenter, count: int) -> float:
    """Photos a second of `Segmenter` in a loop, the palette document as JSON included."""
    began = time.perf_counter()
    for photo in itertools.islice(itertools.cycle(PHOTOS), count):
        json.dumps(segmenter(photo).colors().document())
    return count / (time.perf_counter() - began)


def crowd(client: httpx.Client, process: int) -> tuple[Counter[int], float]:
    """Statuses of clients that all come at once, and the most memory meanwhile."""
    most, done = memory(process), threading.Event()

    def watch() -> None:
        nonlocal most
        while not done.wait(0.02):
            most = max(most, memory(process))

    watcher = threading.Thread(target=watch)
    watcher.start()
    photos = itertools.islice(itertools.cycle(PHOTOS), CROWD)
    with ThreadPoolExecutor(CROWD) as pool:
        statuses = Counter(status for status, _ in pool.map(lambda p: ask(client, p), photos))
    done.set()
    watcher.join()
    return statuses, most


def lasting(client: httpx.Client, process: int, count: int) -> tuple[float, float]:
    """Memory after 100 requests and after `count`, four clients at a time."""
    load(client, 4, 100)
    early = memory(process)
    load(client, 4, count - 100)
    return early, memory(process)


def compare(client: httpx.Client, process: int, count: int) -> None:
    """Print throughput and latency beside the loop's, and what a crowd does to memory."""
    segmenter = Segmenter()
    for photo in PHOTOS:
        segmenter(photo).colors()
    load(client, 1, len(PHOTOS))
    idle = memory(process)
    before, single = loop(segmenter, count), 0.0
    print("clients  photos/s  of the loop  median ms  p95 ms  of a single client's median")
    for clients in CLIENTS:
        rate, seconds = load(client, clients, count)
        after = loop(segmenter, count)
        share = rate / statistics.mean((before, after))
        median, p95 = statistics.median(seconds), seconds[int(0.95 * (count - 1))]
        single = single or median
        print(
            f"{clients:7}  {rate:8.2f}  {share:11.2f}  {median * 1000:9.0f}  {p95 * 1000:6.0f}"
            f"  {p95 / single:27.1f}"
        )
        before = after
    statuses, most = crowd(client, process)
    told = ", ".join(f"{count} x {status}" for status, count in sorted(statuses.items()))
    print(f"{CROWD} clients at once: {told}; {most - idle:+.0f} MB over {idle:.0f} MB idle")


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description="How the service bears load.")
    parser.add_argument("--count", type=int, default=32, help="photos of each row")
    parser.add_argument("--lasting", type=int, default=0, help="only watch memory, so many times")
    options, words = parser.parse_known_args()
    with running_service(words) as (client, process, ready):
        print(f"ready after {ready:.1f} s")
        if options.lasting:
            early, late = lasting(client, process, options.lasting)
            print(
                f"memory after 100 requests {early:.0f} MB, after {options.lasting} {late:.0f} MB"
            )
        else:
            compare(client, process, options.count)


if __name__ == "__main__":
    main()
