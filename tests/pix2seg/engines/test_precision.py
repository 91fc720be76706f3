import os
import subprocess
import sys

import pytest
import torch

from pix2seg.device import autocast
from pix2seg.engines.base import Precision

ASK = """
import torch
from pix2seg.device import autocast

with autocast(torch.device("cpu")):
    print(torch.is_autocast_enabled("cpu"))
"""


@pytest.mark.parametrize(("precision", "used"), [("auto", True), ("fp32", False)])
def test_fp32_keeps_from_bfloat16(
    monkeypatch: pytest.MonkeyPatch, precision: Precision, used: bool
) -> None:
    monkeypatch.setattr("pix2seg.device.multiplies_bfloat16", lambda device: True)
    with autocast(torch.device("cpu"), precision):
        assert torch.is_autocast_enabled("cpu") is used


@pytest.mark.skipif(sys.platform != "linux", reason="oneDNN reads the variable on x86")
def test_bfloat16_is_left_alone_where_onednn_may_not_use_it() -> None:
    environment = {**os.environ, "ONEDNN_MAX_CPU_ISA": "AVX2"}
    answer = subprocess.run(
        [sys.executable, "-c", ASK], env=environment, capture_output=True, text=True, check=True
    )
    assert answer.stdout.strip() == "False"
