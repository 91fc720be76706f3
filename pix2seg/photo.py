"""The one reader: whatever a user calls a photo becomes upright sRGB pixels."""

import hashlib
import io
import os
import re
import stat
import struct
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageCms, UnidentifiedImageError

from pix2seg.errors import PhotoError, PhotoFormatError, PhotoSizeError, is_out_of_memory, reason_of
from pix2seg.limits import MAX_PIXELS

MAX_BYTES = 2**30
"""Of larger files no more is read, and they are refused; 100 megapixels of 16 bits take 600
million."""

SUFFIXES = {
    ".avif", ".bmp", ".gif", ".heic", ".heif", ".jfif", ".jpeg", ".jpg", ".png", ".tif", ".tiff",
    ".webp",
}  # fmt: skip
"""A file in a folder is taken for a photo if its name ends so, in either case."""

STANDARD_INPUT = "-"
"""The path of a photo that is read from standard input."""

PIPES = ("/dev/fd/", "/dev/stdin", "/proc/self/fd/")
"""Begin the paths of what a shell pipes into a program, which ends; others may wait for ever."""

FORMATS = (
    "AVIF", "BMP", "GIF", "HEIF", "JPEG", "JPEG2000", "MPO", "PNG", "PPM", "PSD", "TGA", "TIFF",
    "WEBP",
)  # fmt: skip
"""Formats whose header tells the size: others decode as they open (ICO) or run programs (EPS)."""

HEIC_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc")
"""One of these is among the first words of a file that an iPhone writes."""

ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://|data:", re.IGNORECASE)
"""Begins what is no file here."""

WHITE = (255, 255, 255)

TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What brings a photo upright, by EXIF's orientation; photos with any other are upright."""

TRANSPARENT = 127
"""Pixels with no more alpha count as transparent."""

STRIP = 256
"""Rows of a large photo that are taken over at a time."""

_opening = threading.Lock()


@dataclass(frozen=True, eq=False)
class Photo:
    """A photo as every later step takes it.

    Attributes:
        pixels: RGB uint8 (H, W, 3), upright, sRGB.
        alpha: how opaque each pixel is, uint8 (H, W), or None where the photo has no say.
        file: what it was called when it was read: by default the file's name, or "image".
        sha256: of the file's bytes; of width, height and pixels where there is no file.
    """

    pixels: NDArray[np.uint8] = field(repr=False)
    alpha: NDArray[np.uint8] | None = field(repr=False)
    file: str
    sha256: str

    @property
    def width(self) -> int:
        """Width in pixels."""
        return int(self.pixels.shape[1])

    @property
    def height(self) -> int:
        """Height in pixels."""
        return int(self.pixels.shape[0])

    @property
    def opaque(self) -> NDArray[np.bool_]:
        """Where the photo is more than half opaque, bool (H, W)."""
        if self.alpha is None:
            return np.ones(self.pixels.shape[:2], bool)
        return self.alpha > TRANSPARENT


class HasArray(Protocol):
    """What NumPy can make an array of, such as a tensor of PyTorch."""

    def __array__(self) -> NDArray[np.generic]:
        """Its values."""
        ...


PhotoSource = (
    str
    | os.PathLike[str]
    | bytes
    | bytearray
    | memoryview
    | BinaryIO
    | Image.Image
    | NDArray[np.generic]
    | HasArray
    | Photo
)
"""What `read_photo` takes."""

SOURCES = "a path, a file's bytes, a file open for reading, a PIL image or an array"
"""The same in words."""


def is_one_photo(source: object) -> bool:
    """Whether something is a single photo, as `read_photo` takes it, rather than many."""
    if hasattr(source, "__array__"):
        return np.ndim(source) in (2, 3)  # one dimension may hold paths, and four hold photos
    if isinstance(source, str | os.PathLike | bytes | bytearray | memoryview):
        return True
    return isinstance(source, Image.Image | Photo) or hasattr(source, "read")


