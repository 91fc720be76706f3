"""Which photos train and which judge: drawn by name, so that adding photos moves none."""

import hashlib
from typing import Literal, get_args

Split = Literal["train", "val"]

SPLITS: tuple[Split, ...] = get_args(Split)


def split_of(name: str, val_share: float = 0.1) -> Split:
    """The side of the split that a photo belongs to.

    Args:
        name: the photo's name without folder and extension, such as "0594".
        val_share: the share of photos that validate, 0..1.

    Returns:
        "train" or "val", the same on every machine and in every run. A larger `val_share` only
        moves photos from "train" to "val".
    """
    digest = hashlib.sha256(name.encode(errors="surrogateescape")).digest()
    draw = int.from_bytes(digest[:8], "big") / 2**64
    return "val" if draw < val_share else "train"
