"""Runs the command line in this process, as `pix2seg` does, and checks what holds for every end."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from PIL import Image

from pix2seg.cli import main


class Ended(NamedTuple):
    """How a command ended: its exit code and what it printed."""

    code: int
    out: str
    err: str


Run = Callable[..., Ended]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]) -> Run:
    """`run(*words)` ends with exit code 0 or 2, and never in a traceback."""

    def run_command(*words: object) -> Ended:
        capfdbinary.readouterr()
        monkeypatch.setattr(sys, "argv", ["pix2seg", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capfdbinary.readouterr()
        code = ended.value.code
        assert code in (0, 2)
        assert b"Traceback" not in err
        assert b"\x1b" not in err + out, "something that a terminal obeys"
        return Ended(int(code), out.decode(), err.decode())

    return run_command


@pytest.fixture
def rounds(request: pytest.FixtureRequest) -> range:
    """Seeds: one, or as many as `--hostile-rounds` says."""
    return range(request.config.getoption("--hostile-rounds"))


@pytest.fixture(scope="session")
def small_mask(tmp_path_factory: pytest.TempPathFactory, small_photo: Path) -> Path:
    """Three classes on it, in bars."""
    path = tmp_path_factory.mktemp("mask") / "small.png"
    with Image.open(small_photo) as image:
        columns = np.arange(image.width) * 4 // image.width
    Image.fromarray(np.tile(columns.astype(np.uint8), (image.height, 1))).save(path)
    return path


@pytest.fixture(scope="session")
def segment(small_weights: Path) -> list[object]:
    """The words of a command that segments at once."""
    return ["segment", "--weights", small_weights, "--person", "none"]
