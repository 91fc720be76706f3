"""`pix2seg segment`: the main job, from photos to masks, cut-outs and palettes."""

from contextlib import ExitStack, contextmanager
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from pix2seg.cli.options import (
    Device,
    EngineName,
    Everyone,
    Flip,
    Hide,
    JsonTo,
    MaxColors,
    MaxPixels,
    Names,
    OutFolder,
    PersonBox,
    PersonConfig,
    PersonName,
    PersonWeights,
    Photos,
    PrecisionName,
    TableFile,
    TrustFiles,
    Weights,
    check_color_options,
    check_person_box,
    person_options,
    results_folder,
)
from pix2seg.cli.output import (
    DEFAULT_OUT,
    base_colors,
    check_documents,
    check_writable,
    exit_on_bad,
    find_new_photos,
    json_lines,
    kind_text,
    messages,
    one_line,
    print_bad,
    print_review,
)
from pix2seg.cli.telling import details, news, tracked
from pix2seg.limits import MAX_PIXELS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pix2seg.batch import Done, Existing, Outputs
    from pix2seg.errors import Pix2SegError
    from pix2seg.inputs import InputPhoto

READABLE_CLASSES = 4
"""Of a scheme with more classes, a photo's line names the largest alone."""


def segment(
    photos: Photos,
    out: OutFolder = None,
    colors: Annotated[
        bool, typer.Option("--colors", help="Also write palette JSON and swatches.")
    ] = False,
    cutouts: Annotated[
        bool,
        typer.Option(
            "--cutouts", help="Also write transparent cut-outs: the person, and each class."
        ),
    ] = False,
    hard_edges: Annotated[
        bool, typer.Option("--hard-edges", help="Cut-outs end where the mask does.")
    ] = False,
    garments: Annotated[
        bool,
        typer.Option(
            "--garments",
            help="Also name the garments: their mask, overlay, colours and cut-outs.",
        ),
    ] = False,
    review: Annotated[
        Path | None,
        typer.Option(
            parser=results_folder,
            metavar="DIR",
            help="Also collect here the overlays of photos to be looked at.",
        ),
    ] = None,
    map: Annotated[
        bool, typer.Option("--map", help="Also write the map as the generator drew it.")
    ] = False,
    json_to: JsonTo = None,
    weights: Weights = None,
    person: PersonName = None,
    everyone: Everyone = False,
    person_box: PersonBox = None,
    person_weights: PersonWeights = None,
    person_config: PersonConfig = None,
    trust: TrustFiles = False,
    hide: Hide = None,
    flip: Flip = False,
    max_colors: MaxColors = None,
    names: Names = "css",
    table: TableFile = None,
    skip_existing: Annotated[
        bool,
        typer.Option("--skip-existing", help="Leave out photos whose results are there: go on."),
    ] = False,
    max_pixels: MaxPixels = MAX_PIXELS,
    engine: EngineName = "auto",
    device: Device = "auto",
    precision: PrecisionName = "auto",
    jobs: Annotated[
        int, typer.Option(min=1, help="Processes that share the photos, for many cores.")
    ] = 1,
) -> None:
    """Segment photos of people into skin, hair and clothes.

    For each photo NAME: NAME.mask.png (pixel value = class) and NAME.overlay.png; with --colors
    NAME.palette.json and NAME.palette.png; with --cutouts NAME.person.png, NAME.clothes.png,
    NAME.skin.png and NAME.hair.png; with --garments NAME.garments.png (pixel value = kind); with
    --map NAME.map.png. With --everyone the same of each person alone, as NAME.person1 and so on.
    """
    from pix2seg.batch import Existing, Outputs, find_existing

    check_documents(json_to, table)
    check_color_options(bool(colors or json_to or table), max_colors, names)
    if hard_edges and not cutouts:
        raise typer.BadParameter("it is for cut-outs; add --cutouts", param_hint="--hard-edges")
    # JSON alone is all that is wanted where nothing else is asked for.
    pictures = bool(out or colors or cutouts or map or review or not json_to)
    out = out or DEFAULT_OUT
    if skip_existing and not pictures:
        raise typer.BadParameter(
            "without pictures there are no results to go on from; add --out",
            param_hint="--skip-existing",
        )
    options = person_options(person_weights, person_config, trust, everyone, person_box)
    inputs, wrong = find_new_photos(photos, out, review)
    check_person_box(person_box, len(inputs))
    if jobs > 1 and any(photo.is_stream for photo in inputs):
        raise typer.BadParameter(
            "standard input and pipes can be read by one process alone; leave it out",
            param_hint="--jobs",
        )
    arguments: dict[str, Any] = {
        "weights": weights,
        "person": person,
        "engine": engine,
        "device": device,
        "precision": precision,
        "hide": hide,
        "flip": flip,
        "person_options": options,
    }
    outputs = Outputs(
        out,
        colors=bool(colors or json_to or table),
        pictures=pictures,
        review=review,
        everyone=everyone,
        cutouts=cutouts,
        hard_edges=hard_edges,
        garments=garments,
        map=map,
        max_colors=max_colors,
        names=names,
    )
    existing = Existing(set(), [], [])
    if skip_existing:
        existing = find_existing(inputs, outputs, table, documents=bool(json_to))
        news().print(f"{len(existing.photos)} of {len(inputs)} photos have their results")
        inputs = [photo for photo in inputs if photo not in existing.photos]
    for folder in filter(None, (out, review) if pictures else ()):
        check_writable(folder)
    # A table that is there is replaced only once the networks are known to work.
    results = _begin(arguments, inputs, outputs, max_pixels, jobs)
    with _documents(table, json_to, existing) as write:
        summary = _follow(inputs, results, write)
    bad = [*wrong, *summary.bad]
    if summary.stopped:
        go_on = ". Add --skip-existing to go on from there" if pictures else ""
        news().print(f"stopped; what is done is kept{go_on}")
        print_bad(messages(), bad)
        raise KeyboardInterrupt
    if summary.last:
        failed = f", {len(bad)} failed" if bad else ""
        where = f", results in {out}" if pictures else ""
        news().print(f"{summary.done} segmented on {summary.last.device}{failed}{where}")
        model = summary.last.model
        details().print(", ".join(f"{part} {version}" for part, version in model.items()))
    exit_on_bad(messages(), bad)


