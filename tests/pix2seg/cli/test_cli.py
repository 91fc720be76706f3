import json
import os
import re
import resource
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
from PIL import Image
from typer.main import get_command

import pix2seg
from pix2seg.classes import load_scheme
from pix2seg.cli import app
from pix2seg.colors.document import palette_schema
from pix2seg.generators.build import build_generator
from pix2seg.generators.info import TrainedRecipe, WeightsInfo
from pix2seg.generators.weights import save_generator
from pix2seg.preprocess.dataset.dataset import Dataset

SMALL_GENERATOR = {"head": "logits", "width": 4, "max_width": 8, "depth": 3, "dropout": 0.2}
PROGRAM = str(Path(sys.executable).with_name("pix2seg"))


def run(
    *arguments: object, folder: Path | None = None, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    words = [PROGRAM, *map(str, arguments)]
    return subprocess.run(
        words,
        capture_output=True,
        text=True,
        cwd=folder,
        env={**os.environ, **(environment or {})},
        timeout=120,
    )


@pytest.fixture(scope="module")
def segment(small_onnx: Path) -> list[object]:
    return ["segment", "--weights", small_onnx, "--person", "none"]


def files(folder: Path) -> list[str]:
    return sorted(f.relative_to(folder).as_posix() for f in folder.rglob("*") if f.is_file())


@pytest.mark.parametrize("group", [[], ["catalog"], ["prepare"]])
def test_without_a_command_each_is_told_in_full(group: list[str]) -> None:
    result = run(*group, environment={"COLUMNS": "80"})
    assert result.returncode == 2
    told = result.stderr.partition("Commands:\n")[2].splitlines()
    assert len(told) >= 4
    assert all(line.endswith(".") and "..." not in line for line in told)


def test_a_photo_in_a_commands_place_is_told_the_command(photos: list[Path]) -> None:
    result = run(photos[0].name, folder=photos[0].parent)
    assert result.returncode == 2
    assert f"such as: pix2seg segment {photos[0].name}" in result.stderr


def test_whoever_offers_detectron2_can_be_told_to_trust_it() -> None:
    told = {name: options for name, options in all_options(get_command(app)) if options}
    person = {name: options.get("--person", "") for name, options in told.items()}
    offering = [name for name, text in person.items() if "detectron2" in text]
    assert {"segment", "evaluate", "prepare ccp", "catalog run"} <= set(offering)
    assert all("--trust" in told[name] for name in [*offering, "compare"])


def all_options(command: Any, *names: str) -> Iterator[tuple[str, dict[str, str]]]:
    """The help text of each option of a command and of those below it."""
    yield (
        " ".join(names),
        {
            option: getattr(parameter, "help", None) or ""
            for parameter in command.params
            for option in parameter.opts
        },
    )
    for name, below in getattr(command, "commands", {}).items():
        yield from all_options(below, *names, name)


def test_help_answers_at_once_and_names_the_commands() -> None:
    run("--help")
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    result = run("--help")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert after.ru_utime - before.ru_utime < 0.5  # of CPU time, whatever else runs here
    assert result.returncode == 0
    for command in ("segment", "palette", "find", "train", "evaluate", "prepare", "recipes"):
        assert command in result.stdout
    heavy = (
        "import sys, pix2seg.cli; "
        "sys.exit(bool({'torch', 'sklearn', 'cv2', 'rich'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", heavy]).returncode == 0


def test_what_is_named_is_taken_however_it_is_spelt(photos: list[Path], tmp_path: Path) -> None:
    cutout = tmp_path / "pix2seg-out" / "a.clothes.png"
    cutout.parent.mkdir()
    with Image.open(photos[0]) as image:
        image.resize((40, 60)).save(cutout)
    shutil.copy(cutout, cutout.with_name("a.mask.png"))
    result = run("palette", "./pix2seg-out/a.clothes.png", folder=tmp_path)
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "pix2seg-out" / "a.clothes.palette.json").is_file()


def test_closed_standard_input_is_named(tmp_path: Path) -> None:
    words = [PROGRAM, "palette", "-", "--json", "-"]
    ended = subprocess.run(
        ["sh", "-c", '"$@" <&-', "sh", *words], capture_output=True, text=True, cwd=tmp_path
    )
    assert ended.returncode == 2
    assert ended.stderr.endswith("standard input is closed; pipe a photo in, or name a file\n")


