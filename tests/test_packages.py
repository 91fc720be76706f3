"""What an installation must hold, and what Python finds in a checkout."""

import ast
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


def test_recipes_are_listed_without_pytorch() -> None:
    listed = in_checkout(
        "import sys; sys.modules['torch'] = None\n"
        "sys.argv = ['pix2seg', 'recipes']\n"
        "from pix2seg.cli import main; main()"
    )
    assert listed.returncode == 0, listed.stderr
    assert "pix2pix-ccp4" in listed.stdout


BELOW_PREPROCESS = {
    "classes", "cores", "device", "efficientnet_lite", "encoders", "engines", "errors", "files",
    "limits", "photo", "tensor_file", "torchvision_weights", "workers",
}  # fmt: skip
"""What knows nothing of photos of people."""


def imported(file: Path) -> set[str]:
    """The modules of this package that a file imports, wherever in it, without `pix2seg.`."""
    nodes = list(ast.walk(ast.parse(file.read_text("utf-8"))))
    names = [node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)]
    names += [a.name for node in nodes if isinstance(node, ast.Import) for a in node.names]
    return {name.removeprefix("pix2seg.") for name in names if name.startswith("pix2seg.")}


def test_imports_point_one_way() -> None:
    for file in (ROOT / "preprocess").rglob("*.py"):
        parts = {name.split(".")[0] for name in imported(file)}
        assert parts <= BELOW_PREPROCESS | {"preprocess"}, file
    for part in BELOW_PREPROCESS:
        folder, module = ROOT / "pix2seg" / part, ROOT / "pix2seg" / f"{part}.py"
        for file in [module] if module.exists() else folder.rglob("*.py"):
            assert {name.split(".")[0] for name in imported(file)} <= BELOW_PREPROCESS, file
    for file in (ROOT / "pix2seg").rglob("*.py"):
        if "cli" not in file.parts:  # whose commands are those of all three
            assert not any(name.startswith("train.") for name in imported(file)), file
