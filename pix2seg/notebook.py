"""How a notebook shows pictures."""

import io
from base64 import b64encode

from PIL import Image

from pix2seg.saving import PNG_LEVEL


def png(image: Image.Image) -> bytes:
    """A picture as a PNG file's bytes."""
    file = io.BytesIO()
    image.save(file, "PNG", compress_level=PNG_LEVEL)
    return file.getvalue()


def html(*images: Image.Image) -> str:
    """Pictures side by side, all in the text itself."""
    shown = (b64encode(png(image)).decode() for image in images)
    return "".join(
        f'<img src="data:image/png;base64,{text}" style="height: 24em; margin: 4px">'
        for text in shown
    )
