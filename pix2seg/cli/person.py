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
    Photos,
    PrecisionName,
    TrustFiles,
    Weights,
    check_person_box,
    person_options,
    results_folder,
)
from pix2seg.cli.output import (
    STANDARD_OUTPUT,
    check_writable,
    exit_on_bad,
    find_new_photos,
    messages,
    naming_bad,
    one_line,
    print_review,
    print_warning,
    write_standard_output,
)
from pix2seg.cli.telling import details, news, tracked
from pix2seg.limits import MAX_PIXELS

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from pix2seg.preprocess.background import Background, Rgb
    from pix2seg.result import Segmentation

TRANSPARENT = "transparent"


def person(
    photos: Photos,
    out: Annotated[
        str,
        typer.Option(
            metavar="DIR",
            help="Folder for the results; - sends the picture of one photo before one background "
            "to standard output.",
        ),
    ] = "pix2seg-out",
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

    options = person_options(person_weights, person_config, trust, everyone, person_box)
    piped = out == STANDARD_OUTPUT
    folder = Path(out) if piped else results_folder(out)
    inputs, wrong = find_new_photos(photos, folder)
    check_person_box(person_box, len(inputs))
    backgrounds = _parse_backgrounds(background or [])
    if piped and (len(inputs) > 1 or len(backgrounds) > 1 or everyone):
        raise typer.BadParameter(
            "standard output takes one picture: give one photo and one --background, without "
            "--everyone",
            param_hint="--out",
        )
    if not piped:
        check_writable(folder)
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
    with naming_bad(messages(), bad):
        for photo in tracked(inputs, "finding people"):
            try:
                with enough_memory(photo.path):
                    check_name(photo)
                    result = segmenter(photo.path, max_pixels=max_pixels)
                    if piped:
                        _pipe(result, backgrounds, crop)
                    else:
                        _save(result, folder / photo.stem, backgrounds, crop)
                _print_photo(photo.relative.as_posix(), result)
            except Pix2SegError as error:
                bad.append(error)
    done = len(inputs) + len(wrong) - len(bad)
    where = f", results in {folder}" if done and not piped else ""
    news().print(f"{done} done with {segmenter.extractor.version}{where}")
    details().print(", ".join(f"{part} {version}" for part, version in segmenter.model.items()))
    exit_on_bad(messages(), bad)


def _parse_backgrounds(texts: list[str]) -> "dict[str, Background | Rgb | None]":
    """What is asked for, by its name in file names; None is transparent."""
    from PIL.ImageColor import colormap

    from pix2seg.colors.names import colors_named, plain
    from pix2seg.errors import ColorError, near_matches
    from pix2seg.preprocess.background import BACKGROUNDS

    found: dict[str, Background | Rgb | None] = {}
    for given in texts:
        text = plain(given)
        if text == TRANSPARENT:
            found[text] = None
        elif text in BACKGROUNDS:
            found[text] = text
        else:
            try:
                (color,) = colors_named(given, "css")
            except ColorError:
                meant = near_matches(given, [*BACKGROUNDS, TRANSPARENT, *colormap])
                raise typer.BadParameter(
                    f"'{given}' is none of {', '.join(BACKGROUNDS)}, {TRANSPARENT} and a colour as "
                    f"#1b2a3c or CSS names it{meant and f'; {meant}'}",
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
    """Write `BASE.alpha.png` and the person before each background, and the same of each alone."""
    from PIL import Image

    from pix2seg.files import write_png
    from pix2seg.saving import of_person, result_file

    for name, picture in _pictures(result, backgrounds, crop).items():
        write_png(result_file(base, f"{name}.png"), Image.fromarray(picture))
    for number, one in enumerate(result.people, 1):
        _save(one, of_person(base, number), backgrounds, crop)


def _pipe(
    result: "Segmentation", backgrounds: "Mapping[str, Background | Rgb | None]", crop: bool
) -> None:
    """Write the person before the one background to standard output, as PNG."""
    from PIL import Image

    from pix2seg.files import encode_png

    (name,) = backgrounds
    picture = _pictures(result, backgrounds, crop)[name]
    write_standard_output([encode_png(Image.fromarray(picture))])


def _pictures(
    result: "Segmentation", backgrounds: "Mapping[str, Background | Rgb | None]", crop: bool
) -> "dict[str, NDArray[np.uint8]]":
    """`alpha`, uint8 (H, W), and the person before each background, uint8 (H, W, 3 or 4)."""
    import numpy as np

    from pix2seg.cutouts import cutout, put_before
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
    return {name: picture[part] for name, picture in pictures.items()}


def _print_photo(name: str, result: "Segmentation") -> None:
    """One line: who is there, and how far that can be trusted."""
    if not result.person.found:
        print_warning(messages(), f"{name}: nobody found, so nothing is hidden")
        return
    share = (result.mask > 0).mean()
    people = f"{len(result.people)} people" if len(result.people) > 1 else "a person"
    facts = f"{people} on {share:.1%} of the photo, quality {result.quality:.2f}"
    news().print(f"{one_line(name)}  {facts}, {result.seconds:.2f} s", markup=False)
    print_review(name, result.review)
