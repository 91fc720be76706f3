"""U2-Net (Qin et al. 2020, arXiv 2005.09007) with random weights, in the sizes that rembg runs.

How long a network takes does not depend on its weights. `u2netp` has 1.1 M parameters and sees
320x320 pixels; `isnet` (Qin et al. 2022, arXiv 2203.03041) has 44 M and sees 1024x1024.
"""

from pathlib import Path
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Convolution(nn.Sequential):
    def __init__(self, inputs: int, outputs: int, dilation: int = 1, stride: int = 1) -> None:
        super().__init__(
            nn.Conv2d(inputs, outputs, 3, stride, padding=dilation, dilation=dilation),
            nn.BatchNorm2d(outputs),
            nn.ReLU(),
        )


def enlarged(features: Tensor, like: Tensor) -> Tensor:
    return F.interpolate(features, like.shape[2:], mode="bilinear")


class Block(nn.Module):
    """A small U-Net of some depth added to what comes in; flat ones dilate instead of halving."""

    def __init__(self, depth: int, inputs: int, inner: int, outputs: int, flat: bool) -> None:
        super().__init__()
        self.flat = flat
        self.first = Convolution(inputs, outputs)
        widths = [outputs] + [inner] * (depth - 1)
        reach = [2**i if flat else 1 for i in range(depth)]
        self.down = nn.ModuleList(Convolution(widths[i], inner, reach[i]) for i in range(depth - 1))
        self.bottom = Convolution(inner, inner, reach[-1] if flat else 2)
        self.up = nn.ModuleList(
            Convolution(2 * inner, outputs if i == 0 else inner, reach[i]) for i in range(depth - 1)
        )

    def forward(self, features: Tensor) -> Tensor:
        first = self.first(features)
        skips = [self.down[0](first)]
        for down in list(self.down)[1:]:
            inner = skips[-1] if self.flat else F.max_pool2d(skips[-1], 2, 2, ceil_mode=True)
            skips.append(down(inner))
        inner = self.bottom(skips[-1])
        for up, skip in zip(reversed(self.up), reversed(skips), strict=True):
            inner = up(torch.cat([enlarged(inner, skip), skip], 1))
        return cast(Tensor, first + inner)


class U2Net(nn.Module):
    """Six stages down, five up, and a mask from each.

    Args:
        widths: inner and outer channels of each stage, down and then up.
        stem: channels of a first convolution that halves the photo, 0 for none.
    """

    def __init__(self, widths: list[tuple[int, int]], stem: int) -> None:
        super().__init__()
        self.stem = Convolution(3, stem, stride=2) if stem else None
        shapes = [(7, False), (6, False), (5, False), (4, False), (4, True), (4, True)]
        inputs = [stem or 3] + [outer for _, outer in widths[:5]]
        self.down = nn.ModuleList(
            Block(depth, count, *widths[i], flat)
            for i, ((depth, flat), count) in enumerate(zip(shapes, inputs, strict=True))
        )
        self.up = nn.ModuleList()
        below = widths[5][1]
        for i, (depth, flat) in enumerate(reversed(shapes[:5])):
            self.up.append(Block(depth, below + widths[4 - i][1], *widths[6 + i], flat))
            below = widths[6 + i][1]
        outers = [outer for _, outer in widths[5:]]
        self.sides = nn.ModuleList(nn.Conv2d(outer, 1, 3, padding=1) for outer in outers)
        self.join = nn.Conv2d(len(outers), 1, 1)

    def forward(self, photo: Tensor) -> Tensor:
        features = [self.down[0](self.stem(photo) if self.stem else photo)]
        for down in list(self.down)[1:]:
            features.append(down(F.max_pool2d(features[-1], 2, 2, ceil_mode=True)))
        seen = [features.pop()]
        for up, skip in zip(self.up, reversed(features), strict=True):
            seen.append(up(torch.cat([enlarged(seen[-1], skip), skip], 1)))
        masks = [enlarged(side(s), photo) for side, s in zip(self.sides, seen, strict=True)]
        return cast(Tensor, self.join(torch.cat(masks, 1)).sigmoid())


NETWORKS = {
    "u2netp": ([(16, 64)] * 11, 0, 320),
    "isnet": (
        [
            *[(32, 64), (32, 128), (64, 256), (128, 512), (256, 512), (256, 512)],
            *[(256, 512), (128, 256), (64, 128), (32, 64), (16, 64)],
        ],
        64,
        1024,
    ),
}


def export_random(name: str, folder: Path) -> tuple[Path, int, int]:
    """An ONNX file with random weights, its parameters and the side of the photos it takes."""
    widths, stem, side = NETWORKS[name]
    torch.manual_seed(0)
    network = U2Net(widths, stem).eval()
    path = folder / f"{name}.onnx"
    torch.onnx.export(
        network,
        (torch.zeros(1, 3, side, side),),
        path,
        input_names=["photo"],
        opset_version=17,
        dynamo=False,
    )
    return path, sum(p.numel() for p in network.parameters()), side
