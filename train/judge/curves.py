"""How runs learned: validation mIoU over epochs and over minutes, as one picture."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from pix2seg.errors import TrainingError
from pix2seg.train.run.run_log import whole_lines

SCALE = 3
"""The picture is drawn this many times larger, and shrunk, so that lines are smooth."""

PANEL = 470, 400
"""Width and height of a panel's plot, in pixels."""

LEFT, TOP, BOTTOM, GAP = 52, 44, 52, 46
"""Room around the panels, in pixels; the gap is between them and before the names."""

NAME_WIDTH, NAME_HEIGHT = 300, 22

INK, PALE = "#333333", "#e4e4e4"

COLORS = (
    "#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee", "#aa3377",
    "#bb7733", "#000000", "#8877cc", "#99aa00", "#dd99bb", "#999999",
)  # fmt: skip
"""Of the lines, which are dashed from the thirteenth on."""


@dataclass(frozen=True)
class Curve:
    """A run's validation mIoU after each epoch.

    Attributes:
        name: of the run's folder.
        epochs: counted from 1.
        minutes: of training until then.
        scores: mIoU, 0..1.
    """

    name: str
    epochs: tuple[float, ...]
    minutes: tuple[float, ...]
    scores: tuple[float, ...]


def read_curve(run: Path) -> Curve:
    """What a run's `metrics.jsonl` says of its epochs.

    Raises:
        TrainingError: the file is missing or broken, or tells of no epoch.
    """
    path = run / "metrics.jsonl"
    try:
        lines = [json.loads(line) for line in whole_lines(path)]
        epochs = [line for line in lines if "epoch" in line]
        points = [(e["epoch"], e["seconds"] / 60, e["val/mean_iou"]) for e in epochs]
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise TrainingError(f"cannot read {path} ({error}); train the run anew") from error
    if not points:
        raise TrainingError(f"{path} tells of no epoch; train the run to the end of one")
    return Curve(run.resolve().name, *zip(*points, strict=True))


def draw_curves(curves: Sequence[Curve]) -> NDArray[np.uint8]:
    """Two panels, over epochs and over minutes, and the runs' names, best first. RGB uint8."""
    ranked = sorted(curves, key=lambda curve: -max(curve.scores))
    width = LEFT + 2 * (PANEL[0] + GAP) + NAME_WIDTH
    height = TOP + max(PANEL[1] + BOTTOM, len(ranked) * NAME_HEIGHT)
    image = Image.new("RGB", (SCALE * width, SCALE * height), "white")
    draw = ImageDraw.Draw(image)
    top = max(max(curve.scores) for curve in ranked)
    for panel, (title, values) in enumerate(
        (("epochs", [c.epochs for c in ranked]), ("minutes", [c.minutes for c in ranked]))
    ):
        axes = _Axes(draw, LEFT + panel * (PANEL[0] + GAP), max(map(max, values)), top)
        axes.frame(title)
        for number, (curve, along) in enumerate(zip(ranked, values, strict=True)):
            axes.line(along, curve.scores, number)
    _names(draw, width - NAME_WIDTH, ranked)
    return np.asarray(image.resize((width, height), Image.Resampling.LANCZOS), np.uint8)


def ticks(top: float, count: int = 5) -> list[float]:
    """About `count` round numbers from 0 to `top`, which is above 0."""
    rough = top / count
    power = 10 ** np.floor(np.log10(rough))
    step = power * next(factor for factor in (1, 2, 5, 10) if factor * power >= rough)
    return [float(i * step) for i in range(int(top / step * (1 + 1e-9)) + 1)]


@dataclass(frozen=True)
class _Axes:
    """A panel whose plot begins at `left`, from (0, 0) to (right, top)."""

    draw: ImageDraw.ImageDraw
    left: int
    right: float
    top: float

    def place(self, x: float, y: float) -> tuple[float, float]:
        """Where a point lies in the enlarged picture."""
        across, up = x / max(self.right, 1e-9), y / max(self.top, 1e-9)
        return SCALE * (self.left + PANEL[0] * across), SCALE * (TOP + PANEL[1] * (1 - up))

    def frame(self, title: str) -> None:
        """Grid, numbers and titles."""
        for x in ticks(max(self.right, 1e-9)):
            self.draw.line([self.place(x, 0), self.place(x, self.top)], PALE, SCALE)
            self._text(self.place(x, 0), f"{x:g}", (0, 8), "mt")
        for y in ticks(max(self.top, 1e-9)):
            self.draw.line([self.place(0, y), self.place(self.right, y)], PALE, SCALE)
            self._text(self.place(0, y), f"{y:g}", (-8, 0), "rm")
        self._text(self.place(self.right / 2, 0), title, (0, 30), "mt")
        self._text(self.place(0, self.top), "validation mIoU", (0, -16), "ls")

    def line(self, x: Sequence[float], y: Sequence[float], number: int) -> None:
        """A run's line, with a dot on its best point."""
        points = [self.place(*point) for point in zip(x, y, strict=True)]
        _stroke(self.draw, points, number)
        best_x, best_y = points[int(np.argmax(y))]
        radius = 4 * SCALE
        box = (best_x - radius, best_y - radius, best_x + radius, best_y + radius)
        self.draw.ellipse(box, COLORS[number % len(COLORS)], "white", SCALE)

    def _text(
        self, place: tuple[float, float], text: str, offset: tuple[int, int], anchor: str
    ) -> None:
        x, y = place[0] + SCALE * offset[0], place[1] + SCALE * offset[1]
        self.draw.text((x, y), text, INK, ImageFont.load_default(13 * SCALE), anchor=anchor)


def _names(draw: ImageDraw.ImageDraw, left: int, curves: Sequence[Curve]) -> None:
    """The best score and name of each run beside its line."""
    font = ImageFont.load_default(13 * SCALE)
    for number, curve in enumerate(curves):
        y = SCALE * (TOP + NAME_HEIGHT * number + 8)
        _stroke(draw, [(SCALE * left, y), (SCALE * (left + 26), y)], number)
        text = f"{max(curve.scores):.3f}  {curve.name}"
        draw.text((SCALE * (left + 34), y), text, INK, font, anchor="lm")


def _stroke(draw: ImageDraw.ImageDraw, points: Sequence[tuple[float, float]], number: int) -> None:
    """A line through points, dashed where the colours came round."""
    color, dash = COLORS[number % len(COLORS)], 6 * SCALE
    if number < len(COLORS):
        draw.line(points, color, 2 * SCALE, joint="curve")
        return
    corners = np.array(points)
    lengths = np.r_[0, np.hypot(*np.diff(corners, axis=0).T).cumsum()]
    for begin in np.arange(0, lengths[-1], 2 * dash):
        along = np.linspace(begin, min(begin + dash, lengths[-1]), 8)
        part = [np.interp(along, lengths, corners[:, axis]) for axis in (0, 1)]
        draw.line(list(zip(*part, strict=True)), color, 2 * SCALE)
