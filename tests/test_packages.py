"""What an installation must hold, and what Python finds in a checkout."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import pix2seg

ROOT = Path(__file__).parent.parent


def test_pyproject_names_every_package() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    found = {
        module.parent.relative_to(ROOT)
        for folder in ("pix2seg", "preprocess", "train")
        for module in (ROOT / folder).rglob("*.py")
    }
    inside = {path if path.parts[0] == "pix2seg" else "pix2seg" / path for path in found}
    assert {".".join(path.parts) for path in inside} == set(settings["packages"])


def test_public_names_are_there_and_listed() -> None:
    assert {"Segmenter", "Segmentation", "Photo", "read_photo", "load_scheme"} <= set(dir(pix2seg))
    for name in dir(pix2seg):
        assert getattr(pix2seg, name).__name__ == name
    with pytest.raises(AttributeError, match="nothing"):
        _ = pix2seg.nothing  # type: ignore[attr-defined]


def test_version_has_its_changes_listed() -> None:
    assert f"## {pix2seg.__version__}" in (ROOT / "CHANGELOG.md").read_text("utf-8")


def in_checkout(code: str) -> "subprocess.CompletedProcess[str]":
    """Run Python as somebody who starts it in the checkout, without an installation."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True
    )


def test_checkout_finds_the_three_folders_and_nothing_else() -> None:
    found = in_checkout(
        "import pix2seg, pix2seg.train.run.provenance, pix2seg.preprocess.dataset.split\n"
        "from importlib.resources import files\n"
        "print(pix2seg.__file__, [f.name for f in files('pix2seg.train.recipes').iterdir()])"
    )
    assert str(ROOT / "pix2seg" / "__init__.py") in found.stdout
    assert "pix2pix-ccp4.toml" in found.stdout
    for other in ("tests", "pix2seg", "assets"):
        failed = in_checkout(f"import pix2seg.{other}")
        assert failed.returncode == 1
        assert f"No module named 'pix2seg.{other}'" in failed.stderr


def test_import_costs_nothing() -> None:
    heavy = "'torch', 'numpy', 'PIL', 'cv2', 'onnxruntime'"
    loaded = in_checkout(f"import pix2seg, sys; print([n for n in ({heavy}) if n in sys.modules])")
    assert loaded.stdout == "[]\n"
