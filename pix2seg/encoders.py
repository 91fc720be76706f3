"""The names of the encoders that ImageNet taught, for settings that are read without PyTorch."""

from typing import Literal

EncoderName = Literal["efficientnet_lite0", "efficientnet_lite1", "efficientnet_lite2"]
"""See `pix2seg.efficientnet_lite`."""