def read_photo(
    source: PhotoSource, *, max_pixels: int = MAX_PIXELS, name: str | None = None
) -> Photo:
    """Read a photo and bring it to upright sRGB.

    EXIF orientation is applied, colour profiles are converted to sRGB, transparent pixels stand
    on white as in a shop's page, 16 bits become 8, and of an animation the first frame is taken.
    What Pillow warns of, such as EXIF data that it cannot read, is the caller's to hear.

    Args:
        source: a path, a file's bytes, a file open for reading them, a PIL image, or an array or
            what NumPy makes one of: uint8, uint16 or float in 0..1, of shape (H, W), (H, W, 3) or
            (H, W, 4). A photo that was read is taken as it is, but for another name.
        max_pixels: larger photos are refused before they are decoded.
        name: what to call the photo; by default the last part of its path.

    Raises:
        PhotoError: the photo cannot be read, or is nothing of this; the message names it.
    """
    if isinstance(source, Photo):
        return replace(source, file=name) if name else source
    if isinstance(source, str | os.PathLike):
        path = _path_of(source)
        shown = "standard input" if str(path) == STANDARD_INPUT else str(source)
        # Bytes that are no text stand in no JSON.
        called = path.name.encode(errors="backslashreplace").decode()
        return _from_bytes(file_bytes(path), name or called, max_pixels, shown)
    if isinstance(source, Image.Image):
        name = name or Path(getattr(source, "filename", "") or "image").name
        return _from_image(source, name, None, max_pixels)
    if isinstance(source, bytes | bytearray | memoryview):
        return _from_bytes(bytes(source), name or "image", max_pixels)
    if hasattr(source, "__array__"):
        return _from_image(_image_of_array(_array_of(source)), name or "image", None, max_pixels)
    if hasattr(source, "read"):
        name = name or _name_of(source)
        return _from_bytes(_bytes_in(source, name), name, max_pixels)
    raise PhotoError(f"{type(source).__name__} is no photo; give {SOURCES}")


def _path_of(source: str | os.PathLike[str]) -> Path:
    """The path that a user names.

    Raises:
        PhotoError: it is empty, an address, or bytes.
    """
    text = os.fspath(source)
    if not text:
        raise PhotoError("an empty name is no photo; give the path of a photo")
    if not isinstance(text, str):
        raise PhotoError("a path of bytes is no photo's; give it as text")
    if ADDRESS.match(text):
        raise PhotoError(f"{text[:80]} is an address; download it first, then give its file")
    return Path(text)


def _array_of(source: HasArray) -> NDArray[np.generic]:
    try:
        return np.asarray(source)
    except (TypeError, ValueError, RuntimeError) as error:  # on a GPU, or with a gradient
        reason = str(error).partition("\n")[0]
        raise PhotoError(f"this {type(source).__name__} gives no array: {reason}") from error


def _name_of(file: Any) -> str:
    """An open file's name without folders; that of what is none, or has a number, is `image`."""
    name = getattr(file, "name", None)
    return Path(name).name if isinstance(name, str) and name else "image"


def _bytes_in(file: Any, name: str) -> bytes:
    """What is left to read of an open file.

    Raises:
        PhotoError: it cannot be read, or gives text.
    """
    if isinstance(file, io.TextIOBase):
        raise PhotoError(f"{name} is open as text; open it in binary mode, as open(file, 'rb')")
    try:
        return read_bounded(file, name)
    except (OSError, ValueError, TypeError) as error:
        raise PhotoError(f"cannot read {name}: {str(error).lower()}") from error


def file_bytes(path: Path) -> bytes:
    """A photo's file as it is.

    Raises:
        PhotoError: it cannot be read.
    """
    if str(path) == STANDARD_INPUT:
        if sys.stdin is None:  # as Python has it where a shell closed it
            raise PhotoError("standard input is closed; pipe a photo in, or name a file")
        return _bytes_in(sys.stdin.buffer, "standard input")
    try:
        kind = path.stat().st_mode
        if stat.S_ISDIR(kind):
            raise PhotoError(f"{path} is a folder, not a photo")
        if not (stat.S_ISREG(kind) or (stat.S_ISFIFO(kind) and str(path).startswith(PIPES))):
            raise PhotoError(f"{path} is a device or a pipe, not a photo")
        with path.open("rb") as file:
            return read_bounded(file, str(path))
    except FileNotFoundError:
        raise PhotoError(f"{path} does not exist") from None
    except OSError as error:
        raise PhotoError(f"cannot read {path}: {reason_of(error)}") from error
    except ValueError as error:  # a NUL in the name
        raise PhotoError(f"cannot read {path}: {error}") from error


