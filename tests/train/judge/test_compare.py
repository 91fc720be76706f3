import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image
from typer.testing import CliRunner

from pix2seg.classes import load_scheme
from pix2seg.cli import app
from pix2seg.errors import DatasetError, PersonError, TrainingError
from pix2seg.preprocess.dataset.dataset import Dataset
from pix2seg.train.judge import compare_tables
from pix2seg.train.judge.compare import compare_run, photos_to_show, read_run
from pix2seg.train.judge.compare_figure import PICTURE_HEIGHT, figure
from pix2seg.train.judge.compare_tables import markdown


def trained(run: Path, dataset: Dataset, *overrides: str) -> Path:
    sets = [word for override in overrides for word in ("--set", override)]
    arguments = ["--recipe", "pix2pix-ccp4", "--data", str(dataset.root), "--device", "cpu"]
    result = CliRunner().invoke(app, ["train", "--run", str(run), *arguments, *sets])
    assert result.exit_code == 0, result.output
    return run


@pytest.fixture(scope="module")
def runs(
    small_dataset: Dataset,
    small_overrides: tuple[str, ...],
    tmp_path_factory: pytest.TempPathFactory,
) -> list[Path]:
    """Two runs that differ in the seed, and one of another kind."""
    short = (*small_overrides, "schedule.epochs=1")
    folder = tmp_path_factory.mktemp("runs")
    plain = ("generator.head=tanh", "loss.cross_entropy_weight=0", "loss.dice_weight=0")
    return [
        trained(folder / "first", small_dataset, *short),
        trained(folder / "second", small_dataset, *short, "seed=2"),
        trained(folder / "plain", small_dataset, *short, *plain),
    ]


def test_table_and_figure_have_a_row_for_each_system(runs: list[Path], tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["compare", *map(str, runs), "--out", str(tmp_path)])
    assert result.exit_code == 0, result.output
    tables = (tmp_path / "comparison.md").read_text()
    assert tables.count("| first (2 seeds) |") == 2
    assert tables.count("| plain |") == 2
    assert "±" in tables
    facts = json.loads((tmp_path / "comparison.json").read_text())
    assert [run["run"] for run in facts] == ["first", "second", "plain"]
    for run in facts:
        assert run["four_class_mean_iou"] == run["mean_iou"]
        assert run["flops"] > 2 * run["parameters"] > 0
    with Image.open(tmp_path / "t.jpg") as figure:
        assert figure.height == 5 * 260  # photo, truth and three runs
    with Image.open(tmp_path / "curves.png") as curves:
        assert curves.format == "PNG"


def test_runs_of_other_folds_make_one_row_and_those_of_another_start_do_not(
    runs: list[Path], small_dataset: Dataset
) -> None:
    compared = compare_run(runs[0], small_dataset, [], "cpu")
    other_fold = Dataset(small_dataset.root)
    other_fold.facts.fold = "2/5"
    train, val = (small_dataset.names(split) for split in ("train", "val"))
    other_fold.splits = {"train": [*train[2:], *val], "val": train[:2]}
    folds = markdown([compared, replace(compared, dataset=other_fold)])
    assert "| first (2 folds) |" in folds
    starts = markdown([compared, replace(compared, name="warm", init="x/best.safetensors")])
    assert "| first |" in starts
    assert "| warm |" in starts


def test_runs_are_of_one_kind_whose_starts_were_trained_alike(
    runs: list[Path], small_dataset: Dataset
) -> None:
    compared = compare_run(runs[0], small_dataset, [], "cpu")
    names = ("first", "second", "plain")
    first, second, plain = (
        replace(compared, name=name, init=str(run / "best.safetensors"))
        for name, run in zip(names, runs, strict=True)
    )
    table = markdown([first, second, plain])
    assert "| first (2 runs) |" in table  # their own seed is the same
    assert "| plain |" in table


def test_runs_on_other_photos_or_other_data_of_them_are_systems_of_their_own(
    runs: list[Path], small_dataset: Dataset
) -> None:
    compared = compare_run(runs[0], small_dataset, [], "cpu")
    facts = (
        {"size": [128, 192]},
        {"scheme": load_scheme("dress3").to_dict()},
        {"person": "mask-rcnn 0123"},
        {"person_options": {"weights": "x.safetensors"}},
        {"classes": {**small_dataset.facts.classes, "hair": {"pixels": 0.5, "photos": 0.5}}},
    )
    others = [Dataset(small_dataset.root) for _ in (*facts, "photos")]
    for other, changed in zip(others, facts, strict=False):
        other.facts = other.facts.model_copy(update=changed)
    train, val = (small_dataset.names(split) for split in ("train", "val"))
    others[-1].splits = {"train": ["another", *train[1:]], "val": val}
    apart = [replace(compared, name=f"r{i}", dataset=other) for i, other in enumerate(others)]
    table = markdown([compared, *apart])
    assert all(f"| {run.name} |" in table for run in (compared, *apart))


