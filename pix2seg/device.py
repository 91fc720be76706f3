"""Which device runs the networks, and at which precision."""

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
    fast = precision == "auto" and multiplies_bfloat16(device)
    return torch.autocast(device.type, torch.bfloat16, enabled=fast)


def multiplies_bfloat16(device: torch.device) -> bool:
    """Whether the device has hardware for bfloat16, and on a CPU oneDNN may use it.

    Where it has not, bfloat16 takes 30 times as long as float32.
    """
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device.type != "cpu":
        return False
    has = torch.cpu.get_capabilities()
    multiplies = bool(has.get("avx512_bf16") or has.get("amx_bf16"))
    return multiplies and bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


def to_input(photos: Tensor) -> Tensor:
    """Photos as a network takes them.

    Args:
        photos: uint8 (N, H, W, 3).

    Returns:
        float32 (N, 3, H, W) in [-1, 1]; seen as channels_last without a copy.
    """
    return photos.permute(0, 3, 1, 2).float() / 127.5 - 1