def read_bounded(file: BinaryIO, name: str) -> bytes:
    """All that a file holds, unless that is more than `MAX_BYTES`.

    Args:
        file: open for reading.
        name: what to call it.

    Raises:
        PhotoSizeError: the file is larger; no more of it is read.
    """
    parts: list[bytes] = []
    left = MAX_BYTES
    while part := file.read(2**20):
        left -= len(part)
        if left < 0:
            raise PhotoSizeError(f"{name} has more than {MAX_BYTES / 1e9:.1f} GB, too much to read")
        parts.append(part)
    return b"".join(parts)


def _from_bytes(data: bytes, name: str, max_pixels: int, shown: str | None = None) -> Photo:
    shown = shown or name
    if not data:
        raise PhotoError(f"{shown} is empty")
    with _decoding(shown):
        image = _open(data)
    with image:
        return _from_image(image, name, data, max_pixels, shown)


@contextmanager
def _decoding(shown: str) -> Iterator[None]:
    """Whatever Pillow's decoders say of a file becomes one PhotoError."""
    try:
        yield
    except PhotoFormatError as error:
        raise PhotoFormatError(f"{shown}: {error}") from None
    except UnidentifiedImageError:
        raise PhotoFormatError(
            f"{shown} is not a photo in a format known here ({', '.join(FORMATS)})"
        ) from None
    except Exception as error:  # each decoder raises its own kind for a broken file
        if is_out_of_memory(error):
            raise
        raise PhotoError(f"{shown} is broken or cut off ({error})") from error


def _open(data: bytes) -> Image.Image:
    if data[4:8] == b"ftyp" and any(brand in data[8:40] for brand in HEIC_BRANDS):
        register_heic()
    with _any_size():
        Image.preinit()  # the usual formats: to import all takes longer than to read a photo
        try:
            return _identify(data)
        except UnidentifiedImageError:
            Image.init()
            return _identify(data)


@contextmanager
def _any_size() -> Iterator[None]:
    """Set Pillow's own limit aside, for ours is checked as soon as the header is read.

    It is a global of Pillow's, so one thread at a time does.
    """
    with _opening:
        limit = Image.MAX_IMAGE_PIXELS
        Image.MAX_IMAGE_PIXELS = None
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS = limit


def _identify(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data), formats=[f for f in FORMATS if f in Image.OPEN])


def register_heic() -> None:
    """Let HEIC photos be read, as iPhones take them.

    Raises:
        PhotoFormatError: pillow-heif, which reads them, is not installed.
    """
    try:
        from pillow_heif import register_heif_opener
    except ImportError:
        raise PhotoFormatError(
            "HEIC photos need pillow-heif: pip install pillow-heif, or save the photo as JPEG"
        ) from None
    register_heif_opener()


def _from_image(
    image: Image.Image, name: str, data: bytes | None, max_pixels: int, shown: str | None = None
) -> Photo:
    shown = shown or name
    count = image.width * image.height
    if not count:
        raise PhotoError(f"{shown} has no pixels")
    if count > max_pixels:
        raise PhotoSizeError(
            f"{shown} has {round(count / 1e6, 3):g} megapixels, more than the limit of "
            f"{max_pixels / 1e6:g}; raise --max-pixels if it is no trap"
        )
    with _decoding(shown):
        # Of these Pillow compares the size with its limit a second time.
        with _any_size() if image.format in ("TIFF", "MPO") else nullcontext():
            image.load()
        upright = _upright(image)
    rgb, alpha = _to_srgb(upright)
    pixels = _pixels_of(rgb)
    opacity = None if alpha is None else np.asarray(alpha, np.uint8)
    if data is None:
        data = f"{pixels.shape[1]}x{pixels.shape[0]}:".encode() + pixels.tobytes()
    return Photo(pixels, opacity, name, hashlib.sha256(data).hexdigest())


def _upright(image: Image.Image) -> Image.Image:
    """The image turned as its EXIF data says; as it is where they cannot be read."""
    try:
        orientation = image.getexif().get(ExifTags.Base.Orientation)
    except (SyntaxError, ValueError, struct.error):
        return image
    # Pillow's own exif_transpose also writes the other tags anew, and fails on odd ones.
    return image.transpose(TURNS[orientation]) if orientation in TURNS else image