def test_masks_that_cannot_be_counted_say_why(photos: list[Path], tmp_path: Path) -> None:
    deep = tmp_path / "deep.png"
    Image.fromarray(np.zeros((60, 40), np.uint16)).save(deep)
    for mask, told in ((deep, "more than 8 bits"), (tmp_path / "none.png", "no such file")):
        result = run("palette", photos[0], "--mask", mask, "--out", tmp_path / "out")
        assert result.returncode == 2
        assert told in result.stderr


def test_segment_a_folder(segment: list[object], photos: list[Path], tmp_path: Path) -> None:
    inner = tmp_path / "in" / "été 2024"
    inner.mkdir(parents=True)
    for photo, name in zip(photos, ("シャツ.jpg", "a b.jpg"), strict=False):
        shutil.copy(photo, inner / name)
    out = tmp_path / "out"
    result = run(*segment, tmp_path / "in", "--out", out, "--colors")
    assert result.returncode == 0, result.stderr
    assert result.stdout == ""
    kinds = ("mask.png", "overlay.png", "palette.json", "palette.png")
    stems = ("a b", "シャツ")
    assert files(out) == sorted(f"été 2024/{stem}.{kind}" for stem in stems for kind in kinds)
    for document in out.rglob("*.json"):
        jsonschema.validate(json.loads(document.read_text("utf-8")), palette_schema())


def test_json_goes_to_standard_output_alone(
    segment: list[object], photos: list[Path], tmp_path: Path
) -> None:
    result = run(*segment, *photos[:2], "--json", "-", "--out", tmp_path)
    documents = [json.loads(line) for line in result.stdout.splitlines()]
    assert [d["image"]["file"] for d in documents] == [p.name for p in photos[:2]]
    for document in documents:
        jsonschema.validate(document, palette_schema())
    assert photos[0].name in result.stderr
    assert len(files(tmp_path)) == 8  # the folder was asked for, so all results are there


@pytest.mark.parametrize("plain", [True, False])
def test_json_alone_writes_no_pictures(
    segment: list[object], photos: list[Path], tmp_path: Path, plain: bool
) -> None:
    target = [] if plain else ["colors.jsonl"]
    result = run(*segment, photos[0], "-q", "--json", *target, folder=tmp_path)
    assert result.returncode == 0, result.stderr
    assert all("should be looked at" in line for line in result.stderr.splitlines())
    assert files(tmp_path) == target
    text = result.stdout if plain else (tmp_path / "colors.jsonl").read_text("utf-8")
    jsonschema.validate(json.loads(text), palette_schema())


def test_a_photo_on_standard_input(
    segment: list[object], photos: list[Path], tmp_path: Path
) -> None:
    words = [sys.executable, "-m", "pix2seg", *map(str, segment), "-"]
    subprocess.run(words, check=True, input=photos[0].read_bytes(), cwd=tmp_path)
    assert files(tmp_path) == ["pix2seg-out/stdin.mask.png", "pix2seg-out/stdin.overlay.png"]


def test_version() -> None:
    assert run("--version").stdout == f"pix2seg {pix2seg.__version__}\n"


def test_summary_of_many_classes_names_the_largest(photos: list[Path], tmp_path: Path) -> None:
    scheme = load_scheme("ccp59")
    weights = tmp_path / "many.safetensors"
    recipe = TrainedRecipe.model_validate({"name": "many", "generator": SMALL_GENERATOR})
    info = WeightsInfo(recipe, scheme, (64, 96), {})
    save_generator(weights, build_generator(scheme, **SMALL_GENERATOR), info)
    words = ["segment", photos[0], "--weights", weights, "--person", "none", "--out", tmp_path]
    result = run(*words)
    assert result.returncode == 0
    named = re.findall(r"(\S+) \d+\.\d%", result.stderr)
    assert 1 <= len(named) <= 4
    assert set(named) <= set(scheme.foreground)


