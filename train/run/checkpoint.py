"""Checkpoints: the whole state of a run, to go on from exactly."""

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch

from pix2seg.errors import TrainingError, is_out_of_memory
from pix2seg.files import atomic_write


@dataclass
class Progress:
    """How far a run is.

    Attributes:
        step: optimiser steps done.
        seconds: time spent training, over all sittings.
        best_score: the best score of a validation so far: as its task says, mIoU, its mean with
            that of garments, or people's IoU.
        best_epoch: the epoch, counted from 1, that had it; 0 before the first.
        loss_sums: each loss summed over the epoch's steps so far.
    """

    step: int = 0
    seconds: float = 0.0
    best_score: float = -1.0
    best_epoch: int = 0
    loss_sums: dict[str, float] = field(default_factory=dict)


def save_checkpoint(path: Path, networks: dict[str, Any], progress: Progress) -> None:
    """Write the state of a run, whole or not at all.

    Raises:
        OutputError: it cannot be written; the checkpoint that was there before is kept.
    """
    state = {
        "networks": networks,
        "progress": asdict(progress),
    }
    with atomic_write(path) as temporary:
        try:
            torch.save(state, temporary)
        except RuntimeError as error:  # torch keeps the system's own word on a file to itself
            raise OSError("the disk may be full") from error


def begun_with(path: Path, key: str) -> Any:
    """What a checkpoint says beside its networks, whose tensors stay on the disk; else None.

    Raises:
        TrainingError: the file is no checkpoint, or cannot be read.
    """
    if not path.is_file():
        return None
    networks, _ = _read(path, torch.device("cpu"), mmap=True)
    return networks.get(key)


def load_checkpoint(path: Path, device: torch.device) -> tuple[dict[str, Any], Progress]:
    """Read the state of a run; what is drawn by chance follows from the step alone.

    Raises:
        TrainingError: there is no checkpoint, or it cannot be read. What has nothing to do with
            the file, such as too little memory, is raised as it is.
    """
    if not path.is_file():
        raise TrainingError(f"{path.parent} holds no run to resume; start one without --resume")
    return _read(path, device)


def _read(
    path: Path, device: torch.device, *, mmap: bool = False
) -> tuple[dict[str, Any], Progress]:
    try:
        state = torch.load(path, map_location=device, weights_only=True, mmap=mmap)
        return dict(state["networks"]), Progress(**state["progress"])
    except PermissionError as error:
        raise TrainingError(f"cannot read {path}: permission denied") from error
    except Exception as error:  # whatever the unpickler stumbles over in a broken file
        if is_out_of_memory(error):
            raise
        raise TrainingError(f"{path} is not a whole checkpoint; start the run anew") from error
