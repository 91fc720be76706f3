"""What `pix2seg compare` found, as Markdown tables."""

import math
from collections.abc import Sequence
from statistics import mean, median, stdev

from pix2seg.train.judge.compare import ComparedRun
from pix2seg.train.judge.scores import READABLE_CLASSES


def markdown(runs: Sequence[ComparedRun]) -> str:
    """A table of all runs, then one of the classes of each scheme.

    Runs that differ in nothing but the seed or the fold make one row, with mean and standard
    deviation.
    """
    groups: dict[str, list[ComparedRun]] = {}
    for run in runs:
        groups.setdefault(run.system, []).append(run)
    systems = list(groups.values())
    tables = [_overview(systems)]
    for name in dict.fromkeys(run.evaluation.scheme.name for run in runs):
        of_scheme = [group for group in systems if group[0].evaluation.scheme.name == name]
        few = len(of_scheme[0][0].evaluation.scheme) <= READABLE_CLASSES
        tables.append(_by_class(of_scheme) if few else _by_label(of_scheme))
    return "\n".join(tables)


def _overview(systems: Sequence[Sequence[ComparedRun]]) -> str:
    lines = [
        "| run | data | size | classes | mIoU | on four classes | weighted by pixels "
        "| pixel accuracy | M parameters | GFLOPs | ms a photo | epochs | training, min |",
        "| --- | --- | --- |" + " ---: |" * 10,
    ]
    for group in systems:
        first = group[0]
        evaluations = [run.evaluation for run in group]
        coarse = [merged.mean_iou for e in evaluations if (merged := e.coarse)]
        cells = [
            _name(group),
            first.source,
            first.size,
            str(len(first.evaluation.scheme)),
            _spread([e.scores.mean_iou for e in evaluations]),
            _spread(coarse) if coarse else "",
            _spread([e.scores.frequency_weighted_iou for e in evaluations]),
            _spread([e.scores.pixel_accuracy for e in evaluations]),
            f"{first.parameters / 1e6:.1f}",
            f"{first.flops / 1e9:.1f}",
            f"{1000 * median(e.seconds_per_photo for e in evaluations):.0f}",
            f"{median(run.epochs for run in group):.0f}",
            f"{median(run.training_seconds for run in group) / 60:.1f}",
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _by_class(systems: Sequence[Sequence[ComparedRun]]) -> str:
    """IoU, Dice and boundary F of each class."""
    names = systems[0][0].evaluation.scheme.names
    lines = [
        "| run | " + " | ".join(f"{name}: IoU | Dice | F" for name in names) + " |",
        "| --- |" + " ---: |" * 3 * len(names),
    ]
    for group in systems:
        cells = []
        for i in range(len(names)):
            for values in (
                [run.evaluation.scores.iou[i] for run in group],
                [run.evaluation.scores.dice[i] for run in group],
                [run.evaluation.boundary_f[i] for run in group],
            ):
                cells.append(_spread([float(value) for value in values]))
        lines.append(f"| {_name(group)} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _by_label(systems: Sequence[Sequence[ComparedRun]]) -> str:
    """Of each of many classes, most frequent first: IoU, and in how many photos it is found."""
    first = systems[0][0]
    names, shown = first.evaluation.scheme.names, first.dataset.facts.classes
    lines = [
        "| class | share of photos | of pixels | "
        + " | ".join(f"{_name(group)}: IoU | found" for group in systems)
        + " |",
        "| --- | ---: | ---: |" + " ---: | ---: |" * len(systems),
    ]
    for i in sorted(range(len(names)), key=lambda i: -shown[names[i]]["photos"]):
        share = shown[names[i]]
        cells = [names[i], f"{share['photos']:.1%}", f"{share['pixels']:.2%}"]
        for group in systems:
            photos, found = sum(run.evaluation.photos_with[i] for run in group)
            cells.append(_spread([float(run.evaluation.scores.iou[i]) for run in group]))
            cells.append(f"{found} of {photos}")
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _name(group: Sequence[ComparedRun]) -> str:
    if len(group) == 1:
        return group[0].name
    seeds, folds = {run.recipe["seed"] for run in group}, {run.dataset.facts.fold for run in group}
    kinds = {(len(group), 1): "seeds", (1, len(group)): "folds"}
    kind = kinds.get((len(seeds), len(folds)), "runs")
    return f"{group[0].name} ({len(group)} {kind})"


def _spread(values: Sequence[float]) -> str:
    """Mean and standard deviation; nothing of classes that never occur."""
    known = [value for value in values if not math.isnan(value)]
    if not known:
        return ""
    return f"{mean(known):.3f}" + (f" ± {stdev(known):.3f}" if len(known) > 1 else "")
