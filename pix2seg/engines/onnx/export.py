"""From a PyTorch module to an ONNX file that gives the same."""

import io
import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from pix2seg.engines.onnx.network import OnnxNetwork
from pix2seg.engines.onnx.rewrite import rewritten
from pix2seg.engines.torch.network import TorchNetwork
from pix2seg.errors import WeightsError
from pix2seg.files import atomic_write

OPSET = 17

SMALL = 1024
"""Tensors with fewer numbers stay in single precision."""

EXACT = 1e-6
"""Weights that 8 bits hold up to this share of the largest are stored so."""

LEVELS = 127
"""The largest whole number that 8 bits hold."""

WHOLE = 0.001
"""Numbers this near to whole ones are whole, but for the rounding of single precision."""

TOLERANCE = 0.02
"""How far, in shares of the largest, outputs may be from PyTorch's; half precision takes 0.001."""

Arrays = dict[str, NDArray[Any]]
FreeSides = Mapping[str, Mapping[int, str]]


def export_module(
    module: nn.Module,
    metadata: Mapping[str, str],
    example: Arrays,
    free: FreeSides,
    path: Path,
) -> float:
    """Write a module as ONNX, whole or not at all, after comparing the two.

    The graph computes in single precision; its weights are stored in 8 bits where they came from
    8 bits, else in half precision.

    Args:
        module: set to evaluation; takes tensors by name and gives a dictionary of tensors.
        metadata: texts that the file is to hold.
        example: inputs to trace and compare with.
        free: axes of inputs and outputs that may have another length than in the example, named.
        path: the file.

    Returns:
        The largest difference between the engines, as a share of an output's largest number.

    Raises:
        WeightsError: the two give different results.
        OutputError: the file cannot be written.
    """
    expected = TorchNetwork(module, {}, "cpu", "fp32").run(**example)
    model = _small(rewritten(_trace(module, example, list(expected), free)))
    helper.set_model_props(model, dict(sorted(metadata.items())))
    with atomic_write(path) as temporary:
        temporary.write_bytes(model.SerializeToString(deterministic=True))
        difference = _difference(OnnxNetwork(temporary, "cpu").run(**example), expected)
        if difference > TOLERANCE:
            raise WeightsError(
                f"the ONNX file's results would differ from PyTorch's by {difference:.1%}; it was "
                "not written"
            )
    return difference


def _trace(
    module: nn.Module, example: Arrays, outputs: list[str], free: FreeSides
) -> onnx.ModelProto:
    file = io.BytesIO()
    # torchvision's Mask R-CNN fails in the newer exporter (pytorch/vision 9306, 9462).
    with _quiet():
        torch.onnx.export(
            _Positional(module, list(example)),
            tuple(torch.from_numpy(array) for array in example.values()),
            file,  # type: ignore[arg-type]  # a stream will do without dynamo
            input_names=list(example),
            output_names=outputs,
            dynamic_axes={name: dict(axes) for name, axes in free.items()},
            opset_version=OPSET,
            dynamo=False,
        )
    return onnx.load_model_from_string(file.getvalue())


class _Positional(nn.Module):
    """The module with arguments and results in order, as the exporter wants them."""

    def __init__(self, module: nn.Module, names: list[str]) -> None:
        super().__init__()
        self.module, self.names = module, names

    def forward(self, *inputs: torch.Tensor) -> tuple[torch.Tensor, ...]:
        found = self.module(**dict(zip(self.names, inputs, strict=True)))
        return tuple(found.values())


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the exporter's warnings, of what changes nothing in evaluation."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


def _small(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model with its weights in fewer bits, which ONNX Runtime widens as it loads them."""
    stored, widening = [], []
    for tensor in model.graph.initializer:
        weights = numpy_helper.to_array(tensor)
        if weights.dtype != np.float32 or weights.size < SMALL:
            stored.append(tensor)
            continue
        narrow, steps, wide = (f"{tensor.name}.{part}" for part in ("narrow", "steps", "wide"))
        in_steps = _in_8_bits(weights)
        if in_steps is None:
            stored.append(numpy_helper.from_array(weights.astype(np.float16), narrow))
            widening.append(helper.make_node("Cast", [narrow], [tensor.name], to=TensorProto.FLOAT))
        else:
            stored.append(numpy_helper.from_array(in_steps[0], narrow))
            stored.append(numpy_helper.from_array(in_steps[1], steps))
            widening.append(helper.make_node("Cast", [narrow], [wide], to=TensorProto.FLOAT))
            widening.append(helper.make_node("Mul", [wide, steps], [tensor.name]))
    nodes = [*widening, *model.graph.node]
    del model.graph.initializer[:], model.graph.node[:]
    model.graph.initializer.extend(stored)
    model.graph.node.extend(nodes)
    return model


def _in_8_bits(weights: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float32]] | None:
    """Whole numbers and the size of a step for each output channel, where that loses nothing."""
    rows = weights.reshape(len(weights), -1)
    steps = _steps(rows).reshape(-1, *[1] * (weights.ndim - 1))
    whole = np.round(weights / steps)
    if np.abs(whole * steps - weights).max() > EXACT * np.abs(weights).max():
        return None
    return whole.astype(np.int8), steps


def _steps(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """The largest step of which all numbers of a row are multiples, float32 (N,).

    Rewriting cuts kernels into parts, and the largest number may be in another part: what is left
    is still a whole number of steps. Where nothing fits, the step is a `LEVELS`th of the largest.
    """
    largest = np.maximum(np.abs(rows).max(axis=1), np.float32(1e-12))
    steps = largest / np.float32(LEVELS)
    open_rows = np.arange(len(rows))
    for levels in range(1, LEVELS + 1):
        tried = largest[open_rows] / np.float32(levels)
        parts = rows[open_rows] / tried[:, None]
        fits = np.abs(parts - np.round(parts)).max(axis=1) < WHOLE
        steps[open_rows[fits]] = tried[fits]
        open_rows = open_rows[~fits]
    return np.asarray(steps, np.float32)


def _difference(found: Arrays, expected: Arrays) -> float:
    """The largest, as a share of each output's largest number; infinite where shapes differ."""
    if any(found[name].shape != truth.shape for name, truth in expected.items()):
        return float("inf")
    gaps = [
        np.abs(found[name].astype(np.float64) - truth).max() / max(np.abs(truth).max(), 1e-6)
        for name, truth in expected.items()
        if truth.size
    ]
    return float(max(gaps, default=0.0))
