"""What a training ran from: which source, and which weights."""

import subprocess
from pathlib import Path

from pix2seg import __version__


def weights_name(init: str | Path | None) -> str | None:
    """What a weights file says of those that its training started from: their folder and name.

    It travels, and tells nobody where they lay.
    """
    return "/".join(Path(init).parts[-2:]) if init else None


def source_version() -> str:
    """The package's version, with the git commit when it runs from a checkout.

    A checkout with changes that are not committed is called changed.
    """
    folder = Path(__file__).resolve().parent
    commit = _git(folder, "rev-parse", "--short=12", "HEAD")
    # A checkout that merely contains the installed package is not where the package comes from.
    tracked = commit and _git(folder, "ls-files", "--error-unmatch", Path(__file__).name)
    if not tracked:
        return f"pix2seg {__version__}"
    changed = _git(folder, "status", "--porcelain", "--untracked-files=no")
    return f"pix2seg {__version__} ({commit}{', changed' if changed else ''})"


def _git(folder: Path, *arguments: str) -> str:
    try:
        result = subprocess.run(
            ["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return ""
    return result.stdout.strip()