def test_segmenting_twice_gives_the_same_bytes(
    segment: list[object], photos: list[Path], tmp_path: Path
) -> None:
    for name in ("one", "two"):
        run(*segment, photos[0], "--out", tmp_path / name, "--colors", "--cutouts")
    assert files(tmp_path / "one") == files(tmp_path / "two") != []
    for name in files(tmp_path / "one"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_results_in_a_folder_are_not_segmented_again(
    segment: list[object], photos: list[Path], tmp_path: Path
) -> None:
    shutil.copy(photos[0], tmp_path)
    first = run(*segment, ".", folder=tmp_path)
    assert first.returncode == 0, first.stderr
    before = files(tmp_path)
    assert run(*segment, ".", folder=tmp_path).returncode == 0
    assert files(tmp_path) == before
    assert run(*segment, "pix2seg-out", folder=tmp_path).returncode == 2


def test_good_photos_are_done_and_bad_ones_named(
    segment: list[object], photos: list[Path], tmp_path: Path
) -> None:
    folder, out = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    shutil.copy(photos[0], folder / "good.jpg")
    (folder / "cut.jpg").write_bytes(photos[0].read_bytes()[:5000])
    (folder / "text.png").write_text("no photo")
    result = run(*segment, folder, folder / "missing.jpg", "--out", out)
    assert result.returncode == 2
    assert files(out) == ["good.mask.png", "good.overlay.png"]
    for name in ("cut.jpg", "text.png", "missing.jpg"):
        assert name in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["segment", "nothing.jpg"], "nothing.jpg does not exist"),
        (["segment", "*.nothing"], "no photo matches"),
        (["segment", "a.jpg", "--weights", "none.safetensors"], "no weights file"),
        (["segment", "a.jpg", "--person", "magic"], "no person extractor 'magic'; take one of ma"),
        (["segment", "a.jpg", "--person", "maskrcnn"], "extractor 'maskrcnn'; mask-rcnn?"),
        (
            ["segment", "a.jpg", "--device", "gpu"],
            "pix2seg: no device 'gpu'; take auto, cpu, cuda, cuda:1 or mps",
        ),
        (["segment", "a.jpg", "--out", "-"], "pix2seg: - is no folder for results; ./- is one"),
        (["palette", "a.jpg", "--out", "-"], "pix2seg: - is no folder for results; ./- is one"),
        (["segment", "a.jpg", "--review", "-"], "pix2seg: - is no folder for results; ./- is one"),
        (["palette", "a.jpg", "--out", "s3://x/y"], "pix2seg: s3://x/y is an address, and results"),
        (["segment", "a.jpg", "--out", "gs://x"], "pix2seg: gs://x is an address, and results"),
        (["segment", "a.jpg", "--review", "s3://x"], "pix2seg: s3://x is an address, and results"),
        (["person", "a.jpg", "--out", "s3://x"], "pix2seg: s3://x is an address, and results"),
        (
            ["catalog", "export", "c", "--to", "coco", "--out", "s3://x"],
            "pix2seg: s3://x is an address, and results",
        ),
        (["palette", "a.jpg", "--names", "csss"], "'--names': 'csss' is not one of 'css', 'xkcd'"),
        (["palette", "a.jpg", "--max-colors", "abc"], "'--max-colors': 'abc' should be a valid in"),
        (["palette", "a.jpg", "--max-colors", "0"], "'--max-colors': '0' should be greater than"),
        (["segment", "a.jpg", "--json", "x.jpg"], "named like a photo"),
        (["segment", "--json", "x.jpg"], "write --json after the photos, or --json FILE.jsonl"),
        (["palette", "--json", "x.jpg"], "write --json after the photos, or --json FILE.jsonl"),
        (["segment", "a.jpg", "--hard-edges"], "--hard-edges: it is for cut-outs; add --cutouts"),
        (["segment", "a.jpg", "--max-colors", "2"], "--max-colors: no colours are asked for; add"),
        (["segment", "a.jpg", "--names", "xkcd"], "--names: no colours are asked for; add"),
        (["segment", "a.jpg", "--max-pixels", "10"], "--max-pixels"),
        (["segment", "a.jpg", "-", "--jobs", "2"], "--jobs: standard input and pipes can be read"),
        (["segment", "/dev/fd/9", "--jobs", "2"], "--jobs: standard input and pipes can be read"),
        (["segment", "a.jpg", "--out", "a.png"], "cannot write a.png: it is a file"),
        (["segment", "a.jpg", "--review", "a.png"], "cannot write a.png: it is a file"),
        (["segment", "a.jpg", "--json", "x.jsonl", "--table", "x.jsonl"], "name two files"),
        (["segment", ""], "an empty name is no photo"),
        (["segment", "a.jpg", "--colour"], "No such option"),
        (["prepare", "ccp", ".", "out"], "label_list.mat"),
        (["prepare", "ccp", ".", "out", "--scheme", "five"], "no scheme 'five'"),
        (["prepare", "folder", "no", "no", "out", "--scheme", "four"], "is not a folder"),
        (
            ["prepare", "folder", ".", ".", "out", "--scheme", "four", "--size", "5"],
            "width x height",
        ),
        (
            ["prepare", "folder", ".", ".", "out", "--scheme", "four", "--fold", "6/5"],
            "write the second of five parts as 2/5",
        ),
        (["train", "--run", "r"], "needs --recipe NAME and --data FOLDER"),
        (["train", "--run", "r", "--recipe", "gan", "--data", "."], "no recipe 'gan'"),
        (["train", "--run", "r", "--recipe", "pix2pix-ccp4", "--data", "."], "pix2seg prepare"),
        (
            ["train", "--run", "r", "--resume"],
            "r holds no run to resume; start one: pix2seg train --recipe NAME --data FOLDER --run "
            "r",
        ),
        (["evaluate", "--data", "."], "not a prepared data set"),
        (["evaluate", "--data", ".", "--worst", "-1", "w"], "-1 photos are none; give 1 or more"),
        (["segment", "a.jpg", "--table", "t.xls"], "is no table"),
        (["palette", "a.jpg", "--mask", "a.jpg", "--to", "psd"], "is not one of"),
        (["palette", "a.jpg", "--max-pixels", "10"], "--max-pixels"),
        (["palette", "a.jpg", "--mask", "a.png"], "a mask of the photo's size"),
        (["palette", "a.jpg", "--mask", "none.png"], "cannot read the mask none.png"),
        (["palette", "a.jpg", "b.jpg", "--mask", "a.png"], "--mask is for one photo"),
        (["find", "red", "--in", "t.csv"], "no table t.csv"),
        (["find", "#abc", "--in", "t.csv"], "no table t.csv"),
    ],
)
def test_bad_input_is_one_clear_line(
    photos: list[Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    run_here: Callable[..., Any],
    arguments: list[str],
    message: str,
) -> None:
    shutil.copy(photos[0], tmp_path / "a.jpg")
    Image.open(photos[0]).reduce(8).save(tmp_path / "a.png")
    monkeypatch.chdir(tmp_path)
    ended = run_here(*arguments)
    assert ended.code == 2
    assert message in " ".join(ended.err.replace("│", " ").split())
    assert files(tmp_path) == ["a.jpg", "a.png"]


@pytest.mark.parametrize("command", ["segment", "palette", "person"])
def test_a_folder_that_takes_no_results_is_told_before_any_work(
    photos: list[Path],
    tmp_path: Path,
    run_here: Callable[..., Any],
    full_disk: Callable[[int], AbstractContextManager[None]],
    command: str,
) -> None:
    with full_disk(2000):
        ended = run_here(command, *photos[:2], "--out", tmp_path / "new" / "out")
    assert ended.code == 2
    assert ended.err == (
        f"pix2seg: cannot write {tmp_path / 'new' / 'out'}: file too large; name another folder\n"
    )
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("command", ["segment", "palette"])
def test_photos_of_the_same_name_are_told_apart(
    small_onnx: Path, small_photo: Path, tmp_path: Path, run_here: Callable[..., Any], command: str
) -> None:
    (tmp_path / "d").mkdir()
    names = ["c.jpg", "d/c.jpg", "d/e.jpg"]
    named = [tmp_path / name for name in names]
    for file in named:
        shutil.copy(small_photo, file)
    how = ["--weights", small_onnx, "--person", "none"] if command == "segment" else []
    ended = run_here(command, *named, *how, "--json", tmp_path / "t.jsonl")
    told = [line for line in ended.err.splitlines() if "#" in line or "quality" in line]
    shown = [line.split("  ")[0].split("/3 ")[-1] for line in told if "looked at" not in line]
    assert shown == names
    lines = (tmp_path / "t.jsonl").read_text("utf-8").splitlines()
    files = [json.loads(line)["image"]["file"] for line in lines]
    assert files == names


def test_a_pipe_that_is_closed_is_no_search_without_finds(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    ended = subprocess.run([PROGRAM, "recipes"], stdout=writing, stderr=subprocess.PIPE, text=True)
    os.close(writing)
    assert ended.returncode == 2
    assert ended.stderr == "pix2seg: standard output: broken pipe\n"


def test_recipes_are_listed() -> None:
    result = run("recipes")
    assert result.returncode == 0
    assert "pix2pix-ccp4" in result.stdout


def test_palette_and_find(photos: list[Path], tmp_path: Path) -> None:
    cutout = tmp_path / "cutout.png"
    image = Image.open(photos[0]).convert("RGBA")
    image.putalpha(Image.open(photos[0].with_suffix(".png")).point([0, 0, 0, 255] * 64, "L"))
    image.save(cutout)
    formats = [word for name in ("gpl", "ase", "css", "tokens") for word in ("--to", name)]
    table = ("--table", "t.csv", "--max-colors", 3, "--names", "xkcd")
    result = run("palette", cutout, "--out", "out", *formats, *table, folder=tmp_path)
    assert result.returncode == 0, result.stderr
    suffixes = ("ase", "css", "gpl", "palette.json", "palette.png", "tokens.json")
    assert files(tmp_path / "out") == [f"cutout.{suffix}" for suffix in suffixes]
    document = json.loads((tmp_path / "out" / "cutout.palette.json").read_text())
    jsonschema.validate(document, palette_schema())
    colors = document["classes"]["photo"]["colors"]
    assert 1 <= len(colors) <= 3
    assert document["classes"]["photo"]["coverage"] < 0.5
    masked = run(
        "palette", photos[0], "--mask", photos[0].with_suffix(".png"), "--json", "-",
        "--out", "masked", folder=tmp_path,
    )  # fmt: skip
    jsonschema.validate(json.loads(masked.stdout), palette_schema())
    found = run("find", colors[0]["hex"], "--in", "t.csv", "--class", "photo", folder=tmp_path)
    assert found.returncode == 0
    assert "cutout.png" in found.stdout
    assert "0.0" in found.stdout
    wrong = run("find", "#fff", "--in", "t.csv", "--class", "shoes", folder=tmp_path)
    assert wrong.returncode == 2
    assert "no class 'shoes'" in wrong.stderr
    nothing = run("find", "#00ff00", "--in", "t.csv", "--within", 1, folder=tmp_path)
    assert "no photo within 1" in nothing.stdout


def test_swatches_obey_no_color_and_pipes(
    segment: list[object], photos: list[Path], tmp_path: Path
) -> None:
    command = (*segment, photos[0], "--out", tmp_path, "--colors")
    piped = run(*command)
    assert "\x1b[" not in piped.stderr
    assert "#" in piped.stderr
    terminal = {"FORCE_COLOR": "1", "COLORTERM": "truecolor", "TERM": "xterm-256color"}
    assert "\x1b[48;2;" in run(*command, environment=terminal).stderr
    uncolored = run(*command, environment={**terminal, "NO_COLOR": "1"}).stderr
    assert "\x1b[48;2;" not in uncolored
    assert "#" in uncolored


def test_palette_shows_codes_beside_its_blocks_and_ends_as_others_do(tmp_path: Path) -> None:
    Image.new("RGB", (8, 8), (200, 30, 40)).save(tmp_path / "red.png")
    Image.new("RGBA", (8, 8), (200, 30, 40, 0)).save(tmp_path / "clear.png")
    terminal = {"FORCE_COLOR": "1", "COLORTERM": "truecolor", "TERM": "xterm-256color"}
    words = ("palette", "red.png", "clear.png", "none.png", "--out", "out")
    shown = run(*words, folder=tmp_path, environment=terminal).stderr
    assert "\x1b[48;2;200;30;40m  \x1b[0m #c81e28" in shown
    piped = run(*words, folder=tmp_path)
    assert piped.stderr.splitlines() == [
        "red.png  red #c81e28",
        "pix2seg: clear.png has no opaque pixel, and so no colours",
        "2 done, 1 failed, results in out",
        "pix2seg: none.png does not exist",
    ]
    assert "done" not in run(*words, "-q", folder=tmp_path).stderr
    Image.new("L", (8, 8)).save(tmp_path / "mask.png")
    alone = run("palette", "red.png", "--mask", "mask.png", "--json", folder=tmp_path)
    told = ["pix2seg: red.png has no pixel that mask.png counts, and so no colours", "1 done"]
    assert alone.stderr.splitlines() == told


def test_help_says_what_options_are_for() -> None:
    told = {name: options for name, options in all_options(get_command(app)) if options}
    for command in ("segment", "palette", "person"):
        assert "- for standard input" in told[command]["photos"]
        assert "nothing but warnings and errors" in told[command]["-q"]
    assert "--like" in told["find"]["--weights"]
    assert "first of uri, url, path" in told["catalog run"]["--column"]
    assert all("a new run needs" in told["train"][option] for option in ("--recipe", "--data"))


def test_prepare_train_evaluate_segment(photos: list[Path], tmp_path: Path) -> None:
    for folder, suffix in (("photos", ".jpg"), ("masks", ".png")):
        (tmp_path / folder).mkdir()
        for i in range(12):
            with Image.open(photos[i % len(photos)].with_suffix(suffix)) as image:
                small = image.resize((137, 202), Image.Resampling.NEAREST)
                small.save(tmp_path / folder / f"{i}{suffix}")
    prepared = run(
        "prepare", "folder", "photos", "masks", "data", "--scheme", "four", "--size", "64x96",
        folder=tmp_path,
    )  # fmt: skip
    assert prepared.returncode == 0, prepared.stderr
    small = ("width=4", "depth=3", "wide_blocks=0", "garment_encoder=none", "opinion=0")
    overrides = (
        "size=64x96",
        "schedule.epochs=1",
        "loss.opinion_weight=0",
        *(f"generator.{key}" for key in small),
    )
    sets = [word for override in overrides for word in ("--set", override)]
    trained = run(
        "train", "--recipe", "pix2pix-ccp4", "--data", "data", "--run", "run", *sets,
        folder=tmp_path,
    )  # fmt: skip
    assert trained.returncode == 0, trained.stderr
    weights = ("--weights", "run/best.safetensors")
    evaluated = run(
        "evaluate", "--data", "data", *weights, "--json", "scores.json", "--colors",
        "--worst", 1, "worst", folder=tmp_path,
    )  # fmt: skip
    assert evaluated.returncode == 0, evaluated.stderr
    assert "mIoU" in evaluated.stdout
    scores = json.loads((tmp_path / "scores.json").read_text())
    assert scores["photos"] == len(Dataset(tmp_path / "data").names("val"))
    assert 0 <= scores["mean_iou"] <= 1
    assert scores["hide"] is True  # nobody said so: it is what the default came to
    assert len(list((tmp_path / "worst").glob("*.jpg"))) == 1
    unheard = run("evaluate", "--data", "data", "--person-weights", "no.onnx", folder=tmp_path)
    assert unheard.returncode == 2
    assert "no.onnx" in unheard.stderr
    segmented = run("segment", "photos/0.jpg", *weights, folder=tmp_path)
    assert segmented.returncode == 0, segmented.stderr


def test_a_mask_with_alpha_counts_what_is_opaque_and_white(tmp_path: Path) -> None:
    Image.new("RGB", (40, 20), (200, 30, 40)).save(tmp_path / "photo.png")
    half = np.zeros((20, 40), np.uint8)
    half[:, :20] = 255
    full = np.full_like(half, 255)
    masks = {
        "L": half, "LA": np.dstack([half, full]), "RGBA": np.dstack([half, half, half, full]),
        "cut": np.dstack([full, full, full, half]),
    }  # fmt: skip
    for name, mask in masks.items():
        Image.fromarray(mask).save(tmp_path / f"{name}.mask.png")
    indexed = Image.fromarray(half // 255 + 1)
    indexed.putpalette([0, 0, 0, 255, 0, 0, 0, 255, 0])
    indexed.save(tmp_path / "P.mask.png", transparency=1)
    Image.fromarray(full - half // 2).save(tmp_path / "tRNS.mask.png", transparency=255)
    Image.fromarray(half > 0).save(tmp_path / "1.mask.png")
    for name in (*masks, "P", "tRNS", "1"):
        result = run(
            "palette", "photo.png", "--mask", f"{name}.mask.png", "--json", folder=tmp_path
        )
        assert json.loads(result.stdout)["classes"]["photo"]["coverage"] == 0.5


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-"])
def test_closed_streams_are_no_trouble(tmp_path: Path, closed: str) -> None:
    Image.new("RGB", (8, 8), (200, 30, 40)).save(tmp_path / "photo.png")
    command = f"{shlex.quote(PROGRAM)} palette photo.png {closed}"
    assert subprocess.run(command, shell=True, cwd=tmp_path, timeout=60).returncode == 0
    assert (tmp_path / "pix2seg-out" / "photo.palette.json").is_file()
