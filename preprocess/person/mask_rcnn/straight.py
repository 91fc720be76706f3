"""Our Mask R-CNN at work, in a straight line: torchvision's results from a third of the operators.

torchvision's own inference serves batches of photos, any number of classes and training, and traces
to 1,600 ONNX nodes, which take ONNX Runtime longer to set up than three photos take to look at.
One photo and one class need few of them.
"""

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.models.detection._utils import _topk_min
from torchvision.ops import nms, roi_align

STRIDES = (8, 16, 32)
"""Of the pyramid's levels."""

LEAST_PROPOSAL, LEAST_BOX = 1e-3, 1e-2
"""Boxes with a shorter side, in pixels, show nobody."""

BOX_WEIGHTS = (10.0, 10.0, 5.0, 5.0)
"""How much larger than pixels the box head's corrections are written, as in Faster R-CNN."""


class StraightMaskRCNN(nn.Module):
    """A Mask R-CNN between a uint8 photo and what `Detector` reads.

    Args:
        network: of `build_network`, set to evaluation; it goes on to own its layers and settings.
    """

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.network = network
        self.rpn, self.heads = network.rpn, network.roi_heads
        cells = torch.stack(self.rpn.anchor_generator.cell_anchors)  # around 0
        self.anchors = cells[..., 2:] - cells[..., :2]  # (levels, anchors, 2)

    def forward(self, photo: Tensor) -> dict[str, Tensor]:
        """Boxes, labels, scores and masks for a photo, uint8 (H, W, 3)."""
        size = torch._shape_as_tensor(photo)[:2]  # so traced, both sides stay free
        limits = size.flip(0).repeat(2).to(photo.device, torch.float32)
        features = self._pyramid(self._normalised(photo))
        proposals = self._propose(features, limits)
        boxes, scores = self._decide(features, proposals, limits)
        masks = _pasted(self._outline(features[0], boxes), boxes, size)
        labels = torch.ones_like(scores, dtype=torch.int64)
        return {"boxes": boxes, "labels": labels, "scores": scores, "masks": masks[:, None]}

    def _normalised(self, photo: Tensor) -> Tensor:
        """(1, 3, H, W), with sides that the strides divide."""
        transform = self.network.transform
        image = photo.permute(2, 0, 1).float() / 255
        mean, deviation = (
            torch.tensor(values, device=photo.device)[:, None, None]
            for values in (transform.image_mean, transform.image_std)
        )
        down, across = (-side % STRIDES[-1] for side in photo.shape[:2])
        return F.pad(((image - mean) / deviation)[None], (0, across, 0, down))

    def _pyramid(self, image: Tensor) -> list[Tensor]:
        """Features on each stride, from an image with sides that the strides divide."""
        pyramid = self.network.backbone.fpn
        *finer, coarsest = self.network.backbone.body(image)[-len(STRIDES) :]
        joined = [pyramid.inner_blocks[-1](coarsest)]
        for feature, inner in zip(finer[::-1], list(pyramid.inner_blocks)[-2::-1], strict=True):
            joined.insert(0, inner(feature) + F.interpolate(joined[0], scale_factor=2.0))
        return [outer(level) for level, outer in zip(joined, pyramid.layer_blocks, strict=True)]

    def _propose(self, features: list[Tensor], limits: Tensor) -> Tensor:
        """Boxes that may show somebody, (R, 4), the surest first."""
        wanted, indices, columns, scores, levels = [], [], [], [], []
        for number, (logits, deltas) in enumerate(zip(*self.rpn.head(features), strict=True)):
            flat = logits[0].permute(1, 2, 0).reshape(-1)
            best, index = flat.topk(_topk_min(flat, self.rpn.pre_nms_top_n(), 0))
            wanted.append(deltas[0].permute(1, 2, 0).reshape(-1, 4)[index])
            indices.append(index)
            columns.append(torch._shape_as_tensor(logits)[3:].to(index.device))
            scores.append(best)
            levels.append(torch.full_like(index, number))
        score, level = torch.cat(scores).sigmoid(), torch.cat(levels)
        center, size = self._anchors(torch.cat(indices), level, torch.cat(columns))
        found = _clipped(_decoded(torch.cat(wanted), center, size), limits)
        kept = torch.where(_shorter_side(found) >= LEAST_PROPOSAL)[0]
        found = found[kept]
        # Levels are set side by side, so that boxes of one level never rule out another's.
        aside = (level[kept] * (limits.max() + 1))[:, None]
        best_first = nms(found + aside, score[kept], self.rpn.nms_thresh)
        return found[best_first[: self.rpn.post_nms_top_n()]]

    def _anchors(self, index: Tensor, level: Tensor, columns: Tensor) -> tuple[Tensor, Tensor]:
        """Centre and size, (R, 2) each, of anchors.

        Args:
            index: (R,), of each among its level's, which follow each other by rows, columns and
                anchors of a place.
            level: (R,), each one's.
            columns: (levels,), how many places side by side a level has.
        """
        sizes = self.anchors.to(index.device)
        place = torch.div(index, sizes.shape[1], rounding_mode="trunc")
        row = torch.div(place, columns[level], rounding_mode="trunc")
        strides = torch.tensor(STRIDES, device=index.device)[level]
        center = torch.stack([place - row * columns[level], row], 1) * strides[:, None]
        return center, sizes[level, index - place * sizes.shape[1]]

    def _decide(
        self, features: list[Tensor], proposals: Tensor, limits: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Boxes of people, (P, 4), and how sure each is, (P,), the surest first."""
        heads, pool = self.heads, self.heads.box_roi_pool
        sides = proposals[:, 2:] - proposals[:, :2]
        extent = sides.prod(1).sqrt() / pool.canonical_scale
        level = (pool.canonical_level + extent.log2() + 1e-6).floor() - 3
        level = level.clamp(0, len(STRIDES) - 1)
        groups = [torch.where(level == number)[0] for number in range(len(STRIDES))]
        regions = F.pad(proposals, (1, 0))  # all of photo 0
        views = [
            roi_align(feature, regions[group], pool.output_size, 1 / stride, pool.sampling_ratio)
            for feature, group, stride in zip(features, groups, STRIDES, strict=True)
        ]
        proposals = proposals[torch.cat(groups)]
        logits, deltas = heads.box_predictor(heads.box_head(torch.cat(views)))
        sides = proposals[:, 2:] - proposals[:, :2]
        deltas = deltas[:, 4:] / torch.tensor(BOX_WEIGHTS, device=deltas.device)
        boxes = _clipped(_decoded(deltas, proposals[:, :2] + sides / 2, sides), limits)
        scores = logits.softmax(1)[:, 1]
        sure = scores > heads.score_thresh
        kept = torch.where(sure & (_shorter_side(boxes) >= LEAST_BOX))[0]
        boxes, scores = boxes[kept], scores[kept]
        best_first = nms(boxes, scores, heads.nms_thresh)[: heads.detections_per_img]
        return boxes[best_first], scores[best_first]

    def _outline(self, feature: Tensor, boxes: Tensor) -> Tensor:
        """How sure each cell of a box is to show the person, (P, m, m)."""
        heads, pool = self.heads, self.heads.mask_roi_pool
        regions = F.pad(boxes, (1, 0))
        views = roi_align(feature, regions, pool.output_size, 1 / STRIDES[0], pool.sampling_ratio)
        masks: Tensor = heads.mask_predictor(heads.mask_head(views))
        return masks[:, 1].sigmoid()


def _decoded(deltas: Tensor, center: Tensor, size: Tensor) -> Tensor:
    """Boxes, (N, 4), from boxes with some (N, 2) centre and size, and corrections, (N, 4)."""
    most = math.log(1000 / 16)  # as torchvision: exp of more would be no box
    middle = deltas[:, :2] * size + center
    half = deltas[:, 2:].clamp(max=most).exp() * size / 2
    return torch.cat([middle - half, middle + half], 1)


def _clipped(boxes: Tensor, limits: Tensor) -> Tensor:
    return torch.minimum(boxes.clamp(min=0), limits)


def _shorter_side(boxes: Tensor) -> Tensor:
    return (boxes[:, 2:] - boxes[:, :2]).amin(1)


def _pasted(masks: Tensor, boxes: Tensor, size: Tensor) -> Tensor:
    """Masks of boxes, (P, m, m), brought to the photo, (P, H, W): smooth inside, 0 outside.

    As torchvision does it, a mask fills its box and has a rim of zeros, one cell wide, around it.
    Along each axis a pixel blends the two cells that are nearest, which is a product of matrices.
    """
    cells = int(masks.shape[-1])  # so traced, it is a constant
    center, half = (boxes[:, :2] + boxes[:, 2:]) / 2, (boxes[:, 2:] - boxes[:, :2]) / 2
    half = half * ((cells + 2) / cells)
    low, high = (center - half).long(), (center + half).long()
    counts = (high - low + 1).clamp(min=1)
    across, down = (_blend(low[:, axis], counts[:, axis], size[1 - axis], cells) for axis in (0, 1))
    return down @ masks @ across.transpose(1, 2)


def _blend(low: Tensor, count: Tensor, length: Tensor, cells: int) -> Tensor:
    """What each cell counts in each pixel along an axis, (P, length, cells).

    Args:
        low: (P,), the first pixel of each person's cells and their rim.
        count: (P,), how many pixels those take.
        length: of the axis, in pixels.
        cells: without the rim.
    """
    pixel = torch.arange(length, device=low.device)  # type: ignore[call-overload]  # it may
    position = (pixel - low[:, None] + 0.5) * ((cells + 2) / count[:, None]) - 0.5
    cell = torch.arange(1, cells + 1, device=low.device)  # 0 and cells + 1 are the rim's
    counts: Tensor = (1 - (position[..., None] - cell).abs()).clamp(min=0)
    return counts
