"""`pix2seg person`: the person of a photo, before another background or none."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

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
    TrustFiles,
    Weights,
    check_person_box,
    person_options,
)
from pix2seg.cli.output import (
    check_writable,
    exit_on_bad,
    find_new_photos,
    messages,
    print_warning,
)
from pix2seg.cli.telling import details, news, tracked
from pix2seg.limits import MAX_PIXELS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pix2seg.preprocess.background import Background, Rgb
    from pix2seg.result import Segmentation

TRANSPARENT = "transparent"


def person(
    photos: Annotated[
        list[str], typer.Argument(metavar="PHOTO...", help="Photos, folders or globs.")
    ],
    out: Annotated[Path, typer.Option(help="Folder for the results.")] = Path("pix2seg-out"),
    background: Annotated[
        list[str] | None,
        typer.Option(
            metavar="COLOR",
            help="What stands behind the person: grey, black, white, blur, #rrggbb, a CSS colour "
            "or transparent; several times for several; default: what the generator was trained "
            "on, grey.",
        ),
    ] = None,
    crop: Annotated[
        bool, typer.Option("--crop", help="Cut the pictures to the box around the person.")
    ] = False,
    person: PersonName = None,
    everyone: Everyone = False,
    person_box: PersonBox = None,
    person_weights: PersonWeights = None,
    person_config: PersonConfig = None,
    trust: TrustFiles = False,
    weights: Weights = None,
    max_pixels: MaxPixels = MAX_PIXELS,
    engine: EngineName = "auto",
    device: Device = "auto",
    precision: PrecisionName = "auto",
) -> None:
    """Take the background out of photos of people.

    For each photo NAME: NAME.alpha.png, white on the person, black elsewhere and grey where both
    are in a pixel; and the person before each background, NAME.grey.png, NAME.transparent.png or
    NAME.1b2a3c.png. With --everyone also NAME.person1.alpha.png and so on. Where nobody is found,
    alpha is black and the photo stays as it is.
    """
    from pix2seg.errors import Pix2SegError, enough_memory
    from pix2seg.inputs import check_name
    from pix2seg.memory import keep_freed_memory
    from pix2seg.saving import of_person

    options = person_options(person_weights, person_config, trust, everyone, person_box)
    inputs, wrong = find_new_photos(photos, out)
    check_person_box(person_box, len(inputs))
    backgrounds = _parse_backgrounds(background or [])
    check_writable(out)
    keep_freed_memory()
    with news().status("loading the models"):
        from pix2seg.segmenter import Segmenter

        segmenter = Segmenter(
            weights,
            person=person,
            engine=engine,
            device=device,
            precision=precision,
            person_options=options,
        )
    backgrounds = backgrounds or {segmenter.info.background: segmenter.info.background}
    bad: list[Pix2SegError] = [*wrong]
    for photo in tracked(inputs, "finding people"):
        try:
            with enough_memory(photo.path):
                check_name(photo)
                result = segmenter(photo.path, max_pixels=max_pixels)
                if not result.person.found:
                    print_warning(messages(), f"{photo.path}: nobody found, so nothing is hidden")
                _save(result, out / photo.stem, backgrounds, crop)
                for number, one in enumerate(result.people, 1):
                    _save(one, of_person(out / photo.stem, number), backgrounds, crop)
        except Pix2SegError as error:
            bad.append(error)
    done = len(inputs) + len(wrong) - len(bad)
    where = f", results in {out}" if done else ""
    news().print(f"{done} done with {segmenter.extractor.version}{where}")
    details().print(", ".join(f"{part} {version}" for part, version in segmenter.model.items()))
    exit_on_bad(messages(), bad)


def _parse_backgrounds(texts: list[str]) -> "dict[str, Background | Rgb | None]":
    """What is asked for, by its name in file names; None is transparent."""
    from pix2seg.colors.names import colors_named
    from pix2seg.errors import ColorError
    from pix2seg.preprocess.background import BACKGROUNDS

    found: dict[str, Background | Rgb | None] = {}
    for text in texts:
        if text == TRANSPARENT:
            found[text] = None
        elif text in BACKGROUNDS:
            found[text] = text
        else:
            try:
                (color,) = colors_named(text, "css")
            except ColorError:
                raise typer.BadParameter(
                    f"'{text}' is none of {', '.join(BACKGROUNDS)}, {TRANSPARENT} and a colour as "
                    "#1b2a3c or CSS names it",
                    param_hint="--background",
                ) from None
            found[color.hex.removeprefix("#")] = color.rgb
    return found


def _save(
    result: "Segmentation",
    base: Path,
    backgrounds: "Mapping[str, Background | Rgb | None]",
    crop: bool,
) -> None:
    """Write `BASE.alpha.png` and the person before each background."""
    import numpy as np
    from PIL import Image

    from pix2seg.cutouts import cutout, put_before
    from pix2seg.files import write_png
    from pix2seg.preprocess.background import backdrop
    from pix2seg.preprocess.person.base import box_around

    pixels, found = result.photo.pixels, result.person.found
    alpha = result.alpha() if found else np.zeros(pixels.shape[:2], np.float32)
    pictures = {"alpha": (alpha * 255).round().astype(np.uint8)}
    for name, background in backgrounds.items():
        if not found:
            pictures[name] = pixels
        elif background is None:
            pictures[name] = cutout(pixels, alpha)
        else:
            behind = backdrop(pixels, alpha > 0, background)
            pictures[name] = put_before(pixels, alpha, behind)
    x0, y0, x1, y1 = box_around(pictures["alpha"] > 0)  # as written: fainter traces are none
    part = np.s_[y0:y1, x0:x1] if crop and x1 else np.s_[:, :]
    for name, picture in pictures.items():
        file = base.with_name(f"{base.name}.{name}.png")
        write_png(file, Image.fromarray(picture[part]))
