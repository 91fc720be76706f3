"""A generator that is ready to run: photos in, maps and probabilities out."""

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pix2seg.engines.base import Engine, Network, Precision, open_network
from pix2seg.generators.info import BUILT_IN, WeightsInfo, read_info

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import nn


class Prediction(NamedTuple):
    """What a generator gives for a batch of N photos.

    Attributes:
        map: RGB uint8 (N, H, W, 3).
        probabilities: of each class, float32 (N, classes, H, W), or None where the head has none.
        garments: logits of the garment kinds, float32 (N, kinds, h, w), coarser than the photos,
            or None where the generator names no garments.
        opinion: of each class, as the garment namer alone sees it, float32 (N, classes, h, w),
            coarser than the photos, or None where it has no say.
    """

    map: NDArray[np.uint8]
    probabilities: NDArray[np.float32] | None
    garments: NDArray[np.float32] | None
    opinion: NDArray[np.float32] | None


class Predictor:
    """A generator from a weights file.

    Args:
        weights: a safetensors or ONNX file; the generator in the box by default.
        engine: which engine is to run it.
        device: `auto`, `cpu`, `cuda`, `mps`, ...
        precision: what PyTorch computes in.

    Attributes:
        network: the generator in its engine.
        weights: its file.
        info: what the file says of itself.

    Raises:
        WeightsError: the weights cannot be used.
        Pix2SegError: the engine is not installed, or there is no such device.
    """

    def __init__(
        self,
        weights: Path | None = None,
        *,
        engine: Engine = "auto",
        device: str = "auto",
        precision: Precision = "auto",
    ) -> None:
        self.network: Network
        self.network, self.weights = open_network(
            weights, BUILT_IN, _load, engine=engine, device=device, precision=precision
        )
        metadata = self.network.metadata
        self.info: WeightsInfo = read_info(self.weights, metadata, metadata.get("source", ""))

    def predict(self, photos: NDArray[np.uint8]) -> Prediction:
        """Maps and probabilities of photos at network size, uint8 (N, H, W, 3)."""
        found = self.network.run(photos=photos)
        optional = (found.get(name) for name in Prediction._fields[1:])
        return Prediction(found["map"], *optional)


def _load(path: Path) -> "tuple[nn.Module, Mapping[str, str]]":
    from pix2seg.generators.inference import load

    return load(path)
