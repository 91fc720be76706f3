"""Which device runs the networks, and at which precision."""

import ctypes
import sys

import torch
from torch import Tensor

from pix2seg.engines.base import Precision
from pix2seg.errors import Pix2SegError


def choose_device(name: str = "auto") -> torch.device:
    """The device by name, or the fastest there is.

    Args:
        name: `auto`, `cpu`, `cuda`, `cuda:1`, `mps`, ...

    Raises:
        Pix2SegError: no such device here.
    """
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise Pix2SegError(f"cannot use the device '{name}' ({reason}); try cpu") from error
    return device


def autocast(device: torch.device, precision: Precision = "auto") -> torch.autocast:
    """A context that computes in bfloat16 where the device has hardware for it.

    Args:
        device: computes.
        precision: `fp32` keeps it from it.
    """
    if device.type == "cuda":
        fast = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        fast = device.type == "cpu" and bool(torch.cpu.get_capabilities().get("avx512_bf16"))
    return torch.autocast(device.type, torch.bfloat16, enabled=fast and precision == "auto")


def to_input(photos: Tensor) -> Tensor:
    """Photos as a network takes them.

    Args:
        photos: uint8 (N, H, W, 3).

    Returns:
        float32 (N, 3, H, W) in [-1, 1]; seen as channels_last without a copy.
    """
    return photos.permute(0, 3, 1, 2).float() / 127.5 - 1


def keep_freed_memory() -> None:
    """Let the C library keep freed memory for the next step instead of returning it.

    glibc hands large blocks back to the system at once, and each step then pays for fresh pages:
    training at 512x768 on a CPU takes 1.4 times as long. A process may set this once; it
    changes nothing where there is no glibc.
    """
    mmap_threshold, trim_threshold, largest = -3, -1, 2**31 - 1  # malloc.h: M_MMAP_THRESHOLD ...
    libc = ctypes.CDLL(None) if sys.platform == "linux" else None
    if libc is not None and hasattr(libc, "mallopt"):
        libc.mallopt(mmap_threshold, largest)
        libc.mallopt(trim_threshold, largest)
