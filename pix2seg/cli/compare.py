"""`pix2seg compare`: finished runs side by side."""

from pathlib import Path
from typing import Annotated

import typer

from pix2seg.cli.options import Device, TrustFiles
from pix2seg.cli.output import check_writable
from pix2seg.cli.telling import news, tracked


def compare(
    runs: Annotated[
        list[Path], typer.Argument(metavar="RUN", help="Folders that pix2seg train wrote.")
    ],
    out: Annotated[Path, typer.Option(help="Folder for the results.")] = Path("comparison"),
    photos: Annotated[int, typer.Option(min=1, help="How many photos the figures show.")] = 6,
    trust: TrustFiles = False,
    device: Device = "auto",
) -> None:
    """Score runs on validation photos, side by side.

    Each photo is scored at its own size. Writes comparison.md (tables), comparison.json (all
    numbers), curves.png (validation mIoU over epochs and over minutes) and, for each source of
    photos, SOURCE.jpg, a figure with a row of pictures for each run. Runs that differ in nothing
    but the seed or the fold become one row, with mean and standard deviation.
    """
    import json
    import os
    import re

    from PIL import Image

    from pix2seg.files import atomic_write, write_image
    from pix2seg.memory import keep_freed_memory
    from pix2seg.train.judge.compare import compare_run, photos_to_show, read_run
    from pix2seg.train.judge.compare_figure import figure
    from pix2seg.train.judge.compare_tables import markdown
    from pix2seg.train.judge.curves import draw_curves, read_curve

    check_writable(out)
    keep_freed_memory()
    console = news()
    once = dict.fromkeys(Path(os.path.realpath(run)) for run in runs)
    datasets = {run: read_run(run) for run in once}
    curves = Image.fromarray(draw_curves([read_curve(run) for run in datasets]))
    sources: dict[str, list[Path]] = {}
    for run, dataset in datasets.items():
        sources.setdefault(dataset.facts.source, []).append(run)
    show = {
        source: photos_to_show([datasets[run] for run in group], photos)
        for source, group in sources.items()
    }
    compared = {}
    for run in tracked(datasets, "comparing"):
        dataset = datasets[run]
        compared[run] = compare_run(run, dataset, show[dataset.facts.source], device, trust)
    tables = markdown(list(compared.values()))
    with atomic_write(out / "comparison.md") as temporary:
        temporary.write_text(tables, "utf-8")
    with atomic_write(out / "comparison.json") as temporary:
        facts = [run.to_dict() for run in compared.values()]
        temporary.write_text(json.dumps(facts, indent=2) + "\n", "utf-8")
    write_image(out / "curves.png", curves, "PNG", optimize=True)
    for source, group in sources.items():
        if show[source]:
            pixels = figure([compared[run] for run in group], [datasets[run] for run in group])
            name = re.sub(r"[^\w.-]+", "-", source).strip(".-") or "photos"
            write_image(out / f"{name}.jpg", Image.fromarray(pixels), "JPEG", quality=85)
    console.print(f"{tables}\nwritten to {out}")