def _pixels_of(image: Image.Image) -> NDArray[np.uint8]:
    """An RGB image's pixels, uint8 (H, W, 3), in strips: Pillow hands them over as three copies."""
    pixels = np.empty((image.height, image.width, 3), np.uint8)
    for top in range(0, image.height, STRIP):
        bottom = min(top + STRIP, image.height)
        pixels[top:bottom] = np.asarray(image.crop((0, top, image.width, bottom)))
    return pixels


def _image_of_array(array: NDArray[np.generic]) -> Image.Image:
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[..., 0]
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (3, 4)):
        raise PhotoError(
            f"an array of shape {array.shape} is no photo; give (H, W), (H, W, 3) or (H, W, 4)"
        )
    if np.issubdtype(array.dtype, np.uint16):  # of either byte order
        array = _eight_bits(array, 65535)
    elif np.issubdtype(array.dtype, np.floating):
        if not (array.min(initial=0) >= 0 and array.max(initial=0) <= 1):  # so that NaN fails too
            raise PhotoError("an array of floats must lie in 0..1; divide it by 255 first")
        array = _eight_bits(array, 1.0)
    elif array.dtype != np.uint8:
        raise PhotoError(f"an array of {array.dtype} is no photo; give uint8, uint16 or floats")
    return Image.fromarray(np.ascontiguousarray(array))


def _eight_bits(values: NDArray[np.generic], top: float) -> NDArray[np.uint8]:
    """Values of 0..`top` as uint8, in strips: as floats a large photo would fill the memory."""
    rounded = np.empty(values.shape, np.uint8)
    for start in range(0, len(values), STRIP):
        strip = slice(start, start + STRIP)
        rounded[strip] = np.clip(values[strip].astype(float) / top * 255 + 0.5, 0, 255)
    return rounded


def _to_srgb(image: Image.Image) -> tuple[Image.Image, Image.Image | None]:
    """8-bit RGB in sRGB, and alpha if there is one, from an image of any mode."""
    if image.mode in ("I;16", "I;16B", "I;16L", "I", "F"):
        image = _grey_8_bit(image)
    if image.mode == "P":
        image = image.convert("RGBA" if "transparency" in image.info else "RGB")
    elif image.mode == "La":
        image = image.convert("LA")
    elif image.mode in ("PA", "RGBa") or "transparency" in image.info:
        image = image.convert("RGBA")
    alpha = image.getchannel("A") if image.mode in ("LA", "RGBA") else None
    if alpha is not None:
        image = image.convert(image.mode[:-1])
    converted = _apply_profile(image)
    if converted.mode != "RGB":  # or it would be copied
        converted = converted.convert("RGB")
    if alpha is None:
        return converted, None
    page = Image.new("RGB", image.size, WHITE)
    page.paste(converted, mask=alpha)
    return page, alpha


def _grey_8_bit(image: Image.Image) -> Image.Image:
    """Mode L, or LA where one grey stands for transparent, from more than 8 bits."""
    values = np.asarray(image)
    if image.mode == "F":
        values = np.nan_to_num(values)
    if image.mode == "F" and values.max(initial=0) <= 1:
        top = 1.0
    elif image.mode in ("I", "F") and values.max(initial=0) <= 255:
        top = 255.0
    else:
        top = 65535.0
    grey = Image.fromarray(_eight_bits(values, top))
    grey.info = {k: v for k, v in image.info.items() if k == "icc_profile"}
    if "transparency" in image.info:
        opaque = values != image.info["transparency"]
        grey.putalpha(Image.fromarray(opaque.astype(np.uint8) * 255))
    return grey


def _apply_profile(image: Image.Image) -> Image.Image:
    """The image in sRGB; one with a profile that is broken or made for another mode unchanged."""
    profile = image.info.get("icc_profile")
    lab = image.mode == "LAB"  # which is a profile of its own, and Pillow converts it no other way
    if not lab and (not profile or image.mode not in ("RGB", "L", "CMYK")):
        return image
    try:
        source = (
            ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))
            if lab
            else ImageCms.ImageCmsProfile(io.BytesIO(profile or b""))
        )
        converted = ImageCms.profileToProfile(
            image, source, ImageCms.createProfile("sRGB"), outputMode="RGB"
        )
    except (ImageCms.PyCMSError, OSError, ValueError):
        return image
    return converted or image
