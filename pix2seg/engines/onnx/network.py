"""A network in ONNX Runtime."""

import ctypes
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import onnxruntime

from pix2seg.cores import thread_count
from pix2seg.errors import Pix2SegError, WeightsError

CPU = "CPUExecutionProvider"
CUDA = "CUDAExecutionProvider"
"""ONNX Runtime's names of what runs a network; where CUDA does not start, it takes the CPU."""

ERRORS_ONLY = 3
"""ONNX Runtime's log level; its warnings are for those who make graphs."""


class OnnxNetwork:
    """A network from an ONNX file; see `pix2seg.engines.base.Network`.

    A process that was forked from the one that opened it opens it anew, for ONNX Runtime's
    threads do not follow.

    Args:
        path: the file.
        device: `auto`, `cpu` or, where onnxruntime-gpu is installed, `cuda`, `cuda:1`, ...

    Raises:
        WeightsError: there is no such file, or no network in it.
        Pix2SegError: there is no such device, or it cannot be used.
    """

    engine = "onnx"

    def __init__(self, path: Path, device: str = "auto") -> None:
        if not path.is_file():
            raise WeightsError(f"no weights file {path}")
        self.device, self._providers = _providers(device)
        self._path = path
        self._open()
        if self.device != "cpu" and CUDA not in self._session.get_providers():
            if device != "auto":
                raise Pix2SegError(
                    f"onnxruntime-gpu cannot use '{device}' here; take cpu, or install the CUDA "
                    "and cuDNN that it was made for"
                )
            self.device, self._providers = _providers("cpu")
        self.metadata: Mapping[str, str] = self._session.get_modelmeta().custom_metadata_map
        self._outputs = [output.name for output in self._session.get_outputs()]

    def run(self, **inputs: Any) -> dict[str, Any]:
        """NumPy arrays by name, for NumPy arrays by name.

        Raises:
            WeightsError: the file takes something else than it is given.
        """
        if self._process != os.getpid():
            # To end the session of before the fork would wait for its threads for ever.
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(self._session))
            self._open()
        try:
            found = self._session.run(None, inputs)
        except ValueError as error:  # before anything ran: inputs that it does not take
            takes = ", ".join(entry.name for entry in self._session.get_inputs())
            raise WeightsError(
                f"{self._path} takes {takes}, not {', '.join(inputs)}; export the weights anew: "
                "pix2seg export"
            ) from error
        return dict(zip(self._outputs, found, strict=True))

    def _open(self) -> None:
        options = onnxruntime.SessionOptions()
        options.log_severity_level = ERRORS_ONLY
        options.intra_op_num_threads = thread_count()
        # Without an arena of its own, memory goes back after each run; `keep_freed_memory` makes
        # up for what that takes.
        options.enable_cpu_mem_arena = options.enable_mem_pattern = False
        # Threads that spin while they wait take the time of whatever else runs here.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            self._session = onnxruntime.InferenceSession(
                self._path, options, providers=self._providers
            )
        except Exception as error:  # onnxruntime's own kinds have no common base
            reason = str(error).splitlines()[0]
            raise WeightsError(f"{self._path} is not a whole ONNX file ({reason})") from error
        self._process = os.getpid()


def _providers(device: str) -> tuple[str, list[Any]]:
    available = onnxruntime.get_available_providers()
    kind, _, number = device.partition(":")
    if kind == "auto":
        kind = "cuda" if CUDA in available else "cpu"
    if kind == "cpu":
        return "cpu", [CPU]
    if kind == "cuda" and CUDA in available:
        name = f"cuda:{number}" if number else "cuda"
        return name, [(CUDA, {"device_id": number or "0"})]
    raise Pix2SegError(
        f"ONNX Runtime has no device '{device}' here; take cpu, or --engine torch, or install "
        "onnxruntime-gpu for cuda"
    )
