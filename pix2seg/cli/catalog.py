"""`pix2seg catalog`: fill, look after and export a catalogue of many photos."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pix2seg.cli.options import (
    Device,
    EngineName,
    Everyone,
    Flip,
    Hide,
    MaxColors,
    MaxPixels,
    Names,
    PersonName,
    PrecisionName,
    TrustFiles,
    Weights,
    results_folder,
)
from pix2seg.cli.output import (
    EXIT_BAD_INPUT,
    EXIT_NOTHING,
    exit_on_bad,
    messages,
    print_warning,
    results,
)
from pix2seg.cli.telling import news, telling
from pix2seg.limits import MAX_PIXELS

if TYPE_CHECKING:
    from rich.console import Console

    from pix2seg.catalog.engines.base import Pool
    from pix2seg.catalog.run import Opened
    from pix2seg.catalog.work import Job

catalog = typer.Typer(
    help="Tag many photos overnight. The result is a Parquet table of palettes and masks that "
    "grows shard by shard, survives being killed, and is searched and exported.",
    no_args_is_help=True,
)

Location = Annotated[
    str, typer.Argument(metavar="OUT", help="The catalogue: a path, s3://, gs://.")
]
Workers = Annotated[
    int | None,
    typer.Option(min=1, help="Processes, one thread each; default: one a core, or one for a GPU."),
]
Ray = Annotated[
    str | None,
    typer.Option(
        metavar="ADDRESS",
        help="Work on a Ray cluster: auto for the one that is running, local for one of this "
        "machine, or its address.",
    ),
]


@catalog.command()
@telling
def run(
    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE",
            help="A folder, a glob, a list (.csv, .jsonl, .parquet) or a WebDataset .tar; a path, "
            "s3:// or gs://.",
        ),
    ],
    out: Location,
    column: Annotated[
        str | None,
        typer.Option(
            help="The list's column of photos; default: its only one, or the first of uri, url, "
            "path, file and image that it has."
        ),
    ] = None,
    shard_size: Annotated[
        int | None,
        typer.Option(
            min=1, help="Photos a shard; default: each worker has a shard, of 1000 at most."
        ),
    ] = None,
    shards: Annotated[
        str | None,
        typer.Option(metavar="A-B", help="Do these shards alone, of a plan that is there."),
    ] = None,
    plan: Annotated[
        bool, typer.Option("--plan", help="Only look which photos there are, and plan the shards.")
    ] = False,
    masks: Annotated[bool, typer.Option("--masks", help="Keep the masks, for export.")] = False,
    garments: Annotated[bool, typer.Option("--garments", help="Find garments too.")] = False,
    weights: Weights = None,
    person: PersonName = None,
    trust: TrustFiles = False,
    everyone: Everyone = False,
    hide: Hide = None,
    flip: Flip = False,
    max_colors: MaxColors = None,
    names: Names = "css",
    max_pixels: MaxPixels = MAX_PIXELS,
    engine: EngineName = "auto",
    device: Device = "auto",
    precision: PrecisionName = "auto",
    workers: Workers = None,
    ray: Ray = None,
) -> None:
    """Fill a catalogue, or go on with it where it was broken off.

    Photos that cannot be read are failed rows, named by catalog status; the exit code is then 2.
    """
    from pix2seg.catalog.run import begin_catalog, open_shards
    from pix2seg.catalog.work import Job, Settings

    among = _shard_range(shards) if shards else None
    settings = Settings(
        weights=str(weights) if weights else None,
        person=person,
        trust=trust,
        everyone=everyone,
        hide=hide,
        flip=flip,
        max_colors=max_colors,
        names=names,
        max_pixels=max_pixels,
        masks=masks,
        garments=garments,
        precision=precision,
        engine=engine,
        device=device,
    )
    console = news()
    if ray is not None:  # so that each of its workers has a shard
        from pix2seg.catalog.engines.cluster import RayPool

        workers = RayPool(Job(out, settings), ray).worker_count(workers)
    with console.status("looking which photos there are"):
        opened = begin_catalog(
            source,
            out,
            settings,
            column=column,
            shard_size=shard_size,
            workers=workers,
            keep_plan=among is not None,
        )
    counts = opened.catalog.plan.counts
    if among and among.start >= len(counts):
        print_warning(messages(), f"--shards {shards}: the plan ends with shard {len(counts) - 1}")
    todo = open_shards(opened.catalog, among)
    photos = sum(counts[shard] for shard in todo)
    if plan:
        console.print(f"{photos:,} photos to do, in {len(todo)} of {len(counts)} shards")
        return
    job = Job(opened.catalog.folder.location, settings)
    _fill(console, opened, job, todo, photos, workers, ray, among)


@catalog.command()
def status(out: Location) -> None:
    """Show a catalogue's progress and failures."""
    import re
    from collections import Counter

    from pix2seg.catalog.catalog import Catalog
    from pix2seg.catalog.run import failed_shards, state

    book = Catalog(out)
    now = state(book)
    console = results(soft_wrap=True)
    console.print(f"{now.done:,} of {now.shards:,} shards done")
    console.print(f"{now.ok:,} photos ok, {now.failed:,} failed, {now.left:,} left")
    if now.ok:
        console.print(f"{now.seconds / (now.ok + now.failed):.2f} s a photo and worker")
    errors: Counter[str] = Counter()
    example: dict[str, str] = {}
    for shard in failed_shards(book):
        for row in book.read(shard, ["uri", "file", "status", "error"]).to_pylist():
            if row["status"] == "failed":
                kind = row["error"].replace(row["uri"], "PHOTO").replace(row["file"], "PHOTO")
                kind = re.sub(r"\b\d+\b", "N", kind)  # how many bytes lack makes no kind
                errors[kind] += 1
                example.setdefault(kind, row["uri"])
    for kind, count in errors.most_common(10):
        console.print(f"{count:,} × {kind}, such as {example[kind]}")


