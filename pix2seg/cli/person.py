"""`pix2seg person`: who is in a photo, and the photo without the rest."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from pix2seg.cli.options import (
    Device,
    EngineName,
    Everyone,
    MaxPixels,
    PersonBox,
    PersonConfig,
    PersonName,
    PersonWeights,
    PrecisionName,
    Weights,
    person_options,
)
from pix2seg.cli.output import exit_on_bad, find_new_photos, print_warning

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image

    from pix2seg.preprocess.background import Background, Color

TRANSPARENT = "transparent"


def person(
    photos: Annotated[
        list[str], typer.Argument(metavar="PHOTO...", help="Photos, folders or globs.")
    ],
    out: Annotated[Path, typer.Option(help="Folder for the results.")] = Path("pix2seg-out"),
    background: Annotated[
        str | None,
        typer.Option(
            metavar="COLOR",
            help="What hides the background: grey, black, white, blur, #rrggbb or transparent; "
            "default: what the generator was trained on, grey.",
        ),
    ] = None,
    person: PersonName = None,
    everyone: Everyone = False,
    person_box: PersonBox = None,
    person_weights: PersonWeights = None,
    person_config: PersonConfig = None,
    weights: Weights = None,
    max_pixels: MaxPixels = 100_000_000,
    engine: EngineName = "auto",
    device: Device = "auto",
    precision: PrecisionName = "auto",
) -> None:
    """Find the person in photos and hide the rest.

    For each photo NAME: NAME.person.png, white on the person and black elsewhere, and
    NAME.grey.png, the photo as the generator would see it. Where nobody is found, the mask is
    black and the photo stays as it is.
    """
    import numpy as np
    from PIL import Image
    from rich.console import Console
    from rich.progress import track

    from pix2seg.errors import PhotoError
    from pix2seg.files import write_image
    from pix2seg.photo import read_photo
    from pix2seg.segmenter import Segmenter

    options = person_options(person_weights, person_config, everyone, person_box)
    inputs = find_new_photos(photos, out)
    console = Console(stderr=True)
    segmenter = Segmenter(
        weights,
        person=person,
        engine=engine,
        device=device,
        precision=precision,
        person_options=options,
    )
    hidden = _parse_background(background) if background else segmenter.info.background
    bad: list[PhotoError] = []
    for photo in track(inputs, "finding people", console=console, transient=True):
        try:
            pixels = read_photo(photo.path, max_pixels=max_pixels).pixels
        except PhotoError as error:
            bad.append(error)
            continue
        found = segmenter.extractor.find(pixels)
        if not found.found:
            print_warning(console, f"{photo.path}: nobody found, so nothing is hidden")
        base = out / photo.stem
        for name, image in {
            "person": Image.fromarray(found.mask.astype(np.uint8) * 255),
            "grey": _without_background(pixels, found.visible(), hidden),
        }.items():
            file = base.with_name(f"{base.name}.{name}.png")
            write_image(file, image, "PNG", compress_level=2)
    console.print(
        f"{len(inputs) - len(bad)} photos done with {segmenter.extractor.version}, results in {out}"
    )
    exit_on_bad(console, bad)


def _parse_background(text: str) -> "Background | Color | Literal['transparent']":
    from typing import cast

    from pix2seg.colors.color import Color
    from pix2seg.errors import ColorError
    from pix2seg.preprocess.background import BACKGROUNDS

    if text in (*BACKGROUNDS, TRANSPARENT):
        return cast("Background | Literal['transparent']", text)
    try:
        return Color.from_hex(text).rgb
    except ColorError:
        raise typer.BadParameter(
            f"'{text}' is none of {', '.join(BACKGROUNDS)}, {TRANSPARENT} and a colour as #1b2a3c",
            param_hint="--background",
        ) from None


def _without_background(
    pixels: "NDArray[np.uint8]",
    visible: "NDArray[np.bool_]",
    background: "Background | Color | Literal['transparent']",
) -> "Image":
    from PIL import Image

    from pix2seg.preprocess.background import hide_background
    from pix2seg.render import cutout

    if background == "transparent":
        return Image.fromarray(cutout(pixels, visible))
    return Image.fromarray(hide_background(pixels, visible, background))
