"""Clothing Co-Parsing in its own layout (Yang, Luo and Lin, CVPR 2014).

photos/NNNN.jpg
annotations/pixel-level/NNNN.mat    variable `groundtruth`: label ids, uint8 (H, W)
annotations/image-level/NNNN.mat    variable `tags`: the label ids of a photo that has no such map
label_list.mat                      variable `label_list`: the 59 label names
"""

import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pix2seg.errors import DatasetError
from pix2seg.limits import MAX_PIXELS
from pix2seg.preprocess.dataset.prepare import Source
from pix2seg.preprocess.dataset.split import FIRST_TENTH, Fold, Split, split_of

TAGS = "image-level"
"""The folder of the tags of photos that have no label map."""

NEAR_DUPLICATES = {
    "0722": "0594",
    "0730": "0183",
    "0990": "0907",
    "0984": "0078",
    "0732": "0692",
    "1707": "0025",
    "1691": "0220",
    "1074": "0403",
    "1715": "0538",
    "1913": "0643",
    "1611": "0719",
    "1694": "0906",
}
"""Photos that show almost the same picture: the second of a pair goes where the first goes."""


def read_label_names(path: Path) -> tuple[str, ...]:
    """The label names of `label_list.mat`, in id order.

    Raises:
        DatasetError: the file is missing or holds no `label_list`.
    """
    cells = _read_variable(path, "label_list")
    names = [str(np.ravel(cell)[0]) for cell in cells.ravel() if _is_text(cell)]
    if not names or len(names) != cells.size:
        raise DatasetError(f"{path} holds no list of label names; is it from CCP?")
    return tuple(names)


def read_labels(path: Path) -> NDArray[np.uint8]:
    """The label map of one photo, uint8 (H, W).

    Raises:
        DatasetError: the file is missing or holds no `groundtruth` of whole numbers from 0 to 255.
    """
    return _read_ids(path, "groundtruth")


def read_tags(path: Path) -> NDArray[np.uint8]:
    """The ids of the labels that a photo is tagged with, uint8 (tags,).

    Raises:
        DatasetError: the file is missing or holds no `tags` of whole numbers from 0 to 255.
    """
    return _read_ids(path, "tags").ravel()


def ccp_sources(root: Path, fold: Fold = FIRST_TENTH) -> list[Source]:
    """The photos of CCP that have pixel annotations, sorted by name.

    Args:
        root: CCP's folder.
        fold: the photos that validate.

    Raises:
        DatasetError: the folder is not laid out as CCP is.
    """
    annotations = root / "annotations" / "pixel-level"
    labels = sorted(annotations.glob("*.mat"))
    if not labels:
        raise DatasetError(
            f"{root} is not the CCP data set: no annotations/pixel-level/*.mat; get it from "
            "https://github.com/bearpaw/clothing-co-parsing"
        )
    return [
        Source(f.stem, root / "photos" / f"{f.stem}.jpg", f, ccp_split_of(f.stem, fold))
        for f in labels
    ]


def ccp_split_of(name: str, fold: Fold = FIRST_TENTH) -> Split:
    """The side of the split that a photo of CCP belongs to; see `split_of`."""
    return split_of(NEAR_DUPLICATES.get(name, name), fold)


def tagged_sources(root: Path, fold: Fold = FIRST_TENTH) -> list[Source]:
    """The photos of CCP that have tags alone, sorted by name, to train on; `labels` are the tags.

    Left out is what shows almost the same picture as a photo that validates.

    Args:
        root: CCP's folder.
        fold: the photos that validate.

    Raises:
        DatasetError: the folder has none.
    """
    tags = sorted((root / "annotations" / TAGS).glob("*.mat"))
    if not tags:
        raise DatasetError(f"{root} has no tagged photos: no annotations/{TAGS}/*.mat")
    return [
        Source(f.stem, root / "photos" / f"{f.stem}.jpg", f, "train")
        for f in tags
        if f.stem not in NEAR_DUPLICATES or ccp_split_of(f.stem, fold) == "train"
    ]


def _read_ids(path: Path, name: str) -> NDArray[np.uint8]:
    ids = _read_variable(path, name)
    if ids.ndim != 2 or ids.dtype.kind not in "buif":
        raise DatasetError(f"{path} holds no label map; is it from CCP?")
    if not ((ids >= 0) & (ids <= 255)).all() or (ids % 1).any():
        raise DatasetError(f"{path} holds labels that are no whole numbers from 0 to 255")
    return ids.astype(np.uint8)


def _is_text(cell: Any) -> bool:
    values = np.asarray(cell)
    return values.dtype.kind == "U" and values.size == 1


def _read_variable(path: Path, name: str) -> NDArray[Any]:
    from scipy.io import loadmat, whosmat

    if not path.is_file():
        raise DatasetError(f"{path} does not exist; is its folder CCP's?")
    try:
        shapes = {found: shape for found, shape, _ in whosmat(path)}
        pixels = math.prod(shapes.get(name, ()))
        variables = loadmat(path, variable_names=[name]) if pixels <= MAX_PIXELS else {}
    except Exception as error:  # whatever SciPy's reader stumbles over in a broken file
        raise DatasetError(f"cannot read {path}: {error or 'the file is empty'}") from error
    if pixels > MAX_PIXELS:
        raise DatasetError(f"{path} says that it holds {pixels / 1e6:.0f} million labels")
    if name not in variables:
        raise DatasetError(f"{path} holds no variable '{name}'; is it from CCP?")
    return np.asarray(variables[name])
