import hashlib
import io
import os
import struct
import warnings
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image, ImageCms, ImageFile, features

from pix2seg.errors import PhotoError, PhotoSizeError
from pix2seg.photo import read_photo

EXIF_ORIENTATION = 0x0112

D50 = (0.9642, 1.0, 0.8249)
"""The white that all ICC profiles refer to."""

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


def icc_profile(kind: bytes, space: bytes, connection: bytes, tags: dict[bytes, bytes]) -> bytes:
    """An ICC profile of version 2 with the least a profile must have, and these tags."""
    text = b"desc\0\0\0\0" + struct.pack(">I", 5) + b"test\0" + b"\0" * 78
    tags = {b"desc": text, b"cprt": b"text\0\0\0\0none", b"wtpt": xyz(*D50), **tags}
    offset = 128 + 4 + 12 * len(tags)
    table, body = struct.pack(">I", len(tags)), b""
    for name, value in tags.items():
        table += name + struct.pack(">II", offset + len(body), len(value))
        body += value + b"\0" * (-len(value) % 4)
    header = struct.pack(">4sI4s4s4s", b"none", 0x02100000, kind, space, connection)
    header += struct.pack(">6H", 2024, 1, 1, 0, 0, 0) + b"acsp" + b"\0" * 28 + fixed(*D50)
    header += b"\0" * (124 - len(header))
    return struct.pack(">I", 128 + len(table) + len(body)) + header + table + body


def fixed(*values: float) -> bytes:
    return b"".join(struct.pack(">i", round(value * 65536)) for value in values)


def xyz(x: float, y: float, z: float) -> bytes:
    return b"XYZ \0\0\0\0" + fixed(x, y, z)


def curve(gamma: float) -> bytes:
    return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256))


def display_p3_profile() -> bytes:
    """Display P3: matrix from Apple's, gamma 2.2 in place of its curve."""
    tags = {
        b"rXYZ": xyz(0.51512, 0.2412, -0.00105),
        b"gXYZ": xyz(0.29198, 0.69225, 0.04189),
        b"bXYZ": xyz(0.1571, 0.06657, 0.78407),
        **dict.fromkeys([b"rTRC", b"gTRC", b"bTRC"], curve(2.2)),
    }
    return icc_profile(b"mntr", b"RGB ", b"XYZ ", tags)


def linear_grey_profile() -> bytes:
    return icc_profile(b"mntr", b"GRAY", b"XYZ ", {b"kTRC": curve(1)})


def cmyk_profile() -> bytes:
    """A strange printer: its first ink is a middle grey, any other a full black."""
    straight = bytes(range(256))
    paper_and_inks = [(255, 128, 128)] + [(0, 128, 128)] * 15  # L*, a*, b* of each corner
    paper_and_inks[8] = (128, 128, 128)  # the first ink varies least often
    lut = b"mft1\0\0\0\0" + bytes([4, 3, 2, 0]) + fixed(1, 0, 0, 0, 1, 0, 0, 0, 1)
    lut += straight * 4 + bytes(v for lab in paper_and_inks for v in lab) + straight * 3
    return icc_profile(b"prtr", b"CMYK", b"Lab ", {b"A2B0": lut})


def difference(data: bytes, expected: Image.Image) -> int:
    pixels = read_photo(data).pixels.astype(int)
    return int(np.abs(pixels - np.asarray(expected.convert("RGB"), int)).max())


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
    deep = Image.fromarray(np.asarray(turned.convert("L")).astype(np.uint16) * 257)
    grey = read_photo(encoded(deep, "PNG", exif=exif)).pixels
    assert np.array_equal(grey[..., 0], np.asarray(upright.convert("L")))


@pytest.mark.parametrize(
    "exif", [b"Exif\0\0garbage", b"MM\0*", b"Exif\0\0II*\0\x08\0\0\0\x05\0\x12\x01"]
)
@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP"])
@pytest.mark.filterwarnings("ignore")
def test_broken_exif_is_ignored(format: str, exif: bytes) -> None:
    assert difference(encoded(picture(), format, quality=95, exif=exif), picture()) <= 12


@pytest.mark.parametrize(
    "resolution",
    [
        struct.pack("<HI4sI", 2, 4, b"abc", 0),  # in letters
        struct.pack("<HIIIii", 10, 1, 38, 0, -1, 1),  # negative, its value after the two tags
    ],
)
def test_odd_tags_do_not_keep_a_photo_from_being_turned(resolution: bytes) -> None:
    orientation = struct.pack("<HHII", EXIF_ORIENTATION, 3, 1, 6)
    tags = orientation + struct.pack("<H", 282) + resolution
    exif = b"Exif\0\0II*\0" + struct.pack("<IH", 8, 2) + tags
    turned = picture().transpose(Image.Transpose.ROTATE_90)
    assert difference(encoded(turned, "JPEG", quality=95, exif=exif), picture()) <= 12


