import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pix2seg.errors import TrainingError
from pix2seg.train.judge.curves import Curve, draw_curves, read_curve, ticks

LINES = (
    {"step": 10, "loss/l1": 0.5},
    {"step": 12, "epoch": 1, "seconds": 90, "val/mean_iou": 0.25},
    {"step": 24, "epoch": 2, "seconds": 180, "val/mean_iou": 0.5},
)


def write_run(run: Path, *lines: object) -> Path:
    run.mkdir()
    (run / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return run


def curve(name: str, *scores: float) -> Curve:
    epochs = tuple(range(1, len(scores) + 1))
    return Curve(name, epochs, tuple(2.0 * epoch for epoch in epochs), scores)


def test_curve_has_a_point_for_each_epoch(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", *LINES)
    assert read_curve(run) == Curve("run", (1, 2), (1.5, 3.0), (0.25, 0.5))


def test_half_a_line_of_a_killed_run_is_left_out(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", *LINES)
    with (run / "metrics.jsonl").open("a") as file:
        file.write('{"step": 36, "epo')
    assert read_curve(run).epochs == (1, 2)


@pytest.mark.parametrize("lines", [[], LINES[:1], [{"epoch": 1}], [7]])
def test_run_without_epochs_is_refused(tmp_path: Path, lines: list[object]) -> None:
    with pytest.raises(TrainingError, match=r"metrics\.jsonl"):
        read_curve(write_run(tmp_path / "run", *lines))


def test_best_run_has_the_first_colour_and_reaches_the_top() -> None:
    picture = draw_curves([curve("low", 0.1, 0.2), curve("high", 0.1, 0.8)]).astype(int)
    plots = picture[44:444, 52:524]
    blue, red = (np.abs(plots - color).max(2) < 12 for color in ([68, 119, 170], [238, 102, 119]))
    assert np.flatnonzero(blue.any(1))[0] < 10
    assert np.flatnonzero(red.any(1))[0] > 250


def test_more_runs_make_the_picture_no_wider() -> None:
    few, many = ([curve(str(i), 0.1 * i, 0.3) for i in range(count)] for count in (2, 30))
    assert draw_curves(few).shape[1] == draw_curves(many).shape[1]
    assert draw_curves(few).shape[0] < draw_curves(many).shape[0]


def test_one_epoch_without_any_success_can_be_drawn() -> None:
    assert draw_curves([curve("nothing", 0.0)]).any()


@given(st.floats(1e-9, 1e9))
def test_ticks_are_few_round_numbers_up_to_the_top(top: float) -> None:
    numbers = ticks(top)
    assert numbers[0] == 0
    assert numbers[-1] <= top * (1 + 1e-6)
    assert 2 <= len(numbers) <= 7
    first_digit = f"{numbers[1]:e}"[:3]
    assert first_digit in ("1.0", "2.0", "5.0")
