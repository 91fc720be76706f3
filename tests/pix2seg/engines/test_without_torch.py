"""The main job in an environment without PyTorch."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

WITHOUT = """
import sys

names = "torch torchvision tensorboard safetensors onnx sklearn skimage scipy"
sys.modules.update(dict.fromkeys(names.split()))  # Python takes these for not installed
from pix2seg.cli import main

main()
"""


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", WITHOUT, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_photos_are_segmented(
    onnx_networks: tuple[Path, Path], photos: list[Path], tmp_path: Path
) -> None:
    generator, person = onnx_networks
    weights = ("--weights", generator, "--person-weights", person)
    done = run("segment", photos[0], "--colors", "--cutouts", "--out", tmp_path, *weights)
    assert done.returncode == 0, done.stderr
    document = json.loads((tmp_path / f"{photos[0].stem}.palette.json").read_text("utf-8"))
    assert document["model"]["engine"] == "onnx"
    assert document["classes"]["clothes"]["colors"]


@pytest.mark.parametrize("command", [("train", "--run", "nowhere"), ("export",)])
def test_what_needs_pytorch_says_so_in_a_line(command: tuple[str, ...]) -> None:
    done = run(*command)
    assert done.returncode == 2
    assert "needs torch, which is not installed: pip install '.[train]'" in done.stderr
    assert len(done.stderr.splitlines()) == 1
