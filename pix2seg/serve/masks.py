"""Masks that a client drew: which pixels count, or which class or garment each pixel has."""

from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pix2seg.serve.problems import Problem

if TYPE_CHECKING:
    from pix2seg.classes import Scheme
    from pix2seg.photo import Photo
    from pix2seg.result import Segmentation


def drawn(
    photo: "Photo", mask: bytes | None, garments: bytes | None, scheme: "Scheme"
) -> "Segmentation":
    """The segmentation of a photo whose mask, and perhaps its garments, a client drew.

    Raises:
        Problem: there is no mask, or one does not suit.
    """
    from pix2seg.colors.photo_colors import NO_MODEL
    from pix2seg.garments import FIRST_GARMENT, Kinds, kinds
    from pix2seg.preprocess.person import Person
    from pix2seg.result import Segmentation

    ids = class_ids(photo, mask, scheme)
    named = None
    if garments is not None:
        of_kind = class_ids(photo, garments, kinds())
        named = Kinds(of_kind, np.where(of_kind >= FIRST_GARMENT, 255, 0).astype(np.uint8))
    return Segmentation(
        photo=photo,
        drawing=lambda: scheme.colors[ids],
        mask=ids,
        scheme=scheme,
        person=Person.nobody(ids.shape),
        model=NO_MODEL,
        seconds=0.0,
        quality=1.0,
        review=None,
        naming=None if named is None else lambda: named,
    )


def counted_pixels(photo: "Photo", mask: bytes | None) -> NDArray[np.bool_]:
    """Where a mask is opaque and not 0; without one, where the photo is opaque; bool (H, W).

    Raises:
        Problem: the mask cannot be read or has another size.
    """
    if mask is None:
        return photo.opaque
    return np.asarray(_read_mask(photo, mask).any(axis=2))


def class_ids(photo: "Photo", mask: bytes | None, scheme: "Scheme") -> NDArray[np.uint8]:
    """The class id of each pixel, uint8 (H, W): a mask's values, or its map colours.

    Raises:
        Problem: there is no mask, or it cannot be read, has another size, or holds other values.
    """
    if mask is None:
        raise Problem("bad-request", "classes=true needs a mask; send one as a file named 'mask'")
    values = _read_mask(photo, mask)
    if values.shape[2] == 1:
        if values.max(initial=0) >= len(scheme):
            raise Problem(
                "bad-request",
                f"the mask has the value {values.max()}; the classes are 0 to {len(scheme) - 1}",
            )
        return values[..., 0]
    ids = np.full(values.shape[:2], 255, np.uint8)
    for class_id, color in enumerate(scheme.colors):
        ids[(values == color).all(axis=2)] = class_id
    if (ids == 255).any():
        raise Problem(
            "bad-request",
            "the mask has colours that are no class; send class ids in grey, or the exact colours "
            "of /v1/info",
        )
    return ids


def _read_mask(photo: "Photo", mask: bytes) -> NDArray[np.uint8]:
    """A mask's values, uint8 (H, W, 1), or colours, uint8 (H, W, 3); 0 where it is transparent."""
    from PIL import Image

    from pix2seg.colors.photo_colors import mask_values

    size = photo.width, photo.height
    try:
        image = Image.open(BytesIO(mask), formats=["PNG"])
        if image.size == size:
            image.load()
    except Exception:  # each decoder raises its own kind for a broken file
        raise Problem(
            "bad-request", "the mask cannot be read; send an indexed, grey or RGB PNG"
        ) from None
    if image.size != size:
        raise Problem(
            "bad-request",
            f"the mask is {image.width}x{image.height}, the photo {photo.width}x{photo.height}; "
            "send a mask of the photo's upright size",
        )
    try:
        return mask_values(image)
    except ValueError as error:
        raise Problem("bad-request", f"the mask has {error}; send 8-bit PNG") from None
