import pytest
import torch

from pix2seg.errors import OutputError, PhotoError, enough_memory
from pix2seg.photo import read_photo


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError("DefaultCPUAllocator: can't allocate memory"),
        torch.OutOfMemoryError("CUDA out of memory"),
        RuntimeError("[ONNXRuntimeError] : 6 : Status Message: std::bad_alloc"),
        RuntimeError("bfc_arena.cc:376 Failed to allocate memory for requested buffer of size 9"),
    ],
)
def test_a_photo_for_which_memory_does_not_suffice_is_named(error: Exception) -> None:
    with pytest.raises(PhotoError, match=r"in/a.jpg needs more memory"), enough_memory("in/a.jpg"):
        raise error


@pytest.mark.parametrize("error", [TypeError, KeyboardInterrupt, OSError, OutputError])
def test_whatever_else_goes_wrong_is_raised_as_it_is(error: type[BaseException]) -> None:
    with pytest.raises(error), enough_memory("in/a.jpg"):
        raise error


def test_a_file_may_be_called_as_if_memory_had_run_out() -> None:
    with pytest.raises(PhotoError, match="does not exist"), enough_memory("in/a.jpg"):
        read_photo("in/out of memory.jpg")
