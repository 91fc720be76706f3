"""GrabCut (Rother, Kolmogorov and Blake 2004) from OpenCV: no weights, one rectangle."""

import cv2
import numpy as np
from numpy.typing import NDArray

from pix2seg.preprocess.fit import Box
from pix2seg.preprocess.person.base import Person, check_inside

WORKING_SIDE = 320
"""The photo's longer side while GrabCut works; its time grows with the number of pixels."""

CENTRAL = (0.1, 0.03, 0.9, 0.99)
"""The default rectangle in shares of the photo: fashion photos show one person, centred."""

ITERATIONS = 5


class GrabCut:
    """Separates what is in a rectangle from what is around it by colour.

    Args:
        box: the rectangle around the person in pixels of the photo; by default a central one.
    """

    version = f"grabcut opencv {cv2.__version__}"

    def __init__(self, box: Box | None = None) -> None:
        self.box = box

    def find(self, pixels: NDArray[np.uint8]) -> Person:
        """The foreground. Its score is 1: GrabCut does not say how sure it is.

        Raises:
            PersonError: the rectangle shows nothing of the photo.
        """
        height, width = pixels.shape[:2]
        scale = min(1.0, WORKING_SIDE / max(width, height))
        size = max(round(width * scale), 1), max(round(height * scale), 1)
        small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
        mask = _cut(np.asarray(small, np.uint8), self._shares(width, height))
        if mask is None:
            return Person.nobody(pixels.shape)
        full = cv2.resize(mask.astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR)
        return Person.from_mask(np.asarray(full) >= 0.5, 1.0)

    def _shares(self, width: int, height: int) -> tuple[float, float, float, float]:
        if self.box is None:
            return CENTRAL
        check_inside(self.box, (height, width))
        x0, y0, x1, y1 = self.box
        return x0 / width, y0 / height, x1 / width, y1 / height


def _cut(
    pixels: NDArray[np.uint8], shares: tuple[float, float, float, float]
) -> NDArray[np.bool_] | None:
    """The foreground in the rectangle, or None where the photo leaves no room in or around it."""
    height, width = pixels.shape[:2]
    x0, x1 = (min(max(round(share * width), 0), width) for share in shares[::2])
    y0, y1 = (min(max(round(share * height), 0), height) for share in shares[1::2])
    labels = np.full((height, width), cv2.GC_BGD, np.uint8)
    labels[y0:y1, x0:x1] = cv2.GC_PR_FGD
    probable = labels == cv2.GC_PR_FGD
    # GrabCut fits five Gaussians to each side and stops with an error on fewer samples.
    if min(probable.sum(), (~probable).sum()) < 5:
        return None
    cv2.setRNGSeed(0)  # the Gaussians start from k-means, which draws random centres
    models = np.zeros((1, 65)), np.zeros((1, 65))
    bgr = np.ascontiguousarray(pixels[..., ::-1])
    cv2.grabCut(bgr, labels, (0, 0, 0, 0), *models, ITERATIONS, cv2.GC_INIT_WITH_MASK)
    return np.asarray((labels == cv2.GC_FGD) | (labels == cv2.GC_PR_FGD))
