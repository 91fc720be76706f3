"""How a notebook shows pictures."""

from base64 import b64encode

from PIL import Image

from pix2seg.files import encode_png

HEIGHT = 800
"""Of the pictures, in pixels, if they are larger: a notebook shows them half as high."""


def html(*images: Image.Image) -> str:
    """Pictures side by side, all in the text itself."""
    shown = (b64encode(png(image)).decode() for image in images)
    return "".join(
        f'<img src="data:image/png;base64,{text}" style="height: 24em; margin: 4px">'
        for text in shown
    )


def png(image: Image.Image) -> bytes:
    """A picture as a PNG file's bytes."""
    return encode_png(_shrunk(image))


def _shrunk(image: Image.Image) -> Image.Image:
    if image.height <= HEIGHT:
        return image
    width = max(round(image.width * HEIGHT / image.height), 1)
    return image.resize((width, HEIGHT), Image.Resampling.BOX)
