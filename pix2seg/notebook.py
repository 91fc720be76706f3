"""How a notebook shows pictures."""

from base64 import b64encode

from PIL import Image

from pix2seg.files import encode_png


def html(*images: Image.Image) -> str:
    """Pictures side by side, all in the text itself."""
    shown = (b64encode(encode_png(image)).decode() for image in images)
    return "".join(
        f'<img src="data:image/png;base64,{text}" style="height: 24em; margin: 4px">'
        for text in shown
    )
