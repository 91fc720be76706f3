"""Which values occur in an array."""

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Values = TypeVar("Values", bound=np.integer)


def distinct(values: NDArray[Values]) -> NDArray[Values]:
    """The values that occur, from the least to the largest, (N,).

    As `numpy.unique`, which imports NumPy's masked arrays first and takes three times as long.
    """
    ordered = np.sort(values, axis=None)
    first = np.ones(len(ordered), bool)
    first[1:] = ordered[1:] != ordered[:-1]
    return ordered[first]
