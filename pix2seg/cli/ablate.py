"""`pix2seg ablate`: what finding the person, and hiding the background, buys."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pix2seg.cli.options import Device, PersonWeights, Weights

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.console import Console

    from pix2seg.preprocess.dataset.dataset import Dataset
    from pix2seg.segmenter import Segmenter
    from pix2seg.train.judge.ablation import PhotoSet, Table

EXTRACTORS = ("none", "grabcut", "cascade", "mask-rcnn")
TRUE_MASK = "true mask"
GREY = ", grey"
"""Marks the rows in which the generator sees a hidden background."""
MARGINS = (0.0, 0.01, 0.02, 0.03, 0.05, 0.08)


def ablate(
    data: Annotated[Path, typer.Option(help="A data set that pix2seg prepare wrote.")],
    out: Annotated[Path, typer.Option(help="Markdown file for the tables.")] = Path(
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
        typer.Option(help="Also judge the Mask R-CNN on the validation side of this COCO folder."),
    ] = None,
    person_weights: PersonWeights = None,
    device: Device = "auto",
) -> None:
    """Compare ways to find the person, on plain photos and on hard ones made from them.

    Three tables: mean IoU of each extractor on the validation photos as they are, before busy
    backgrounds, before their own clothes, far away, and cut in half; how well each finds the
    person; and how wide the margin around the person should be.
    """
    from rich.console import Console

    from pix2seg.device import keep_freed_memory
    from pix2seg.files import atomic_write
    from pix2seg.preprocess.dataset.dataset import Dataset

    keep_freed_memory()
    console = Console(stderr=True)
    dataset = Dataset(data)
    mask_rcnn = {"weights": person_weights}
    if backgrounds:
        text = _compare_backgrounds(dataset, backgrounds, mask_rcnn, device, console)
    else:
        text = "\n".join(
            [
                *_compare_extractors(dataset, weights, mask_rcnn, device, console),
                *_judge_people(people or [], mask_rcnn, device),
                _compare_margins(dataset, weights, mask_rcnn, device, console),
            ]
        )
    with atomic_write(out) as temporary:
        temporary.write_text(text, "utf-8")
    console.print(f"\n{text}\nwritten to {out}", highlight=False, markup=False, soft_wrap=True)


def _compare_extractors(
    dataset: "Dataset",
    weights: Path | None,
    mask_rcnn: dict[str, str | None],
    device: str,
    console: "Console",
) -> list[str]:
    from pix2seg.preprocess.background import MARGIN
    from pix2seg.segmenter import Segmenter
    from pix2seg.train.judge.ablation import SETS, markdown, people_markdown, with_true_mask

    segmenters = {"none": Segmenter(weights, person="none", device=device)}
    for hide, suffix in ((True, GREY), (False, "")):
        for name in EXTRACTORS[1:]:
            options = mask_rcnn if name == "mask-rcnn" else None
            segmenters[name + suffix] = Segmenter(
                weights, person=name, device=device, hide=hide, person_options=options
            )
        segmenters[TRUE_MASK + suffix] = with_true_mask(weights, device, hide, MARGIN)
    table = _run(segmenters, dataset, SETS, console)
    people = {name: table[name, "plain"].people for name in EXTRACTORS[1:]}
    return [markdown(table, SETS, "person"), people_markdown(people, "person on plain photos")]


def _judge_people(folders: list[Path], mask_rcnn: dict[str, str | None], device: str) -> list[str]:
    from pix2seg.preprocess.person import load_extractor
    from pix2seg.train.judge.ablation import people_markdown
    from pix2seg.train.judge.people import PersonScore
    from pix2seg.train.person.photos import main_person, read_person_photos

    if not folders:
        return []
    rows: dict[str, list[PersonScore]] = {"the main person": [], "everyone": []}
    for name, scores in rows.items():
        everyone = name == "everyone"
        extractor = load_extractor("mask-rcnn", device=device, everyone=everyone, **mask_rcnn)
        for folder in folders:
            for photo in read_person_photos(folder, "val"):
                found = extractor.find(photo.pixels)
                truth = photo.labels > 0 if everyone else main_person(photo.labels)
                scores.append(PersonScore.of(found.mask, found.visible(), truth))
    return [people_markdown(rows, f"mask-rcnn, {', '.join(f.name for f in folders)}")]


def _compare_margins(
    dataset: "Dataset",
    weights: Path | None,
    mask_rcnn: dict[str, str | None],
    device: str,
    console: "Console",
) -> str:
    from pix2seg.segmenter import Segmenter
    from pix2seg.train.judge.ablation import margins_markdown

    sets: list[PhotoSet] = ["plain", "busy"]
    segmenters = {
        f"{margin:g}": Segmenter(
            weights,
            person="mask-rcnn",
            device=device,
            hide=True,
            margin=margin,
            person_options=mask_rcnn,
        )
        for margin in MARGINS
    }
    return margins_markdown(_run(segmenters, dataset, sets, console), sets)


def _compare_backgrounds(
    dataset: "Dataset",
    files: list[Path],
    mask_rcnn: dict[str, str | None],
    device: str,
    console: "Console",
) -> str:
    from pix2seg.preprocess.background import MARGIN
    from pix2seg.segmenter import Segmenter
    from pix2seg.train.judge.ablation import SETS, markdown, with_true_mask

    segmenters = {}
    for file in files:
        found = Segmenter(
            file, person="mask-rcnn", device=device, hide=True, person_options=mask_rcnn
        )
        background = found.info.background
        segmenters[f"{background}, mask-rcnn"] = found
        segmenters[f"{background}, {TRUE_MASK}"] = with_true_mask(file, device, True, MARGIN)
    return markdown(_run(segmenters, dataset, SETS, console), SETS, "background, person")


def _run(
    segmenters: "Mapping[str, Segmenter]",
    dataset: "Dataset",
    sets: "Sequence[PhotoSet]",
    console: "Console",
) -> "Table":
    from rich.progress import track

    from pix2seg.train.judge.ablation import photo_sets, run

    photos = photo_sets(dataset, sets)
    total = len(dataset.names("val")) * len(sets)
    return run(segmenters, track(photos, "segmenting", total, console=console, transient=True))
