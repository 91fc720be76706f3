"""A checkout keeps preprocess and train beside pix2seg; an installation moves them in."""

import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_file_location
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).parent.parent
FOLDERS = ("preprocess", "train")


class _Finder:
    """Finds `pix2seg.preprocess` and `pix2seg.train`, and nothing else that lies there."""

    @staticmethod
    def find_spec(
        name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        package, _, folder = name.rpartition(".")
        if package != "pix2seg" or folder not in FOLDERS:
            return None
        return spec_from_file_location(name, ROOT / folder / "__init__.py")


def find_folders() -> None:
    """Let Python that was started in the checkout find the other two folders."""
    sys.meta_path.append(_Finder)
