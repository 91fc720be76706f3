"""`pix2seg evaluate`: how good a generator is on photos it has not seen."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pix2seg.cli.options import Device, Flip, Hide, PersonName, Weights

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from pix2seg.segmenter import Segmenter
    from pix2seg.train.judge.evaluate import EvaluatedPhoto
    from pix2seg.train.judge.scores import Scores


def evaluate(
    data: Annotated[Path, typer.Option(help="A data set that pix2seg prepare wrote.")],
    weights: Weights = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write the scores to this file.")
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
    person: PersonName = None,
    hide: Hide = None,
    flip: Flip = False,
    device: Device = "auto",
) -> None:
    """Score a generator on the validation photos, each at its own size."""
    from statistics import median

    import numpy as np
    from rich.console import Console
    from rich.progress import track

    from pix2seg.preprocess.dataset.dataset import Dataset
    from pix2seg.segmenter import Segmenter
    from pix2seg.train.judge.boundary import boundary_f
    from pix2seg.train.judge.colors import class_ratios
    from pix2seg.train.judge.evaluate import evaluate as evaluate_photos
    from pix2seg.train.judge.evaluate import total
    from pix2seg.train.judge.scores import rounded

    console = Console(stderr=True)
    dataset = Dataset(data)
    segmenter = Segmenter(weights, person=person, device=device, hide=hide, flip=flip)
    count = len(dataset.names("val"))
    photos = {}
    ratios: dict[str, list[float]] = {}
    boundaries = np.zeros((len(segmenter.scheme), 4), np.int64)
    seconds = 0.0
    worst_photos = _Worst(*worst) if worst else None
    for photo in track(
        evaluate_photos(segmenter, dataset), "evaluating", count, console=console, transient=True
    ):
        photos[photo.name] = photo.scores
        boundaries = boundaries + photo.boundaries
        seconds += photo.result.seconds
        if worst_photos:
            worst_photos.add(photo)
        if colors:
            for name, ratio in class_ratios(photo.result, photo.truth).items():
                ratios.setdefault(name, []).append(ratio)
    medians = {name: round(median(values), 4) for name, values in ratios.items()}
    scores, outlines = total(list(photos.values())), boundary_f(boundaries)
    per_photo = seconds / count
    _print(scores, outlines, medians, segmenter, count, per_photo)
    if json_file:
        report = {
            "weights": segmenter.info.version,
            "person": segmenter.extractor.version,
            "hide": segmenter.hide,
            "flip": segmenter.flip,
            "device": str(segmenter.device),
            "photos": count,
            "seconds_per_photo": round(per_photo, 4),
            **scores.to_dict(),
            "boundary_f": {
                name: rounded(value) for name, value in zip(scores.names, outlines, strict=True)
            },
            "color_distance_ratio": medians,
            "mean_iou_by_photo": {n: round(s.mean_iou, 4) for n, s in photos.items()},
        }
        _write(json_file, report)
    if worst_photos:
        worst_photos.write()


class _Worst:
    """Keeps the pictures of the photos with the lowest mIoU, and no more than are asked for."""

    def __init__(self, count: int, folder: Path) -> None:
        self.count, self.folder = count, folder
        self.photos: list[tuple[float, EvaluatedPhoto]] = []

    def add(self, photo: "EvaluatedPhoto") -> None:
        self.photos.append((photo.scores.mean_iou, photo))
        self.photos = sorted(self.photos, key=lambda p: p[0])[: self.count]

    def write(self) -> None:
        from PIL import Image

        from pix2seg.files import write_image

        for rank, (score, photo) in enumerate(self.photos, 1):
            name = f"{rank:02d}-{score:.3f}-{photo.name.replace('/', '-')}.jpg"
            picture = Image.fromarray(photo.picture())
            write_image(self.folder / name, picture, "JPEG", quality=90)


def _print(
    scores: "Scores",
    outlines: "NDArray[np.float64]",
    ratios: dict[str, float],
    segmenter: "Segmenter",
    count: int,
    per_photo: float,
) -> None:
    from rich.console import Console
    from rich.table import Table

    from pix2seg.train.judge.scores import READABLE_CLASSES

    last = "colour distance" if ratios else ""
    table = Table("class", "IoU", "Dice", "boundary F", last, box=None)
    columns = zip(scores.names, scores.iou, scores.dice, outlines, strict=True)
    for name, *values in columns:
        ratio = f"{ratios[name]:.3f}" if name in ratios else ""
        table.add_row(name, *(f"{value:.3f}" for value in values), ratio)
    confusion = Table("of 100 true pixels", *scores.names, box=None)
    for name, row in zip(scores.names, scores.confusion, strict=True):
        confusion.add_row(name, *(f"{100 * count / max(row.sum(), 1):.1f}" for count in row))
    console = Console()
    console.print(table)
    if len(scores.names) <= READABLE_CLASSES:
        console.print(confusion)
    console.print(
        f"mIoU {scores.mean_iou:.4f}   pixel accuracy {scores.pixel_accuracy:.4f}   {count} photos"
        f" at their own size, {per_photo * 1000:.0f} ms each on {segmenter.device}, person: "
        f"{segmenter.extractor.version}\nweights {segmenter.info.version}",
        highlight=False,
    )


def _write(path: Path, facts: dict[str, Any]) -> None:
    import json

    from pix2seg.files import atomic_write

    with atomic_write(path) as temporary:
        temporary.write_text(json.dumps(facts, indent=2) + "\n", "utf-8")
