import os
import subprocess
import sys

import pytest
import torch

from pix2seg.device import autocast

ASK = """
import torch
from pix2seg.device import autocast

with autocast(torch.device("cpu")):
    print(torch.is_autocast_enabled("cpu"))
"""


def test_fp32_keeps_from_bfloat16() -> None:
    with autocast(torch.device("cpu"), "fp32"):
        assert not torch.is_autocast_enabled("cpu")


@pytest.mark.skipif(sys.platform != "linux", reason="oneDNN reads the variable on x86")
def test_bfloat16_is_left_alone_where_onednn_may_not_use_it() -> None:
    environment = {**os.environ, "ONEDNN_MAX_CPU_ISA": "AVX2"}
    answer = subprocess.run(
        [sys.executable, "-c", ASK], env=environment, capture_output=True, text=True, check=True
    )
    assert answer.stdout.strip() == "False"
