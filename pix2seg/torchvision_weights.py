"""Weights that torchvision offers for download, read as data: nothing in them is run."""

import hashlib
import re
from pathlib import Path
from urllib.error import URLError

import torch
from torch import Tensor

from pix2seg.errors import WeightsError, is_out_of_memory


def read_torchvision_weights(url: str) -> dict[str, Tensor]:
    """The tensors that lie at one of torchvision's addresses, downloaded once into torch's cache.

    Args:
        url: ends in NAME-HASH.pth, where HASH begins the file's SHA-256.

    Raises:
        WeightsError: the file cannot be downloaded, or is not the one that its name promises.
    """
    path = Path(torch.hub.get_dir()) / "checkpoints" / url.rpartition("/")[2]
    named = re.search(r"-([0-9a-f]+)\.pth$", url)
    assert named, url
    if not path.is_file():
        _download(url, path)
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if not digest.startswith(named[1]):
        raise WeightsError(f"{path} is not torchvision's file, for its hash differs; remove it")
    try:
        tensors: dict[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # whatever the unpickler stumbles over
        if is_out_of_memory(error):
            raise
        raise WeightsError(f"{path} holds more than tensors; it is not read") from error
    return tensors


def _download(url: str, path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        torch.hub.download_url_to_file(url, str(path), progress=False)
    except (URLError, OSError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise WeightsError(
            f"cannot get torchvision's weights from {url} ({reason}); download that file into "
            f"{path.parent}"
        ) from error
