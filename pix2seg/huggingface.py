"""What Hugging Face's image-segmentation pipelines give, of our results."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pix2seg.garments import BODY

if TYPE_CHECKING:
    from pix2seg.result import Segmentation


def labelled_masks(result: "Segmentation") -> list[dict[str, Any]]:
    """Label, score and mask of each thing; see `Segmentation.to_pipeline`."""
    things: list[tuple[str, float | None, NDArray[np.bool_]]] = []
    if result.kinds:
        things = [(g.kind, g.score, g.mask) for g in result.garments()]
    names = result.scheme.names
    classes = BODY if result.kinds else names
    things += [(name, None, result.where(name)) for name in classes[1:] if name in names]
    return [
        {"label": label, "score": score, "mask": Image.fromarray(mask.astype(np.uint8) * 255)}
        for label, score, mask in things
        if mask.any()
    ]
