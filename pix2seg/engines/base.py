"""What every engine gives, and which one runs a weights file."""

import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import resources
from importlib.util import find_spec
from pathlib import Path
from shutil import which
from typing import TYPE_CHECKING, Any, Literal, Protocol, get_args

from pix2seg.errors import Pix2SegError, WeightsError

if TYPE_CHECKING:
    from torch import nn

Engine = Literal["auto", "torch", "onnx"]
"""`auto`: what a weights file is for; of the networks in the box PyTorch where it is installed and
there is a GPU for it, else ONNX Runtime."""

Precision = Literal["auto", "fp32"]
"""`auto`: bfloat16 where PyTorch computes faster in it; `fp32`: never."""

TorchLoader = Callable[[Path], "tuple[nn.Module, Mapping[str, str]]"]
"""Reads a safetensors file into a module that takes and gives named tensors, and its metadata."""

SUFFIXES = {"onnx": ".onnx", "torch": ".safetensors"}


class Network(Protocol):
    """A network that is ready to run.

    Attributes:
        engine: `torch` or `onnx`.
        device: where it runs, such as `cpu`.
        metadata: the weights file's, texts by name.
    """

    engine: str
    device: str
    metadata: Mapping[str, str]

    def run(self, **inputs: Any) -> dict[str, Any]:
        """NumPy arrays by name, for NumPy arrays by name."""
        ...


WHOLE_NETWORKS = ("best.safetensors", "model.onnx", "model.safetensors")
"""What a training run and `save_pretrained` call the generator in their folders."""


def open_network(
    weights: Path | None,
    built_in: str,
    load: TorchLoader,
    *,
    engine: Engine = "auto",
    device: str = "auto",
    precision: Precision = "auto",
) -> tuple[Network, Path]:
    """A network ready to run, and its file.

    Args:
        weights: a safetensors file, which PyTorch runs, or an ONNX file, which ONNX Runtime runs.
        built_in: name of the network in the box that runs where `weights` is None.
        load: reads a safetensors file.
        engine: which engine is to run it.
        device: `auto`, `cpu`, `cuda`, `mps`, ...
        precision: what PyTorch computes in; ONNX Runtime computes in float32.

    Raises:
        WeightsError: there is no such file for this engine, or it cannot be used.
        Pix2SegError: the engine is unknown or not installed, or there is no such device or
            precision.
    """
    _refuse_unknown("engine", engine, get_args(Engine))
    _refuse_unknown("precision", precision, get_args(Precision))
    if weights is None:
        weights = _choose_built_in(built_in, engine, device)
    if weights.is_dir():
        there = [f for name in WHOLE_NETWORKS if (f := weights / name).is_file()]
        raise WeightsError(f"{weights} is a folder" + (f"; give {there[0]}" if there else ""))
    if not weights.is_file():
        raise WeightsError(f"no weights file {weights}")
    kind = "onnx" if weights.suffix.lower() == SUFFIXES["onnx"] else "torch"
    if engine not in ("auto", kind):
        raise WeightsError(
            f"{weights} is for the engine {kind}"
            + (f"; make an ONNX file of it: pix2seg export {weights}" if kind == "torch" else "")
        )
    if kind == "onnx":
        from pix2seg.engines.onnx.network import OnnxNetwork

        return OnnxNetwork(weights, device), weights
    if find_spec("torch") is None:
        raise Pix2SegError(
            f"{weights} needs PyTorch: pip install '.[train]' in the checkout of pix2seg, or make "
            f"an ONNX file of it where PyTorch is: pix2seg export {weights}"
        )
    from pix2seg.engines.torch.network import TorchNetwork

    module, metadata = load(weights)
    return TorchNetwork(module, metadata, device, precision), weights


def _refuse_unknown(what: str, name: str, known: Sequence[str]) -> None:
    if name not in known:
        raise Pix2SegError(f"no {what} '{name}'; take {', '.join(known)}")


def built_in_file(name: str, suffix: str = ".safetensors") -> Path:
    """Where a network in the box lies, if this installation has it."""
    return Path(str(resources.files("pix2seg").joinpath("weights", name + suffix)))


def _choose_built_in(name: str, engine: Engine, device: str) -> Path:
    kind = device.partition(":")[0]
    if engine != "auto":
        order = [engine]
    elif find_spec("torch") and (kind not in ("auto", "cpu") or _may_have_gpu(kind)):
        order = ["torch", "onnx"]
    else:
        order = ["onnx", "torch"]
    files = [built_in_file(name, SUFFIXES[kind]) for kind in order]
    for file in files:
        if file.is_file():
            return file
    raise WeightsError(f"{files[0]} is missing; install pix2seg anew or give a weights file")


def _may_have_gpu(device: str) -> bool:
    """Whether it is worth two seconds to import PyTorch and ask it."""
    if device != "auto":
        return False
    if sys.platform == "darwin":
        gpu = True
    else:
        drivers = ("/dev/nvidiactl", "/dev/dxg", "/dev/kfd")
        gpu = which("nvidia-smi") is not None or any(Path(file).exists() for file in drivers)
    if not gpu:
        return False
    import torch

    return torch.cuda.is_available() or torch.backends.mps.is_available()
