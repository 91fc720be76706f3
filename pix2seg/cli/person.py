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
    DEFAULT_OUT,
    EXIT_NOTHING,
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
    from collections.abc import Iterable, Mapping

    import numpy as np
    from numpy.typing import NDArray

    from pix2seg.preprocess.background import Background, Rgb
    from pix2seg.result import Segmentation

TRANSPARENT = "transparent"

ALPHA = "alpha"


def person(
    photos: Photos,
    out: Annotated[
        str,
        typer.Option(
            metavar="DIR",
            help="Folder for the results; - sends the picture of one photo before one background "
            "to standard output.",
        ),
    ] = str(DEFAULT_OUT),
    background: Annotated[
        list[str] | None,
        typer.Option(
            metavar="COLOR",
            help="What stands behind the person: grey, black, white, blur, #rrggbb, a CSS colour "
            "or transparent; alpha for the mask alone; several times for several; default: what "
            "the generator was trained on, grey.",
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
    skip_existing: Annotated[
        bool,
        typer.Option("--skip-existing", help="Leave out photos whose pictures are there: go on."),
    ] = False,
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
    if piped and skip_existing:
        raise typer.BadParameter("standard output has no pictures", param_hint="--skip-existing")
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
    count = len(inputs)
    if skip_existing:
        inputs = [p for p in inputs if not _is_done(folder / p.stem, backgrounds, everyone)]
        news().print(f"{count - len(inputs)} of {count} photos have their pictures")
    bad: list[Pix2SegError] = [*wrong]
    empty = 0
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
                empty += not result.person.found
            except Pix2SegError as error:
                bad.append(error)
    done = len(inputs) + len(wrong) - len(bad)
    where = f", results in {folder}" if done and not piped else ""
    lacking = f", {empty} of them without a person" if empty else ""
    news().print(f"{done} done with {segmenter.extractor.version}{lacking}{where}")
    details().print(", ".join(f"{part} {version}" for part, version in segmenter.model.items()))
    exit_on_bad(messages(), bad)
    if done and empty == done == count:
        raise typer.Exit(EXIT_NOTHING)


def _parse_backgrounds(texts: list[str]) -> "dict[str, Background | Rgb | None]":
    """What is asked for, by its name in file names; None is transparent, and what alpha is."""
    from pix2seg.colors.color import Color
    from pix2seg.colors.names import named_background, plain
    from pix2seg.errors import ColorError

    found: dict[str, Background | Rgb | None] = {}
    others = (TRANSPARENT, ALPHA)
    for text in texts:
        if plain(text) in others:
            found[plain(text)] = None
            continue
        try:
            background = named_background(text, others)
        except ColorError as error:
            raise typer.BadParameter(str(error), param_hint="--background") from None
        code = background if isinstance(background, str) else Color.from_rgb(*background).hex
        found[code.removeprefix("#")] = background
    return found


def _save(
    result: "Segmentation",
    base: Path,
    backgrounds: "Mapping[str, Background | Rgb | None]",
    crop: bool,
) -> None:
    """Write `BASE.alpha.png` and the person before each background, each one's alone first."""
    from PIL import Image

    from pix2seg.files import write_png
    from pix2seg.saving import of_person, result_file

    for number, one in enumerate(result.people, 1):
        _save(one, of_person(base, number), backgrounds, crop)
    for name, picture in _pictures(result, backgrounds, crop).items():
        write_png(result_file(base, f"{name}.png"), Image.fromarray(picture))


def _is_done(base: Path, backgrounds: "Iterable[str]", everyone: bool) -> bool:
    """Whether all pictures of a photo are there, as `_save` writes them."""
    from pix2seg.saving import of_person, result_file

    bases = [base, of_person(base, 1)] if everyone else [base]
    names = {ALPHA, *backgrounds}
    return all(result_file(one, f"{name}.png").is_file() for one in bases for name in names)


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

    from pix2seg.cutouts import before, cutout, hard_cutout
    from pix2seg.preprocess.person.base import box_around

    pixels, found = result.photo.pixels, result.person.found
    alpha = result.alpha() if found else np.zeros(pixels.shape[:2], np.float32)
    pictures = {ALPHA: (alpha * 255).round().astype(np.uint8)}
    for name, background in backgrounds.items():
        if name == TRANSPARENT:
            whole = np.ones(pixels.shape[:2], np.bool_)
            pictures[name] = cutout(pixels, alpha) if found else hard_cutout(pixels, whole)
        elif background is not None:
            pictures[name] = before(pixels, alpha, background) if found else pixels
    x0, y0, x1, y1 = box_around(pictures[ALPHA] > 0)  # as written: fainter traces are none
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
