"""`pix2seg evaluate`: how good a generator is on photos it has not seen."""

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pix2seg.cli.options import (
    Device,
    EngineName,
    Flip,
    Hide,
    PersonName,
    PersonWeights,
    PrecisionName,
    TrustFiles,
    Weights,
)
from pix2seg.cli.output import check_writable, results
from pix2seg.cli.telling import tracked

if TYPE_CHECKING:
    from rich.console import Console

    from pix2seg.segmenter import Segmenter
    from pix2seg.train.judge.evaluate import Evaluation
    from pix2seg.train.judge.garments import GarmentScores


def evaluate(
    data: Annotated[Path, typer.Option(help="A data set that pix2seg prepare wrote.")],
    weights: Weights = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", dir_okay=False, help="Write the scores to this file.")
    ] = None,
    worst: Annotated[
        tuple[int, Path] | None,
        typer.Option(
            metavar="N DIR",
            help="Write the N photos with the lowest mIoU to DIR: photo, truth, result.",
        ),
    ] = None,
    colors: Annotated[
        bool,
        typer.Option(
            "--colors",
            help="Also tell how far the palettes are from the true pixels (median CIEDE2000), as a "
            "multiple of k-means on the true masks.",
        ),
    ] = False,
    garments: Annotated[
        bool,
        typer.Option(
            "--garments", help="Also tell how well garments are named; prepare ccp knows them."
        ),
    ] = False,
    scale: Annotated[
        float,
        typer.Option(
            min=0.05, max=4, help="Score photos at this share of their size; 0.5 halves them."
        ),
    ] = 1.0,
    person: PersonName = None,
    person_weights: PersonWeights = None,
    trust: TrustFiles = False,
    hide: Hide = None,
    flip: Flip = False,
    engine: EngineName = "auto",
    device: Device = "auto",
    precision: PrecisionName = "auto",
) -> None:
    """Score a generator on validation photos at their own size."""
    import json

    from pix2seg.files import atomic_write
    from pix2seg.memory import keep_freed_memory
    from pix2seg.preprocess.dataset.dataset import Dataset
    from pix2seg.segmenter import Segmenter
    from pix2seg.train.judge.evaluate import Evaluation
    from pix2seg.train.judge.evaluate import evaluate as evaluate_photos
    from pix2seg.train.judge.worst import WorstPhotos

    keep_freed_memory()
    count, folder = worst or (0, Path())
    if worst and count < 1:
        raise typer.BadParameter(f"{count} photos are none; give 1 or more", param_hint="--worst")
    if worst:
        check_writable(folder)
    # A pipe, such as /dev/stdout, may lie where no file can be made.
    if json_file and (json_file.is_file() or not json_file.exists()):
        check_writable(json_file.parent)
    dataset = Dataset(data)
    segmenter = Segmenter(
        weights,
        person=person,
        person_options={"weights": person_weights, "trust": trust},
        engine=engine,
        device=device,
        precision=precision,
        hide=hide,
        flip=flip,
    )
    evaluation = Evaluation(segmenter.scheme, segmenter.margin, colors)
    worst_photos, hidden = WorstPhotos(count), False
    for photo in tracked(
        evaluate_photos(segmenter, dataset, garments=garments, scale=scale),
        "evaluating",
        len(dataset.names("val")),
    ):
        evaluation.add(photo)
        worst_photos.add(photo)
        hidden |= segmenter.hides(photo.result.person)
    _print(evaluation, segmenter, scale)
    if json_file:
        about = {
            "weights": segmenter.info.version,
            "person": segmenter.extractor.version,
            "hide": hidden,
            "flip": segmenter.flip,
            "scale": scale,
            "device": str(segmenter.device),
        }
        with atomic_write(json_file) as temporary:
            text = json.dumps(about | evaluation.to_dict(), indent=2)
            temporary.write_text(text + "\n", "utf-8")
    worst_photos.save(folder)


def _print(evaluation: "Evaluation", segmenter: "Segmenter", scale: float) -> None:
    from rich.table import Table

    from pix2seg.train.judge.scores import READABLE_CLASSES

    scores, ratios = evaluation.scores, evaluation.color_ratios
    last = "colour distance" if ratios else ""
    table = Table("class", "IoU", "Dice", "boundary F", last, box=None)
    columns = zip(scores.names, scores.iou, scores.dice, evaluation.boundary_f, strict=True)
    for name, *values in columns:
        ratio = f"{ratios[name]:.3f}" if name in ratios else ""
        table.add_row(name, *map(_cell, values), ratio)
    confusion = Table("of 100 true pixels", *scores.names, box=None)
    for name, row in zip(scores.names, scores.confusion, strict=True):
        confusion.add_row(name, *(f"{100 * count / max(row.sum(), 1):.1f}" for count in row))
    console = results()
    console.print(table)
    if len(scores.names) <= READABLE_CLASSES:
        console.print(confusion)
    if evaluation.garments:
        _print_garments(evaluation.garments, console)
    extractor, foreground = evaluation.person_iou
    size = "their own size" if scale == 1 else f"{scale:g} of their size"
    console.print(
        f"mIoU {scores.mean_iou:.4f}, weighted by pixels {scores.frequency_weighted_iou:.4f}   "
        f"pixel accuracy {scores.pixel_accuracy:.4f}\nperson IoU {foreground:.4f}, of the "
        f"extractor alone {extractor:.4f}\n"
        f"{len(evaluation.photos)} photos at {size}, "
        f"{evaluation.seconds_per_photo * 1000:.0f} ms each on {segmenter.device}, person: "
        f"{segmenter.extractor.version}\nweights {segmenter.info.version}",
    )


def _cell(score: float) -> str:
    """A score; nothing where there is none, for want of pixels."""
    return "" if math.isnan(score) else f"{score:.3f}"


def _print_garments(found: "GarmentScores", console: "Console") -> None:
    from rich.table import Table

    table = Table("kind", "IoU", "large", "kind right", box=None)
    rows = zip(found.scores.names, found.scores.iou, found.large, found.right, strict=True)
    for name, iou, large, right in rows:
        table.add_row(name, _cell(iou), f"{large}", f"{right / large:.0%}" if large else "")
    console.print(table)
    of_big = found.mean_iou_of_big
    big = "none there" if math.isnan(of_big) else f"{of_big:.4f}"
    console.print(
        f"garments: mIoU {found.scores.mean_iou:.4f}   of the big kinds {big}   kind right "
        f"{found.share_right:.1%} of {found.large.sum()} garments above 1 % of their photo",
    )
