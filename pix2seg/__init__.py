"""From a photo of a dressed person to garment, skin and hair masks, cut-outs and palettes.

`__init__.pyi` names what is public; each name is imported when it is first used, so that
`import pix2seg` costs nothing.
"""

from pathlib import Path

import lazy_loader

__version__ = "0.2.0"

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

if not (Path(__file__).parent / "preprocess").is_dir():
    from pix2seg.checkout import find_folders

    find_folders()