def test_warnings_are_left_to_the_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    # Filters belong to the whole process: changed in one thread, they change in all.
    monkeypatch.delattr(warnings, "catch_warnings")
    before = warnings.filters.copy()
    read_photo(encoded(picture(), "JPEG"))
    assert warnings.filters == before


def test_our_own_faults_are_not_the_photo_s(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: object) -> None:
        raise TypeError("a bug")

    monkeypatch.setattr("pix2seg.photo._apply_profile", fail)
    with pytest.raises(TypeError, match="a bug"):
        read_photo(encoded(picture(), "PNG"))


def test_too_little_memory_is_not_the_photo_s_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: object) -> None:
        raise MemoryError

    monkeypatch.setattr("pix2seg.photo.Image.Image.getexif", fail)
    with pytest.raises(MemoryError):
        read_photo(encoded(picture(), "PNG"))


def test_lab_pictures_are_converted() -> None:
    muted = Image.new("RGB", (8, 8), (120, 90, 60))
    lab = ImageCms.profileToProfile(
        muted, ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), outputMode="LAB"
    )
    assert lab is not None
    assert difference(encoded(lab, "TIFF"), muted) <= 4


def test_only_files_and_the_shell_s_pipes_are_read(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo.jpg"
    os.mkfifo(fifo)
    for path in (fifo, Path("/dev/zero"), Path("/dev/null")):
        with pytest.raises(PhotoError, match="is a device or a pipe"):
            read_photo(path)
    data = encoded(picture(8, 8), "PNG")
    reading, writing = os.pipe()
    os.write(writing, data)
    os.close(writing)
    try:
        assert read_photo(f"/dev/fd/{reading}").sha256 == hashlib.sha256(data).hexdigest()
    finally:
        os.close(reading)


def test_file_that_is_too_large_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "sparse.jpg"
    with path.open("wb") as file:
        file.truncate(2**40)
    monkeypatch.setattr("pix2seg.photo.MAX_BYTES", 3 * 2**20)
    with pytest.raises(PhotoSizeError, match=r"sparse\.jpg has more than"):
        read_photo(path)


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


@pytest.mark.parametrize("format", ["TIFF", "JPEG"])
def test_cmyk_with_a_profile(format: str) -> None:
    for ink, grey in (((0, 0, 0, 0), 255), ((255, 0, 0, 0), 119), ((0, 255, 0, 0), 0)):
        image = Image.new("CMYK", (16, 16), ink)
        pixels = read_photo(encoded(image, format, icc_profile=cmyk_profile())).pixels
        assert np.abs(pixels.astype(int) - grey).max() <= 3


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
        premultiplied = image.convert("La" if image.mode == "LA" else "RGBa")
        for source in (encoded(image, "PNG"), encoded(image, "TIFF"), image, premultiplied):
            photo = read_photo(source)
            assert (photo.pixels[10:] == 255).all()
            assert np.array_equal(photo.pixels[:10], np.asarray(image.convert("RGB"))[:10])
            assert np.array_equal(photo.alpha, alpha)
    assert read_photo(picture()).alpha is None


def test_half_transparent_pixels_mix_with_white() -> None:
    for image in (Image.new("RGBA", (2, 2), (100, 0, 200, 51)), Image.new("LA", (2, 2), (100, 51))):
        pixel = read_photo(encoded(image, "PNG")).pixels[0, 0]
        expected = np.array(image.convert("RGB").getpixel((0, 0))) * 0.2 + 255 * 0.8
        assert np.abs(pixel - expected).max() <= 1


@pytest.mark.parametrize("deep", [False, True])
def test_one_grey_may_stand_for_transparent(deep: bool) -> None:
    grey = np.array([[10, 20], [20, 30]], np.uint16 if deep else np.uint8)
    data = encoded(Image.fromarray(grey * (257 if deep else 1)), "PNG")
    key = 20 * 257 if deep else 20  # Pillow writes no such chunk into 16 bits
    chunk = b"tRNS" + struct.pack(">H", key)
    chunk = struct.pack(">I", 2) + chunk + struct.pack(">I", zlib.crc32(chunk))
    photo = read_photo(data[:33] + chunk + data[33:])
    assert photo.pixels[..., 0].tolist() == [[10, 255], [255, 30]]
    assert photo.alpha is not None
    assert photo.alpha.tolist() == [[255, 0], [0, 255]]


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


@pytest.mark.parametrize("mode", ["RGBA", "P"])
def test_profile_holds_beside_alpha_and_palette(mode: str) -> None:
    image, profile = Image.new("RGB", (4, 4), (200, 100, 100)), display_p3_profile()
    expected = read_photo(encoded(image, "PNG", icc_profile=profile)).pixels
    other = encoded(image.convert(mode, palette=Image.Palette.ADAPTIVE), "PNG", icc_profile=profile)
    assert np.array_equal(read_photo(other).pixels, expected)


def test_grey_profile() -> None:
    grey = np.array([[0, 55, 255]])
    for image in (grey.astype(np.uint8), grey.astype(np.uint16) * 257):
        data = encoded(Image.fromarray(image), "PNG", icc_profile=linear_grey_profile())
        assert np.abs(read_photo(data).pixels[0] - np.array([[0], [128], [255]])).max() <= 2


@pytest.mark.parametrize("profile", [display_p3_profile(), cmyk_profile()])
def test_profile_for_another_mode_is_ignored(profile: bytes) -> None:
    image = picture().convert("L")
    assert difference(encoded(image, "PNG", icc_profile=profile), image) == 0


def test_srgb_and_broken_profiles_change_nothing() -> None:
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for profile in (srgb, b"not a profile", display_p3_profile()[:200]):
        assert difference(encoded(picture(), "PNG", icc_profile=profile), picture()) <= 1


def test_arrays() -> None:
    rgb = np.asarray(picture())
    deep = rgb.astype(np.uint16) * 257
    same = [rgb, deep, deep.astype(">u2"), rgb / 255, (rgb / 255).astype(np.float32)]
    same += [np.asfortranarray(rgb), rgb[:, ::-1][:, ::-1]]
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
        np.zeros((4, 4), bool),
        np.full((4, 4, 3), 255.0),
        np.full((4, 4, 3), -0.1),
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


def test_a_name_that_is_no_text_is_told_in_escapes(photos: list[Path], tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"caf\xe9.jpg")
    path.write_bytes(photos[0].read_bytes())
    assert read_photo(path).file == r"caf\udce9.jpg"


def test_names_in_any_script(photos: list[Path], tmp_path: Path) -> None:
    path = tmp_path / "ein Mädchen – 写真.jpg"
    path.write_bytes(photos[0].read_bytes())
    assert read_photo(path).file == read_photo(str(path)).file == path.name


def test_turned_phone_photo_equals_the_upright_one(photos: list[Path], tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[EXIF_ORIENTATION] = 6
    with Image.open(photos[0]) as image:
        image.transpose(TO_ORIENTATION[6]).save(tmp_path / "turned.png", exif=exif)
        assert np.array_equal(read_photo(tmp_path / "turned.png").pixels, np.asarray(image))


def broken_files(photo: bytes) -> dict[str, bytes]:
    png, webp = encoded(picture(), "PNG"), encoded(picture(90, 90), "WEBP")
    avif = encoded(picture(90, 90), "AVIF") if features.check("avif") else b"no AVIF here"
    tiff, gif = encoded(picture(), "TIFF"), encoded(picture(), "GIF")
    return {
        "empty.jpg": b"",
        "text.jpg": b"Dear customer, please find attached ...",
        "cut.jpg": photo[: len(photo) // 2],
        "header.jpg": photo[:20],
        "cut.png": png[: len(png) // 2],
        "header.png": png[:33],
        "cut.webp": webp[: len(webp) // 2],
        "cut.avif": avif[: len(avif) // 2],
        "cut.tif": tiff[: len(tiff) // 2],
        "cut.gif": gif[: len(gif) // 2],
    }


@pytest.mark.filterwarnings("ignore")
def test_broken_files_are_named(
    photos: list[Path], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    for name, data in broken_files(photos[0].read_bytes()).items():
        path = tmp_path / name
        path.write_bytes(data)
        with pytest.raises(PhotoError) as error:
            read_photo(path)
        assert name in str(error.value)
        assert "\n" not in str(error.value)
        assert capfd.readouterr() == ("", "")


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "TIFF", "GIF", "BMP", "AVIF"])
def test_damaged_files_are_photos_or_refused(format: str) -> None:
    if format == "AVIF" and not features.check("avif"):
        pytest.skip("this Pillow reads no AVIF")
    random, data = np.random.default_rng(0), encoded(picture(), format)
    messages = []
    for _ in range(100):
        damaged = bytearray(data)
        for place in random.integers(0, min(len(data), 600), 4):
            damaged[place] = random.integers(0, 256)
        try:
            read_photo(bytes(damaged), max_pixels=1_000_000)
        except PhotoError as error:
            messages.append(str(error))
    assert messages
    assert not any("\n" in message for message in messages)


def test_broken_pil_image_is_named(photos: list[Path], tmp_path: Path) -> None:
    path = tmp_path / "cut.jpg"
    path.write_bytes(photos[0].read_bytes()[:9000])
    with Image.open(path) as image, pytest.raises(PhotoError, match=r"cut\.jpg is broken"):
        read_photo(image)


def test_name_that_no_file_can_have_is_refused() -> None:
    with pytest.raises(PhotoError, match=r"cannot read x+\.jpg: "):
        read_photo("x" * 300 + ".jpg")


def test_missing_file_and_folder_are_named(tmp_path: Path) -> None:
    with pytest.raises(PhotoError, match=r"gone\.jpg does not exist"):
        read_photo(tmp_path / "gone.jpg")
    (tmp_path / "folder.jpg").mkdir()
    with pytest.raises(PhotoError, match=r"folder\.jpg is a folder"):
        read_photo(tmp_path / "folder.jpg")


@pytest.mark.parametrize("format", ["PNG", "TIFF"])
def test_limit_is_checked_before_decoding_and_can_be_raised(format: str) -> None:
    before = Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES
    bomb = encoded(Image.new("1", (18_000, 10_000)), format)
    assert 2 * (before[0] or 0) < 18_000 * 10_000  # where Pillow alone raises an error
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(PhotoError, match=r"180 megapixels.*--max-pixels"):
            read_photo(bomb)
        photo = read_photo(bomb, max_pixels=200_000_000)
    assert photo.width == 18_000
    assert before == (Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES)


def test_limit_is_exact(tmp_path: Path) -> None:
    path = tmp_path / "large.png"
    picture(30, 20).save(path)
    assert read_photo(path, max_pixels=600).width == 30
    for source in (path, path.read_bytes(), picture(30, 20), np.asarray(picture(30, 20))):
        with pytest.raises(PhotoError, match="megapixels"):
            read_photo(source, max_pixels=599)
    with pytest.raises(PhotoError, match=r"large\.png has"):
        read_photo(path, max_pixels=599)


def test_header_that_claims_too_much_is_refused() -> None:
    # A header alone may claim anything: it is refused, not decoded.
    lying = bytearray(encoded(picture(), "BMP"))
    lying[18:26] = struct.pack("<ii", 100_000, 100_000)
    with pytest.raises(PhotoError, match="10000 megapixels"):
        read_photo(bytes(lying))


@pytest.mark.parametrize("format", ["ICO", "EPS"])
def test_formats_that_do_more_than_tell_their_size_are_not_opened(format: str) -> None:
    with pytest.raises(PhotoError, match="not a photo in a format known here"):
        read_photo(encoded(picture(), format))


def test_first_picture_of_a_phone_with_two_lenses() -> None:
    both = {"save_all": True, "append_images": [Image.new("RGB", (30, 20))]}
    assert difference(encoded(picture(), "MPO", quality=95, **both), picture()) <= 12


def test_whatever_holds_a_photo_is_read(tmp_path: Path) -> None:
    path, data = tmp_path / "a.png", encoded(picture(), "PNG")
    path.write_bytes(data)
    pixels = np.asarray(picture())
    with path.open("rb") as file:
        assert read_photo(file).file == "a.png"
    for source in (bytearray(data), memoryview(data), io.BytesIO(data), torch.tensor(pixels)):
        photo = read_photo(source)
        assert np.array_equal(photo.pixels, pixels)
        assert photo.file == "image"


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (None, "NoneType is no photo; give a path, a file's bytes, .* or an array"),
        ([1, 2], "list is no photo"),
        ("", "an empty name is no photo"),
        ("https://shop.example/a.jpg", "a.jpg is an address; download it first"),
        ("S3://shop/a.jpg", "is an address"),
        (io.StringIO("text"), "is open as text; open it in binary mode"),
        (torch.zeros(4, 4, 3, requires_grad=True), "this Tensor gives no array: .*detach"),
        (np.uint8(3), r"an array of shape \(\) is no photo"),
    ],
)
def test_what_is_no_photo_is_told_in_one_line(source: Any, message: str) -> None:
    with pytest.raises(PhotoError, match=message) as error:
        read_photo(source)
    assert "\n" not in str(error.value)


def test_a_closed_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"x")
    with (tmp_path / "a.png").open("rb") as file:
        pass
    with pytest.raises(PhotoError, match=r"cannot read a\.png: read of closed file"):
        read_photo(file)
