"""Signals at any moment: nothing goes on, nothing is half, nobody sees a traceback."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

START = (
    "import signal; from pix2seg import __main__ as program; real = signal.signal\n"
    "def handle(*words): real(*words); print('ready', flush=True)\n"
    "signal.signal = handle; program.main()"
)
"""Runs the command line and says when it listens to a signal."""


def start(*words: object) -> subprocess.Popen[str]:
    """Start a command and wait until it listens to SIGINT and SIGTERM."""
    command = [sys.executable, "-c", START, *map(str, words)]
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True)
    assert process.stdout
    for _ in range(2):
        assert process.stdout.readline() == "ready\n"
    return process


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_end_a_command_in_silence_from_its_first_import_on(
    small_onnx: Path, small_photo: Path, tmp_path: Path, rounds: range, number: signal.Signals
) -> None:
    words = ["segment", small_photo, "--weights", small_onnx, "--person", "none"]
    for seed in rounds:
        with start(*words, "--out", tmp_path) as process:
            time.sleep(random.Random(f"{seed} {number}").uniform(0, 2))
            process.send_signal(number)
            _, messages = process.communicate(timeout=60)
        assert process.returncode in (128 + number, 0), messages  # 0: it was done before
        assert "Traceback" not in messages
        assert "Exception" not in messages


def children(pid: int) -> set[int]:
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    return {int(child) for task in tasks for child in task.read_text().split()}


def is_running(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_killed_preparation_leaves_no_workers(
    small_photo: Path, small_mask: Path, tmp_path: Path, number: signal.Signals
) -> None:
    photos, masks, out = (tmp_path / name for name in ("photos", "masks", "out"))
    for folder, source in ((photos, small_photo), (masks, small_mask)):
        folder.mkdir()
        for i in range(50):  # copies of one photo would all go to one side
            (folder / f"{i}{source.suffix}").write_bytes(source.read_bytes() + bytes(i))
        for i in range(50, 1000):
            os.link(folder / f"{i % 50}{source.suffix}", folder / f"{i}{source.suffix}")
    words = ["prepare", "folder", photos, masks, out, "--scheme", "four", "--size", "64x96"]
    with start(*words) as process:
        while not list((out / "masks").glob("*.png")):
            assert process.poll() is None, process.communicate()
            time.sleep(0.05)
        workers = children(process.pid)
        assert workers
        process.send_signal(number)
        process.communicate(timeout=60)
    end = time.monotonic() + 30
    while any(map(is_running, workers)) and time.monotonic() < end:
        time.sleep(0.1)
    assert not any(map(is_running, workers))
    assert not (out / "dataset.json").exists()
    if number != signal.SIGKILL:
        assert process.returncode == 128 + number
        assert not list(out.rglob(".*"))
