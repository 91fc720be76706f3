import hashlib
import io
import struct
import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from pix2seg.errors import PhotoError
from pix2seg.photo import read_photo

EXIF_ORIENTATION = 0x0112

TO_ORIENTATION = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}
"""How a camera that writes each orientation has turned the picture."""


def picture(width: int = 30, height: int = 20) -> Image.Image:
    """A smooth picture whose corners all differ."""
    x, y = np.meshgrid(np.linspace(40, 200, width), np.linspace(40, 200, height))
    return Image.fromarray(np.dstack([x, y, (x + y) / 2]).astype(np.uint8))


def encoded(image: Image.Image, format: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def difference(data: bytes, expected: Image.Image) -> int:
    pixels = read_photo(data).pixels.astype(int)
    return int(np.abs(pixels - np.asarray(expected.convert("RGB"), int)).max())


def display_p3_profile() -> bytes:
    """A minimal ICC profile of Display P3: matrix from Apple's, gamma 2.2 in place of its curve."""

    def fixed(value: float) -> bytes:
        return struct.pack(">i", round(value * 65536))

    def xyz(x: float, y: float, z: float) -> bytes:
        return b"XYZ \0\0\0\0" + fixed(x) + fixed(y) + fixed(z)

    curve = b"curv\0\0\0\0" + struct.pack(">IH", 1, round(2.2 * 256)) + b"\0\0"
    text = b"desc\0\0\0\0" + struct.pack(">I", 3) + b"P3\0" + b"\0" * 79
    tags = {
        b"desc": text + b"\0" * (-len(text) % 4),
        b"cprt": b"text\0\0\0\0none",
        b"wtpt": xyz(0.9642, 1.0, 0.8249),
        b"rXYZ": xyz(0.51512, 0.2412, -0.00105),
        b"gXYZ": xyz(0.29198, 0.69225, 0.04189),
        b"bXYZ": xyz(0.1571, 0.06657, 0.78407),
        b"rTRC": curve,
        b"gTRC": curve,
        b"bTRC": curve,
    }
    offset = 128 + 4 + 12 * len(tags)
    table, body = struct.pack(">I", len(tags)), b""
    for name, value in tags.items():
        table += name + struct.pack(">II", offset + len(body), len(value))
        body += value
    header = struct.pack(">I4sI4s4s4s", 0, b"none", 0x02100000, b"mntr", b"RGB ", b"XYZ ")
    header += struct.pack(">6H", 2024, 1, 1, 0, 0, 0) + b"acsp" + b"\0" * 28
    header += fixed(0.9642) + fixed(1.0) + fixed(0.8249)
    header += b"\0" * (128 - len(header))
    size = len(header) + len(table) + len(body)
    return struct.pack(">I", size) + header[4:] + table + body


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(orientation: int) -> None:
    upright = picture()
    turned = upright
    if orientation > 1:
        turned = upright.transpose(TO_ORIENTATION[orientation])
    exif = Image.Exif()
    exif[EXIF_ORIENTATION] = orientation
    photo = read_photo(encoded(turned, "PNG", exif=exif))
    assert (photo.width, photo.height) == upright.size
    assert np.array_equal(photo.pixels, np.asarray(upright))


@pytest.mark.parametrize(
    ("format", "options", "tolerance"),
    [
        ("PNG", {}, 0),
        ("BMP", {}, 0),
        ("TIFF", {}, 0),
        ("TIFF", {"compression": "tiff_lzw"}, 0),
        ("WEBP", {"lossless": True}, 0),
        ("JPEG", {"quality": 95, "subsampling": 0}, 6),
        ("JPEG", {"quality": 95, "subsampling": 0, "progressive": True}, 6),
    ],
)
def test_common_formats(format: str, options: dict[str, object], tolerance: int) -> None:
    assert difference(encoded(picture(), format, **options), picture()) <= tolerance


def test_cmyk() -> None:
    cmyk = picture().convert("CMYK")
    assert difference(encoded(cmyk, "TIFF"), cmyk) == 0
    assert difference(encoded(cmyk, "JPEG", quality=95), picture()) <= 12


@pytest.mark.parametrize("format", ["PNG", "TIFF"])
def test_grey_of_8_and_16_bits(format: str) -> None:
    grey = np.asarray(picture().convert("L"))
    for image in (Image.fromarray(grey), Image.fromarray(grey.astype(np.uint16) * 257)):
        photo = read_photo(encoded(image, format))
        assert np.array_equal(photo.pixels, np.dstack([grey] * 3))


def test_one_bit() -> None:
    bits = np.array([[0, 255, 0], [255, 0, 255]], np.uint8)
    photo = read_photo(encoded(Image.fromarray(bits).convert("1"), "PNG"))
    assert np.array_equal(photo.pixels[..., 0], bits)


def test_transparent_pixels_stand_on_white() -> None:
    rgba = picture().convert("RGBA")
    alpha = np.zeros((20, 30), np.uint8)
    alpha[:10] = 255
    rgba.putalpha(Image.fromarray(alpha))
    for image in (rgba, rgba.convert("LA")):
        pixels = read_photo(encoded(image, "PNG")).pixels
        assert (pixels[10:] == 255).all()
        assert np.array_equal(pixels[:10], np.asarray(image.convert("RGB"))[:10])


def test_palette_with_and_without_transparency() -> None:
    image = picture().quantize(16)
    assert difference(encoded(image, "PNG"), image) == 0
    pixels = read_photo(encoded(image, "PNG", transparency=3)).pixels
    indices = np.asarray(image)
    assert (pixels[indices == 3] == 255).all()
    assert np.array_equal(pixels[indices != 3], np.asarray(image.convert("RGB"))[indices != 3])


@pytest.mark.parametrize("format", ["GIF", "PNG", "WEBP"])
def test_first_frame_of_an_animation(format: str) -> None:
    frames = [Image.new("RGB", (8, 8), color) for color in ("red", "blue")]
    options = {"lossless": True} if format == "WEBP" else {}
    data = encoded(frames[0], format, save_all=True, append_images=frames[1:], **options)
    assert (read_photo(data).pixels == (255, 0, 0)).all()


@pytest.mark.parametrize("size", [(1, 1), (20, 30), (1600, 100)])
def test_odd_sizes(size: tuple[int, int]) -> None:
    photo = read_photo(encoded(picture(*size), "PNG"))
    assert (photo.width, photo.height) == size


def test_display_p3_becomes_srgb() -> None:
    colors = np.array([[[200, 100, 100], [100, 180, 120], [90, 110, 190], [128, 128, 128]]])
    p3_to_srgb = np.array(
        [[1.22494, -0.22494, 0], [-0.042057, 1.042057, 0], [-0.019638, -0.078636, 1.098274]]
    )
    linear = (colors / 255) ** 2.2 @ p3_to_srgb.T
    expected = 255 * np.where(
        linear <= 0.0031308, 12.92 * linear, 1.055 * np.maximum(linear, 0) ** (1 / 2.4) - 0.055
    )
    image = Image.fromarray(colors.astype(np.uint8))
    converted = read_photo(encoded(image, "PNG", icc_profile=display_p3_profile())).pixels
    assert np.abs(converted - expected).max() <= 2
    assert np.abs(converted - colors.astype(int)).max() > 5


def test_srgb_and_broken_profiles_change_nothing() -> None:
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for profile in (srgb, b"not a profile", display_p3_profile()[:200]):
        assert difference(encoded(picture(), "PNG", icc_profile=profile), picture()) <= 1


def test_arrays() -> None:
    rgb = np.asarray(picture())
    same = [rgb, rgb.astype(np.uint16) * 257, rgb / 255, (rgb / 255).astype(np.float32)]
    for array in same:
        assert np.array_equal(read_photo(array).pixels, rgb)
    grey = rgb[..., 0]
    for array in (grey, grey[..., None]):
        assert np.array_equal(read_photo(array).pixels, np.dstack([grey] * 3))
    clear = np.dstack([rgb, np.zeros_like(grey)])
    assert (read_photo(clear).pixels == 255).all()


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((4, 4, 2), np.uint8),
        np.zeros((1, 4, 4, 3), np.uint8),
        np.zeros(4, np.uint8),
        np.zeros((4, 4, 3), np.int64),
        np.full((4, 4, 3), 255.0),
        np.full((4, 4, 3), np.nan),
        np.zeros((0, 4, 3), np.uint8),
    ],
)
def test_arrays_that_are_no_photos_are_refused(array: np.ndarray) -> None:
    with pytest.raises(PhotoError) as error:
        read_photo(array)
    assert "\n" not in str(error.value)


