"""What an installation must hold."""

import tomllib
from pathlib import Path

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
