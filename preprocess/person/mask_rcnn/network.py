"""A small Mask R-CNN (He et al. 2017, arXiv 1703.06870), composed from torchvision's parts.

torchvision's own has 44 M parameters and wants photos of 800 pixels. One person who fills much
of the photo is an easier task: an EfficientNet-Lite, a pyramid on strides 8 to 32 and narrow heads
do it at 288x432. Masks are read from the finest level at 28x28 and come out at 56x56, twice the
standard, because a standing person is 250 pixels tall here and only a few wide at the ankles.
"""

from collections import OrderedDict

import torch
from torch import Tensor, nn
from torchvision.models.detection import MaskRCNN
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor, TwoMLPHead
from torchvision.models.detection.mask_rcnn import MaskRCNNHeads, MaskRCNNPredictor
from torchvision.models.detection.rpn import RPNHead
from torchvision.models.detection.transform import GeneralizedRCNNTransform
from torchvision.ops import FeaturePyramidNetwork, MultiScaleRoIAlign

from pix2seg.efficientnet_lite import DEVIATION, MEAN, EfficientNetLite
from pix2seg.encoders import EncoderName

LEVELS = ["8", "16", "32"]
"""The pyramid's levels, named by their strides."""

ANCHOR_SIZES = ((24, 48), (80, 120), (170, 240))
"""Square roots of the anchors' areas on each level."""

ANCHOR_RATIOS = ((0.7, 1.5, 2.7),) * len(LEVELS)
"""Heights over widths: from seated to standing."""


class Backbone(nn.Module):
    """An encoder, and a feature pyramid on its strides 8 to 32."""

    def __init__(self, encoder: EncoderName, pyramid: int) -> None:
        super().__init__()
        self.body = EfficientNetLite(encoder)
        channels = self.body.channels[-len(LEVELS) :]
        self.fpn = FeaturePyramidNetwork(channels, pyramid, norm_layer=nn.BatchNorm2d)
        self.out_channels = pyramid

    def forward(self, images: Tensor) -> OrderedDict[str, Tensor]:
        """The pyramid of (N, 3, H, W) images, in float32 as the RoI operators want it."""
        features = self.body(images.contiguous(memory_format=torch.channels_last))
        levels = OrderedDict(zip(LEVELS, features[-len(LEVELS) :], strict=True))
        return OrderedDict((level, feature.float()) for level, feature in self.fpn(levels).items())


class _AsItIs(GeneralizedRCNNTransform):  # type: ignore[misc]
    """Normalises and batches; the callers have resized."""

    def resize(
        self, image: Tensor, target: dict[str, Tensor] | None = None
    ) -> tuple[Tensor, dict[str, Tensor] | None]:
        return image, target


# Boxes are decoded from these two heads' outputs, and bfloat16, as autocast gives it in
# training, is too coarse for pixels.
class _ProposalHead(RPNHead):  # type: ignore[misc]
    def forward(self, x: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        logits, deltas = super().forward(x)
        return [t.float() for t in logits], [t.float() for t in deltas]


class _BoxPredictor(FastRCNNPredictor):  # type: ignore[misc]
    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        logits, deltas = super().forward(x)
        return logits.float(), deltas.float()


def build_network(
    *, encoder: EncoderName, pyramid: int, box_head: int, mask_head: int, mask_layers: int
) -> MaskRCNN:
    """The network with fresh weights; it takes RGB tensors (3, H, W), float32, 0..1.

    Args:
        encoder: the backbone's.
        pyramid: channels of the feature pyramid.
        box_head: width of the box head's two layers.
        mask_head: channels of the mask head.
        mask_layers: how many convolutions the mask head has.
    """
    network = MaskRCNN(
        Backbone(encoder, pyramid),
        rpn_anchor_generator=AnchorGenerator(ANCHOR_SIZES, ANCHOR_RATIOS),
        rpn_head=_ProposalHead(pyramid, len(ANCHOR_SIZES[0]) * len(ANCHOR_RATIOS[0])),
        rpn_pre_nms_top_n_train=400,
        rpn_pre_nms_top_n_test=200,
        rpn_post_nms_top_n_train=200,
        rpn_post_nms_top_n_test=60,
        rpn_batch_size_per_image=128,
        box_roi_pool=MultiScaleRoIAlign(LEVELS, 7, 2, canonical_scale=112),
        box_head=TwoMLPHead(pyramid * 7 * 7, box_head),
        box_predictor=_BoxPredictor(box_head, 2),
        box_batch_size_per_image=32,
        box_positive_fraction=0.125,  # four: masks of eight were half of a training step
        box_detections_per_img=12,
        mask_roi_pool=MultiScaleRoIAlign(LEVELS[:1], 28, 1),
        mask_head=MaskRCNNHeads(pyramid, [mask_head] * mask_layers, 1, norm_layer=nn.BatchNorm2d),
        mask_predictor=MaskRCNNPredictor(mask_head, mask_head, 2),
    )
    network.transform = _AsItIs(0, 0, image_mean=[MEAN] * 3, image_std=[DEVIATION] * 3)
    return network.to(memory_format=torch.channels_last)
