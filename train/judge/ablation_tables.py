"""The tables of `train.judge.ablation`, in Markdown."""

from collections.abc import Mapping, Sequence

import numpy as np

from pix2seg.train.judge.evaluate import Evaluation
from pix2seg.train.judge.people import PersonScore, summarise
from pix2seg.train.judge.photo_sets import PhotoSet

Table = Mapping[tuple[str, PhotoSet], Evaluation]
"""What each way to segment reached on each set of photos, but for sets that no photo is in."""


def markdown(table: Table, sets: Sequence[PhotoSet], heading: str) -> str:
    """A table of mean IoU and median milliseconds, a row for each way."""
    names = list(dict.fromkeys(name for name, _ in table))
    lines = [
        f"| {heading} | " + " | ".join(f"{column}, mIoU | ms" for column in sets) + " |",
        "| --- |" + " ---: | ---: |" * len(sets),
    ]
    for name in names:
        cells = [table.get((name, column)) for column in sets]
        texts = (
            f"{cell.scores.mean_iou:.3f} | {1000 * cell.seconds_per_photo:.0f}" if cell else " | "
            for cell in cells
        )
        lines.append(f"| {name} | " + " | ".join(texts) + " |")
    return "\n".join(lines) + "\n"


def outlines_markdown(table: Table, sets: Sequence[PhotoSet], heading: str) -> str:
    """A table of how well all classes together outline the person, a row for each way."""
    lines = [
        f"| {heading} | " + " | ".join(f"{column}, person IoU" for column in sets) + " |",
        "| --- |" + " ---: |" * len(sets),
    ]
    for name in dict.fromkeys(name for name, _ in table):
        cells = [table.get((name, column)) for column in sets]
        ious = [
            [scores.foreground_iou for scores in cell.photos.values()] if cell else []
            for cell in cells
        ]
        means = (f"{np.mean(iou):.3f}" if iou else "" for iou in ious)
        lines.append(f"| {name} | " + " | ".join(means) + " |")
    return "\n".join(lines) + "\n"


def people_markdown(rows: Mapping[str, Sequence[PersonScore]], heading: str) -> str:
    """A table of how well people are found, a row for each way."""
    lines = [
        f"| {heading} | photos | person IoU | kept | kept after the margin | missed | not found |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for name, scores in rows.items():
        facts = summarise(scores)
        lines.append(
            f"| {name} | {len(scores)} | {facts['iou']:.3f} | {facts['kept']:.1%} | "
            f"{facts['kept_with_margin']:.1%} | {facts['missed']:.0f} | "
            f"{facts['not_found']:.0f} |"
        )
    return "\n".join(lines) + "\n"


def margins_markdown(table: Table, sets: Sequence[PhotoSet]) -> str:
    """A table of what each margin keeps of the person, and of mean IoU."""
    lines = [
        "| margin | kept after the margin | "
        + " | ".join(f"{column}, mIoU" for column in sets)
        + " |",
        "| --- | ---: |" + " ---: |" * len(sets),
    ]
    for name in dict.fromkeys(name for name, _ in table):
        kept = summarise(table[name, sets[0]].people)["kept_with_margin"]
        scores = " | ".join(f"{table[name, column].scores.mean_iou:.4f}" for column in sets)
        lines.append(f"| {name} | {kept:.2%} | {scores} |")
    return "\n".join(lines) + "\n"