def test_folds_with_tagged_photos_make_one_row(runs: list[Path], small_dataset: Dataset) -> None:
    compared = compare_run(runs[0], small_dataset, [], "cpu")
    folds = []
    for fold, tagged in (("1/5", ["1707", "1800"]), ("2/5", ["1800"])):
        dataset = Dataset(small_dataset.root)
        changed = {"fold": fold, "tagged": True, "photos": 8 + len(tagged)}
        dataset.facts = dataset.facts.model_copy(update=changed)
        dataset.splits = {
            "train": [*small_dataset.names("train"), *tagged],
            "val": small_dataset.names("val"),
        }
        folds.append(replace(compared, dataset=dataset))
    assert "| first (2 folds) |" in markdown(folds)


def test_a_run_that_is_given_twice_is_compared_once(runs: list[Path], tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(runs[0])
    again = runs[0].parent / "plain" / ".." / runs[0].name
    words = ["compare", str(runs[0]), str(again), str(link), "--out", str(tmp_path / "out")]
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 0, result.output
    (facts,) = json.loads((tmp_path / "out" / "comparison.json").read_text())
    assert facts["run"] == "first"
    assert "| first |" in (tmp_path / "out" / "comparison.md").read_text()


def test_runs_are_called_by_seeds_or_folds_only_where_each_has_its_own(
    runs: list[Path], small_dataset: Dataset
) -> None:
    compared = compare_run(runs[0], small_dataset, [], "cpu")
    second = replace(compared, recipe={**compared.recipe, "seed": 2})
    assert "| first (2 seeds) |" in markdown([compared, second])
    assert "| first (2 runs) |" in markdown([compared, compared])
    assert "| first (3 runs) |" in markdown([compared, second, second])


def test_run_that_seems_to_begin_with_itself_is_compared(
    runs: list[Path], small_dataset: Dataset
) -> None:
    compared = compare_run(runs[0], small_dataset, [], "cpu")
    moved = runs[0].with_name("moved")
    shutil.copytree(runs[0], moved)
    settings = json.loads((moved / "run.json").read_text())
    weights = str(moved / "best.safetensors")
    (moved / "run.json").write_text(json.dumps({**settings, "init": weights}))
    assert "| moved |" in markdown([replace(compared, name="moved", init=weights)])


def test_many_classes_have_a_row_each_with_the_photos_they_are_found_in(
    runs: list[Path], small_dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compare_tables, "READABLE_CLASSES", 3)
    compared = compare_run(runs[0], small_dataset, [], "cpu")
    lines = markdown([compared]).splitlines()
    photos = len(small_dataset.names("val"))
    (background,) = (line for line in lines if line.startswith("| background |"))
    share = small_dataset.facts.classes["background"]["pixels"]
    iou = compared.evaluation.scores.iou[0]
    shown = f"| background | 100.0% | {share:.2%} | {iou:.3f} |"
    assert background.startswith(shown)
    assert background.endswith(f" of {photos} |")


def test_scores_are_those_of_evaluate(
    runs: list[Path], small_dataset: Dataset, tmp_path: Path
) -> None:
    compared = compare_run(runs[0], read_run(runs[0]), [], "cpu")
    report = tmp_path / "report.json"
    arguments = ["--data", str(small_dataset.root), "--weights", str(runs[0] / "best.safetensors")]
    assert CliRunner().invoke(app, ["evaluate", *arguments, "--json", str(report)]).exit_code == 0
    expected = json.loads(report.read_text())
    assert compared.to_dict()["mean_iou"] == expected["mean_iou"]
    assert compared.to_dict()["boundary_f"] == expected["boundary_f"]


def test_other_extractors_do_not_get_the_options_of_the_data_sets_own(
    runs: list[Path], small_dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The runs' weights go with the Mask R-CNN, which has no option `config`.
    facts = {"person": "x", "person_options": {"config": "x"}}
    dataset = Dataset(small_dataset.root)
    other = dataset.facts.model_copy(update={**facts, "extractor": "detectron2"})
    monkeypatch.setattr(dataset, "facts", other)
    assert compare_run(runs[0], dataset, [], "cpu", trust=True).evaluation.photos
    monkeypatch.setattr(dataset, "facts", other.model_copy(update={"extractor": "mask-rcnn"}))
    with pytest.raises(PersonError, match="no option config"):
        compare_run(runs[0], dataset, [], "cpu")


def copied(original: Path, dataset: Dataset, folder: Path) -> tuple[Path, Path]:
    """A run and its data, to be changed."""
    run, data = folder / "run", folder / "data"
    shutil.copytree(original, run)
    shutil.copytree(dataset.root, data)
    settings = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps({**settings, "data": [str(data)]}))
    return run, data


def test_source_of_the_photos_names_no_file_elsewhere(
    runs: list[Path], small_dataset: Dataset, tmp_path: Path
) -> None:
    run, data = copied(runs[0], small_dataset, tmp_path)
    facts = json.loads((data / "dataset.json").read_text())
    (data / "dataset.json").write_text(json.dumps({**facts, "source": "../../x"}))
    out = tmp_path / "a" / "b" / "out"
    result = CliRunner().invoke(app, ["compare", str(run), "--out", str(out), "--device", "cpu"])
    assert result.exit_code == 0, result.output
    assert sorted(f.name for f in out.iterdir()) == [
        "comparison.json",
        "comparison.md",
        "curves.png",
        "x.jpg",
    ]
    assert not list(tmp_path.glob("*.jpg"))


def test_other_photos_of_the_same_names_are_not_shown_as_one(
    runs: list[Path], small_dataset: Dataset, tmp_path: Path
) -> None:
    run, data = copied(runs[0], small_dataset, tmp_path)
    first, *_ = small_dataset.names("val")
    for file in (data / "full").rglob(f"{first}.*"):
        with Image.open(file) as image:
            image.crop((0, 0, image.width // 2, image.height)).save(file)
    out = tmp_path / "out"
    result = CliRunner().invoke(app, ["compare", str(runs[0]), str(run), "--out", str(out)])
    assert result.exit_code == 0, result.output
    datasets = [small_dataset, Dataset(data)]
    assert photos_to_show(datasets, 6) == small_dataset.names("val")[1:]


def test_mask_of_another_size_is_named(
    runs: list[Path], small_dataset: Dataset, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    shutil.copytree(small_dataset.root, data)
    mask = next((data / "full" / "masks").glob("*.png"))
    Image.new("L", (4, 4)).save(mask)
    with pytest.raises(DatasetError, match=rf"{mask.name} does not fit"):
        compare_run(runs[0], Dataset(data), [], "cpu")


def test_runs_with_people_or_tagged_photos_and_without_are_systems_of_their_own(
    runs: list[Path], small_dataset: Dataset, tmp_path: Path
) -> None:
    compared = compare_run(runs[0], small_dataset, [], "cpu")
    with_people = replace(compared, name="people", people=[tmp_path])
    tagged = Dataset(small_dataset.root)
    tagged.facts.tagged = True
    with_tagged = replace(compared, name="tagged", dataset=tagged)
    table = markdown([compared, with_people, with_tagged])
    assert all(f"| {name} |" in table for name in ("first", "people", "tagged"))


def test_data_prepared_anew_in_another_way_is_refused(
    runs: list[Path], small_dataset: Dataset, tmp_path: Path
) -> None:
    run, data = copied(runs[0], small_dataset, tmp_path)
    assert read_run(run).root == data
    names = json.loads((data / "split.json").read_text())
    (data / "split.json").write_text(json.dumps({"train": names["val"], "val": names["train"]}))
    with pytest.raises(TrainingError, match="other photos, masks or folds") as error:
        read_run(run)
    assert "\n" not in str(error.value)


def test_folder_without_a_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="no run to resume or to read"):
        read_run(tmp_path)


def test_finer_schemes_fall_into_four_classes() -> None:
    four, fine, dress = (load_scheme(name) for name in ("four", "ccp59", "dress3"))
    table = fine.merged_into(four)
    assert table is not None
    by_name = dict(zip(fine.names, table, strict=True))
    assert [by_name[name] for name in ("skin", "hair", "dress", "bag")] == [1, 2, 3, 3]
    assert by_name[fine.names[0]] == 0
    merged = load_scheme("ccp29").merged_into(four)
    assert merged is not None
    assert set(merged.tolist()) == {0, 1, 2, 3}
    assert np.array_equal(four.merged_into(four), np.arange(4))  # type: ignore[arg-type]
    assert dress.merged_into(four) is None  # its background holds hair and coats
    assert load_scheme("garment2").merged_into(four) is None


def test_photos_that_lie_on_their_side_are_shown_upright(
    runs: list[Path], small_dataset: Dataset, tmp_path: Path
) -> None:
    turned = tmp_path / "turned"
    shutil.copytree(small_dataset.root, turned)
    (name, *_) = small_dataset.names("val")
    (file,) = (turned / "full" / "photos").glob(f"{name}.*")
    with Image.open(file) as image:
        exif = image.getexif()
        exif[ExifTags.Base.Orientation] = 8
        image.transpose(Image.Transpose.ROTATE_270).save(file, exif=exif)
    compared = compare_run(runs[0], Dataset(turned), [name], "cpu")
    assert len(figure([compared], [Dataset(turned)])) == 3 * PICTURE_HEIGHT


def test_data_that_were_moved_are_asked_for(runs: list[Path], tmp_path: Path) -> None:
    run = tmp_path / "first"
    shutil.copytree(runs[0], run)
    settings = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps(settings | {"data": [str(tmp_path / "gone")]}))
    with pytest.raises(TrainingError, match=r"gone, which is not there; .*--resume --data FOLDER"):
        CliRunner().invoke(app, ["compare", str(run)], catch_exceptions=False)
    words = ["train", "--run", str(run), "--resume"]
    with pytest.raises(TrainingError, match="gone, which is not there"):
        CliRunner().invoke(app, words, catch_exceptions=False)
