"""Clothing Co-Parsing in its own layout (Yang, Luo and Lin, CVPR 2014).

photos/NNNN.jpg
annotations/pixel-level/NNNN.mat    variable `groundtruth`: label ids, uint8 (H, W)
label_list.mat                      variable `label_list`: the 59 label names
"""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pix2seg.errors import DatasetError
from pix2seg.preprocess.dataset.prepare import Source
from pix2seg.preprocess.dataset.split import Split, split_of

NEAR_DUPLICATES = {
    "0722": "0594",
    "0730": "0183",
    "0990": "0907",
    "0984": "0078",
    "0732": "0692",
}
"""Photos that show almost the same picture: the second of a pair goes where the first goes."""


def read_label_names(path: Path) -> tuple[str, ...]:
    """The label names of `label_list.mat`, in id order.

    Raises:
        DatasetError: the file is missing or holds no `label_list`.
    """
    names = _read_variable(path, "label_list")
    return tuple(str(name[0]) for name in names.ravel())


def read_labels(path: Path) -> NDArray[np.uint8]:
    """The label map of one photo, uint8 (H, W).

    Raises:
        DatasetError: the file is missing or holds no `groundtruth`.
    """
    return np.asarray(_read_variable(path, "groundtruth"), np.uint8)


def ccp_sources(root: Path) -> list[Source]:
    """The photos of CCP that have pixel annotations, sorted by name.

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
        Source(f.stem, root / "photos" / f"{f.stem}.jpg", f, ccp_split_of(f.stem)) for f in labels
    ]


def ccp_split_of(name: str, val_share: float = 0.1) -> Split:
    """The side of the split that a photo of CCP belongs to; see `split_of`."""
    return split_of(NEAR_DUPLICATES.get(name, name), val_share)


def _read_variable(path: Path, name: str) -> NDArray[Any]:
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError

    try:
        variables = loadmat(path, variable_names=[name])
    except (OSError, ValueError, TypeError, NotImplementedError, MatReadError) as error:
        raise DatasetError(f"cannot read {path}: {error or 'the file is empty'}") from error
    if name not in variables:
        raise DatasetError(f"{path} holds no variable '{name}'; is it from CCP?")
    return np.asarray(variables[name])
