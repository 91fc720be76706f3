"""`pix2seg ablate`: what finding the person, and hiding the background, buys."""

from pathlib import Path
from typing import Annotated

import typer

from pix2seg.cli.options import Device, PersonWeights, Weights
from pix2seg.cli.output import check_writable
from pix2seg.cli.telling import news


def ablate(
    data: Annotated[Path, typer.Option(help="A data set that pix2seg prepare wrote.")],
    out: Annotated[Path, typer.Option(dir_okay=False, help="Markdown file for the tables.")] = Path(
        "person-ablation.md"
    ),
    weights: Weights = None,
    backgrounds: Annotated[
        list[Path] | None,
        typer.Option(
            help="Instead compare generators that were trained alike but for the background: "
            "their weights, once for each."
        ),
    ] = None,
    people: Annotated[
        list[Path] | None,
        typer.Option(
            help="A COCO folder, once for each: also judge the Mask R-CNN on its validation side, "
            "and put its scenes behind people."
        ),
    ] = None,
    photos: Annotated[
        int | None,
        typer.Option(min=1, help="Take so many of the validation photos; default: all."),
    ] = None,
    person_weights: PersonWeights = None,
    device: Device = "auto",
) -> None:
    """Compare ways to find the person, on plain and hard photos.

    Tables: mean IoU of each extractor on the validation photos as they are, before busy
    backgrounds, before their own clothes, far away, cut in half, and in scenes of COCO; how well
    each finds the person; how the generator is best told where the person is; and how wide the
    margin around the person should be.
    """
    from pix2seg.files import atomic_write
    from pix2seg.memory import keep_freed_memory
    from pix2seg.preprocess.dataset.dataset import Dataset
    from pix2seg.train.judge.ablation import Ablation

    check_writable(out.parent)
    keep_freed_memory()
    console = news()
    ablation = Ablation(
        Dataset(data), console, weights, person_weights, device, tuple(people or ()), photos
    )
    if backgrounds:
        text = ablation.compare_backgrounds(backgrounds)
    else:
        tables = [ablation.compare_extractors(), ablation.compare_joins()]
        tables += [ablation.judge_people()] if people else []
        text = "\n".join([*tables, ablation.compare_margins()])
    with atomic_write(out) as temporary:
        temporary.write_text(text, "utf-8")
    console.print(f"\n{text}\nwritten to {out}")