def test_same_bytes_same_photo(photos: list[Path]) -> None:
    data = photos[0].read_bytes()
    by_path, by_bytes = read_photo(photos[0]), read_photo(data)
    assert by_path.sha256 == by_bytes.sha256 == hashlib.sha256(data).hexdigest()
    assert np.array_equal(by_path.pixels, by_bytes.pixels)
    assert (by_path.file, by_bytes.file) == (photos[0].name, "image")
    from_image, from_array = read_photo(Image.open(photos[0])), read_photo(by_path.pixels)
    assert from_image.sha256 == from_array.sha256
    assert from_image.file == photos[0].name


def test_names_in_any_script(photos: list[Path], tmp_path: Path) -> None:
    path = tmp_path / "ein Mädchen – 写真.jpg"
    path.write_bytes(photos[0].read_bytes())
    assert read_photo(path).file == path.name


def broken_files(photo: bytes) -> dict[str, bytes]:
    png, webp = encoded(picture(), "PNG"), encoded(picture(90, 90), "WEBP")
    tiff, gif = encoded(picture(), "TIFF"), encoded(picture(), "GIF")
    return {
        "empty.jpg": b"",
        "text.jpg": b"Dear customer, please find attached ...",
        "cut.jpg": photo[: len(photo) // 2],
        "header.jpg": photo[:20],
        "cut.png": png[: len(png) // 2],
        "header.png": png[:33],
        "cut.webp": webp[: len(webp) // 2],
        "cut.tif": tiff[: len(tiff) // 2],
        "cut.gif": gif[: len(gif) // 2],
    }


def test_broken_files_are_named(photos: list[Path], tmp_path: Path) -> None:
    for name, data in broken_files(photos[0].read_bytes()).items():
        path = tmp_path / name
        path.write_bytes(data)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            with pytest.raises(PhotoError) as error:
                read_photo(path)
        assert name in str(error.value)
        assert "\n" not in str(error.value)


def test_missing_file_and_folder_are_named(tmp_path: Path) -> None:
    with pytest.raises(PhotoError, match=r"gone\.jpg does not exist"):
        read_photo(tmp_path / "gone.jpg")
    (tmp_path / "folder.jpg").mkdir()
    with pytest.raises(PhotoError, match=r"folder\.jpg is a folder"):
        read_photo(tmp_path / "folder.jpg")


def test_limit_is_checked_before_decoding_and_can_be_raised() -> None:
    bomb = encoded(Image.new("1", (20_000, 10_000)), "PNG")
    before = Image.MAX_IMAGE_PIXELS
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(PhotoError, match=r"200 megapixels.*--max-pixels"):
            read_photo(bomb)
        photo = read_photo(bomb, max_pixels=200_000_000)
    assert photo.width == 20_000
    assert before == Image.MAX_IMAGE_PIXELS
    # A header alone may claim anything: it is refused, not decoded.
    lying = bytearray(encoded(picture(), "BMP"))
    lying[18:26] = struct.pack("<ii", 100_000, 100_000)
    with pytest.raises(PhotoError, match="10000 megapixels"):
        read_photo(bytes(lying))