def _begin(
    arguments: dict[str, Any],
    inputs: "list[InputPhoto]",
    outputs: "Outputs",
    max_pixels: int,
    jobs: int,
) -> "Iterator[Done | Pix2SegError]":
    """What there is to tell of each photo; the networks are loaded when this returns.

    Raises:
        WeightsError, PersonError: they cannot be.
    """
    from pix2seg.batch import segment_files, segment_files_in_processes
    from pix2seg.memory import keep_freed_memory
    from pix2seg.segmenter import Segmenter

    if not inputs:
        return iter(())
    if jobs == 1:
        keep_freed_memory()
        return segment_files(Segmenter(**arguments), inputs, outputs, max_pixels)
    results = segment_files_in_processes(arguments, inputs, outputs, max_pixels, jobs)
    return chain([next(results)], results)


@contextmanager
def _documents(
    table: Path | None, json_to: str | None, existing: "Existing"
) -> "Iterator[Callable[[dict[str, Any]], None]]":
    """What writes palette documents to the table and as JSON, behind those that there are."""
    from pix2seg.colors.row import rows_of
    from pix2seg.colors.table import growing_table

    with ExitStack() as stack:
        # The table last: as it begins, it replaces one that is there.
        write_json = stack.enter_context(json_lines(json_to)) if json_to else None
        add_rows = stack.enter_context(growing_table(table, existing.rows)) if table else None
        if write_json:
            for document in existing.documents:
                write_json(document)

        def write(document: dict[str, Any]) -> None:
            if add_rows:
                add_rows(list(rows_of(document)))
            if write_json:
                write_json(document)

        yield write


class _Summary(NamedTuple):
    """What became of the photos: how many are done, the last of them, and what was wrong."""

    done: int
    last: "Done | None"
    bad: "list[Pix2SegError]"
    stopped: bool


def _follow(
    inputs: "list[InputPhoto]",
    results: "Iterator[Done | Pix2SegError]",
    write: "Callable[[dict[str, Any]], None]",
) -> _Summary:
    """Tell of each photo as it is done, until all are, none can follow or Ctrl-C."""
    from pix2seg.errors import Pix2SegError, WeightsError

    count, last, bad = 0, None, list[Pix2SegError]()
    try:
        for photo, result in zip(tracked(inputs, "segmenting"), results, strict=True):
            if isinstance(result, WeightsError):  # so it would be with each photo
                raise result
            if isinstance(result, Pix2SegError):
                bad.append(result)
                continue
            if result.document:
                write(result.document)
            count, last = count + 1, result
            place = f"{count + len(bad)}/{len(inputs)} " if len(inputs) > 1 else ""
            _print_photo(place + photo.relative.as_posix(), last)
    except Pix2SegError as error:  # what was told of before is kept
        bad.append(error)
    except KeyboardInterrupt:
        return _Summary(count, last, bad, stopped=True)
    return _Summary(count, last, bad, stopped=False)


def _print_photo(name: str, done: "Done") -> None:
    """One line: what the photo shows, in which colours, and how far that can be trusted."""
    from rich.text import Text

    from pix2seg.cli.output import swatch_text
    from pix2seg.colors.swatches import percent

    largest = sorted(done.coverage, key=lambda name: -done.coverage[name])
    facts = []
    for class_name in largest[:READABLE_CLASSES]:
        if done.coverage[class_name]:
            facts.append(Text(f"{class_name} {percent(done.coverage[class_name], 1)}"))
            if class_name in done.palettes:
                facts[-1].append(" ").append_text(swatch_text(done.palettes[class_name]))
    for kind, score, palette in done.garments:
        # Of so many, base colours alone are readable.
        told = Text(base_colors(palette)) if details().quiet else swatch_text(palette)
        facts.append(Text(f"{kind_text(kind, score)} ").append_text(told))
    facts.append(Text(f"quality {done.quality:.2f}"))
    facts.append(Text(f"{done.seconds:.2f} s"))
    line = Text(f"{one_line(name)}  ").append_text(Text(", ").join(facts))
    news().print(line)
    print_review(name, done.review)