@catalog.command()
@telling
def retry(
    out: Location,
    weights: Weights = None,
    trust: TrustFiles = False,
    device: Device = "auto",
    workers: Workers = None,
    ray: Ray = None,
) -> None:
    """Do the failed photos again, as the catalogue was begun.

    The exit code is 2 if some still fail.
    """
    from pix2seg.catalog.run import failed_shards, reopen_catalog
    from pix2seg.catalog.work import Job

    console = news()
    with console.status("loading"):
        opened = reopen_catalog(out, str(weights) if weights else None, device, trust)
        failed = failed_shards(opened.catalog)
    job = Job(opened.catalog.folder.location, opened.settings, retry=True)
    _fill(console, opened, job, list(failed), sum(failed.values()), workers, ray)


@catalog.command()
@telling
def export(
    out: Location,
    to: Annotated[
        str,
        typer.Option(help="coco, cvat, voc, labelstudio, imagefolder or csv.", metavar="FORMAT"),
    ],
    folder: Annotated[
        Path,
        typer.Option("--out", parser=results_folder, metavar="DIR", help="New folder to write to."),
    ],
    where: Annotated[
        str | None,
        typer.Option(metavar="SQL", help='Only rows of which this holds, such as "quality < 0.7".'),
    ] = None,
    garments: Annotated[
        bool, typer.Option("--garments", help="Write garments' masks, not the classes'.")
    ] = False,
    photos: Annotated[
        bool, typer.Option("--photos", help="Copy the photos too; imagefolder always does.")
    ] = False,
) -> None:
    """Write a catalogue for programs that correct masks or train.

    Ends with exit code 1 where there is nothing to export.
    """
    from pix2seg.catalog.catalog import Catalog
    from pix2seg.catalog.export import export_catalog

    console = news()
    with console.status("exporting"):
        exported = export_catalog(
            Catalog(out), to, folder, where=where, garments=garments, photos=photos
        )
    if not exported.photos and not exported.left_out:
        of_these = f" for which --where '{where}' holds" if where else ""
        print_warning(messages(), f"{out} has no good photo{of_these}, so nothing was exported")
        raise typer.Exit(EXIT_NOTHING)
    console.print(f"{exported.photos:,} photos exported to {folder}")
    exit_on_bad(messages(), exported.left_out)


def _fill(
    console: "Console",
    opened: "Opened",
    job: "Job",
    shards: list[int],
    photos: int,
    workers: int | None,
    ray: str | None,
    among: range | None = None,
) -> None:
    """Do shards, and say how it goes; failed photos end it with exit code 2.

    With `among`, only those of these shards count: others are other jobs' work.
    """
    from pix2seg.catalog.engines.base import run_shards
    from pix2seg.catalog.run import state
    from pix2seg.cli.progress import Progress

    pool, count = _pool(job, opened.device, workers, ray)
    progress = Progress(console, photos)
    try:
        with progress:
            for well in run_shards(pool, shards, count):
                progress.count(well)
    except KeyboardInterrupt:
        now = state(opened.catalog, among)
        console.print(
            f"stopped; {now.done} of {now.shards} shards are done and kept. The same command goes "
            "on from there"
        )
        raise
    now = state(opened.catalog, among)
    console.print(progress.line() if shards else "nothing left to do")
    console.print(
        f"{now.done:,} of {now.shards:,} shards done: {now.ok:,} photos ok, {now.failed:,} failed"
        + (f"; see pix2seg catalog status {job.location}" if now.failed else ""),
    )
    if now.failed:
        raise typer.Exit(EXIT_BAD_INPUT)


def _pool(job: "Job", device: str, workers: int | None, ray: str | None) -> "tuple[Pool, int]":
    """An engine and how many workers to start."""
    if ray is not None:
        from pix2seg.catalog.engines.cluster import RayPool

        cluster = RayPool(job, ray)
        count = cluster.worker_count(workers)
        news().print(f"{count} workers, each on a {'GPU' if cluster.on_gpu else 'CPU'}")
        return cluster, count
    from pix2seg.catalog.engines.local import LocalPool, default_workers

    return LocalPool(job), workers or default_workers(device)


def _shard_range(text: str) -> range:
    first, dash, last = text.partition("-")
    try:
        shards = range(int(first), int(last if dash else first) + 1)
    except ValueError:
        shards = range(0)
    if not shards:
        raise typer.BadParameter(
            f"'{text}' is no range of shards; write 0-99", param_hint="--shards"
        )
    return shards
