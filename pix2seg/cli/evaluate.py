"""`pix2seg evaluate`: how good a generator is on photos it has not seen."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from pix2seg.segmenter import Segmenter
    from pix2seg.train.evaluate import EvaluatedPhoto
    from pix2seg.train.scores import Scores


def evaluate(
    data: Annotated[Path, typer.Option(help="A data set that pix2seg prepare wrote.")],
    weights: Annotated[
        Path | None, typer.Option(help="Weights (.safetensors); default: those in the box.")
    ] = None,
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
    person: Annotated[
        str | None, typer.Option(help="Person extractor; default: the one segment uses.")
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, mps.")] = "auto",
) -> None:
    """Score a generator on the validation photos, each at its own size."""
    from rich.console import Console
    from rich.progress import track

    from pix2seg.preprocess.dataset import Dataset
    from pix2seg.segmenter import DEFAULT_PERSON, Segmenter
    from pix2seg.train.evaluate import evaluate as evaluate_photos
    from pix2seg.train.evaluate import total

    console = Console(stderr=True)
    dataset = Dataset(data)
    segmenter = Segmenter(weights, person=person or DEFAULT_PERSON, device=device)
    count = len(dataset.names("val"))
    photos = {}
    seconds = 0.0
    worst_photos = _Worst(*worst) if worst else None
    for photo in track(
        evaluate_photos(segmenter, dataset), "evaluating", count, console=console, transient=True
    ):
        photos[photo.name] = photo.scores
        seconds += photo.result.seconds
        if worst_photos:
            worst_photos.add(photo)
    scores = total(list(photos.values()))
    per_photo = seconds / count
    _print(scores, segmenter, count, per_photo)
    if json_file:
        by_name = {name: round(s.mean_iou, 4) for name, s in photos.items()}
        facts = {"weights": segmenter.info.version, "photos": count, "person": segmenter.person}
        timing = {"seconds_per_photo": round(per_photo, 4), "device": str(segmenter.device)}
        _write(json_file, {**facts, **timing, **scores.to_dict(), "mean_iou_by_photo": by_name})
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

        from pix2seg.files import atomic_write

        for rank, (score, photo) in enumerate(self.photos, 1):
            name = f"{rank:02d}-{score:.3f}-{photo.name.replace('/', '-')}.jpg"
            with atomic_write(self.folder / name) as temporary:
                Image.fromarray(photo.picture()).save(temporary, "JPEG", quality=90)


def _print(scores: "Scores", segmenter: "Segmenter", count: int, per_photo: float) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("class", "IoU", "Dice", box=None)
    for name, iou, dice in zip(scores.names, scores.iou, scores.dice, strict=True):
        table.add_row(name, f"{iou:.3f}", f"{dice:.3f}")
    console = Console()
    console.print(table)
    console.print(
        f"mIoU {scores.mean_iou:.4f}   pixel accuracy {scores.pixel_accuracy:.4f}   {count} photos"
        f" at their own size, {per_photo * 1000:.0f} ms each on {segmenter.device}, person: "
        f"{segmenter.person}\nweights {segmenter.info.version}",
        highlight=False,
    )


def _write(path: Path, facts: dict[str, Any]) -> None:
    import json

    from pix2seg.files import atomic_write

    with atomic_write(path) as temporary:
        temporary.write_text(json.dumps(facts, indent=2) + "\n", "utf-8")
