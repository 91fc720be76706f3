"""From a photo of a dressed person to garment, skin and hair masks, cut-outs and palettes."""

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pix2seg.classes import Scheme, load_scheme
    from pix2seg.errors import Pix2SegError
    from pix2seg.photo import Photo, read_photo
    from pix2seg.result import Segmentation
    from pix2seg.segmenter import Segmenter

__all__ = [
    "Photo",
    "Pix2SegError",
    "Scheme",
    "Segmentation",
    "Segmenter",
    "load_scheme",
    "read_photo",
]

_HOMES = {
    "Photo": "photo",
    "Pix2SegError": "errors",
    "Scheme": "classes",
    "Segmentation": "result",
    "Segmenter": "segmenter",
    "load_scheme": "classes",
    "read_photo": "photo",
}

_folder = Path(__file__).parent
if not (_folder / "preprocess").is_dir():
    # A checkout keeps preprocess and train beside this folder; an installation moves them in.
    # Python started in the checkout finds this folder first, and must find them too.
    __path__.append(str(_folder.parent))


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used, so that `import pix2seg` costs nothing."""
    if name in _HOMES:
        return getattr(import_module(f"pix2seg.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'pix2seg' has no attribute '{name}'")
