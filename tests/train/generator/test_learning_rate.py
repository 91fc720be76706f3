import re

from typer.testing import CliRunner

from pix2seg.cli import app
from pix2seg.device import choose_device
from pix2seg.preprocess.dataset.dataset import Dataset
from pix2seg.train.generator.learning_rate import HIGHEST, LOWEST, RangePoint, range_test, suggested
from pix2seg.train.recipe import SegmentationRecipe, parse_recipe, read_recipe


def test_rate_rises_and_the_loss_falls_before_it_diverges(
    small_dataset: Dataset, small_overrides: tuple[str, ...]
) -> None:
    recipe = parse_recipe(read_recipe("pix2pix-ccp4", small_overrides))
    assert isinstance(recipe, SegmentationRecipe)
    points = range_test(recipe, small_dataset, choose_device("cpu"), 60)
    rates = [point.learning_rate for point in points]
    assert rates[0] == LOWEST
    assert rates == sorted(rates)
    assert rates[-1] <= HIGHEST * 1.001
    assert min(point.loss for point in points) < 0.9 * points[0].loss
    assert LOWEST < suggested(points) < HIGHEST


def test_suggestion_is_a_third_of_the_best_and_ignores_what_is_not_finite() -> None:
    points = [RangePoint(1e-3, 2.0), RangePoint(3e-3, 1.0), RangePoint(1e-2, float("nan"))]
    assert suggested(points) == 1e-3


def test_command_suggests_an_override(
    small_dataset: Dataset, small_overrides: tuple[str, ...]
) -> None:
    sets = [word for override in small_overrides for word in ("--set", override)]
    chosen = ["--recipe", "pix2pix-ccp4", "--data", str(small_dataset.root), "--steps", "10"]
    result = CliRunner().invoke(app, ["learning-rate", *chosen, *sets, "--device", "cpu"])
    assert result.exit_code == 0, result.output
    assert "suggested: --set optimizer.learning_rate=" in result.output
    rows = [line for line in result.output.splitlines() if re.fullmatch(r"\s*\S+e-\d+ .*", line)]
    assert 2 <= len(rows) == len(set(rows)) <= 10
    result = CliRunner().invoke(app, ["learning-rate", "--recipe", "person-mask-rcnn", *chosen[2:]])
    assert "trains no generator" in str(result.exception)
