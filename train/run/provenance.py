"""Which source a training ran from."""

import subprocess
from pathlib import Path

from pix2seg import __version__


def source_version() -> str:
    """The package's version, with the git commit when it runs from a checkout."""
    folder = Path(__file__).resolve().parent
    commit = _git(folder, "rev-parse", "--short=12", "HEAD")
    # A checkout that merely contains the installed package is not where the package comes from.
    tracked = commit and _git(folder, "ls-files", "--error-unmatch", Path(__file__).name)
    return f"pix2seg {__version__}" + (f" ({commit})" if tracked else "")


def _git(folder: Path, *arguments: str) -> str:
    try:
        result = subprocess.run(
            ["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return ""
    return result.stdout.strip()
