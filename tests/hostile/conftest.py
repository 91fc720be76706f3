"""What the hostile tests share."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def run(run_here: Callable[..., Any]) -> Callable[..., Any]:
    """`run(*words)` runs a command here; see `run_here`."""
    return run_here


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
