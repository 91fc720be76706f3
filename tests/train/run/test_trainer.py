import json
import os
import re
import signal
import subprocess
import sys
import time
from contextlib import nullcontext
from dataclasses import replace
from importlib import resources
from itertools import islice
from pathlib import Path
from typing import cast

import numpy as np
import pytest
import torch
from rich.console import Console
from torchvision.models import get_model
from typer.testing import CliRunner

from pix2seg.classes import load_scheme
from pix2seg.cli import app
from pix2seg.cli.train import _read_run
from pix2seg.device import choose_device
from pix2seg.efficientnet_lite import read_imagenet_weights
from pix2seg.errors import OutputError, Pix2SegError, RecipeError, SizeError, TrainingError
from pix2seg.generators.build import build_generator
from pix2seg.generators.info import TrainedRecipe, WeightsInfo
from pix2seg.generators.library import NetworkGenerator, pretrained_deeplabv3
from pix2seg.generators.weights import load_generator, save_generator
from pix2seg.preprocess.dataset.dataset import Dataset
from pix2seg.preprocess.dataset.folder import folder_sources, read_mask
from pix2seg.preprocess.dataset.prepare import Preparation, prepare
from pix2seg.segmenter import Segmenter
from pix2seg.train.generator.pair import Adversary, Pair
from pix2seg.train.generator.samples import Batch
from pix2seg.train.generator.start import GARMENTS, PHOTO_STATISTICS, starting_tensors
from pix2seg.train.generator.task import SegmentationTask
from pix2seg.train.recipe import AugmentationSettings, SegmentationRecipe, parse_recipe, read_recipe
from pix2seg.train.run.checkpoint import load_checkpoint
from pix2seg.train.run.ema import update_ema
from pix2seg.train.run.lock import LOCK, only_training
from pix2seg.train.run.run_file import RunFile, write_run_file
from pix2seg.train.run.trainer import Trainer

NOT_ENCODED = ("generator.garment_encoder=none", "generator.opinion=0", "loss.opinion_weight=0")
SMALL = (
    "size=64x96",
    "generator.width=4",
    "generator.max_width=8",
    "generator.depth=3",
    "generator.wide_blocks=0",
    *NOT_ENCODED,
    "generator.residual_blocks=1",
    "discriminator.width=4",
    "schedule.batch_size=2",
    "schedule.warmup_steps=0",
    "schedule.epochs=3",
)
CPU = torch.device("cpu")
OURS = "network.body."
"""Begins the names of another library's tensors in our generators."""


def recipe(*overrides: str) -> SegmentationRecipe:
    parsed = parse_recipe(read_recipe("pix2pix-ccp4", (*SMALL, *overrides)))
    assert isinstance(parsed, SegmentationRecipe)
    return parsed


def task(dataset: Dataset, *overrides: str, init: Path | None = None) -> SegmentationTask:
    return SegmentationTask(recipe(*overrides), dataset, CPU, init)


def trainer(dataset: Dataset, run: Path, *overrides: str, resume: bool = False) -> Trainer:
    quiet = Console(quiet=True)
    return Trainer(task(dataset, *overrides), recipe(*overrides), run, quiet, resume=resume)


def metrics(run: Path) -> list[dict[str, float]]:
    """All lines of metrics.jsonl but the wall-clock time."""
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    return [{k: v for k, v in line.items() if k != "seconds"} for line in lines]


def command(run: Path, *arguments: str) -> list[str]:
    program = str(Path(sys.executable).with_name("pix2seg"))
    return [program, "train", "--run", str(run), *arguments]


def start(dataset: Dataset, run: Path, *overrides: str) -> subprocess.Popen[str]:
    sets = [word for override in (*SMALL, *overrides) for word in ("--set", override)]
    arguments = ["--recipe", "pix2pix-ccp4", "--data", str(dataset.root), *sets]
    return subprocess.Popen(command(run, *arguments), stderr=subprocess.PIPE, text=True)


def wait_for_checkpoint(run: Path, process: subprocess.Popen[str]) -> None:
    while not (run / "last.pt").exists():
        assert process.poll() is None, "the run ended before its first checkpoint"
        time.sleep(0.02)


def test_run_writes_what_it_promises(small_dataset: Dataset, tmp_path: Path) -> None:
    run = tmp_path / "run"
    weights = trainer(small_dataset, run).train()
    assert weights == run / "best.safetensors"
    _, info = load_generator(weights)
    assert info.facts["data"]["train"] == 6
    assert info.facts["seed"] == 1
    assert info.facts["source"].startswith("pix2seg ")
    assert 0 <= info.facts["validation"]["mean_iou"] <= 1
    epochs = [line for line in metrics(run) if "epoch" in line]
    assert [line["epoch"] for line in epochs] == [1, 2, 3]
    assert {"val/mean_iou", "val/pixel_accuracy", "epoch_loss/l1"} <= set(epochs[0])
    assert list((run / "tensorboard").iterdir())
    assert not list(run.glob(".*"))


def test_losses_fall(small_dataset: Dataset, tmp_path: Path) -> None:
    run = tmp_path / "run"
    # The photos as they are: augmentation makes some epochs' photos harder than others'.
    settings = AugmentationSettings.model_fields.keys() - {"closest"}  # how near, if at all
    still = [f"augmentation.{name}=0" for name in settings]
    trainer(small_dataset, run, "schedule.epochs=12", *still).train()
    losses = [line["epoch_loss/cross_entropy"] for line in metrics(run) if "epoch" in line]
    assert losses[-1] < 0.8 * losses[0]


def test_generator_too_narrow_for_muon_learns_by_adam(small_dataset: Dataset) -> None:
    narrow = task(small_dataset, "generator.width=2", "generator.max_width=4")
    before = [p.detach().clone() for p in narrow.pair.generator.parameters()]
    narrow.step(next(narrow.batches(0)), 0)
    after = narrow.pair.generator.parameters()
    assert not all(torch.equal(old, new) for old, new in zip(before, after, strict=True))


@pytest.mark.parametrize("head", ["logits", "tanh"])
def test_same_seed_gives_the_same_run(small_dataset: Dataset, tmp_path: Path, head: str) -> None:
    overrides = [f"generator.head={head}", "schedule.epochs=1"]
    if head == "tanh":
        overrides += ["loss.cross_entropy_weight=0", "loss.dice_weight=0"]
    for name in ("one", "two"):
        trainer(small_dataset, tmp_path / name, *overrides).train()
    assert metrics(tmp_path / "one") == metrics(tmp_path / "two")
    trainer(small_dataset, tmp_path / "three", *overrides, "seed=2").train()
    assert metrics(tmp_path / "one") != metrics(tmp_path / "three")


def test_killed_run_resumes_exactly(small_dataset: Dataset, tmp_path: Path) -> None:
    unbroken, broken = tmp_path / "unbroken", tmp_path / "broken"
    epochs = "schedule.epochs=15"
    trainer(small_dataset, unbroken, epochs).train()
    with start(small_dataset, broken, epochs) as process:
        wait_for_checkpoint(broken, process)
        os.kill(process.pid, signal.SIGKILL)
    assert len(metrics(broken)) < len(metrics(unbroken)), "killed too late to tell anything"
    words = ["train", "--run", str(broken), "--resume"]
    assert CliRunner().invoke(app, words).exit_code == 0
    assert metrics(broken) == metrics(unbroken)
    ours, theirs = (load_generator(run / "best.safetensors")[0] for run in (broken, unbroken))
    for name, tensor in theirs.state_dict().items():
        assert torch.equal(tensor, ours.state_dict()[name])


@pytest.mark.parametrize("last", [1, 4])  # an epoch has three steps
def test_run_broken_off_within_an_epoch_ends_in_the_same_state(
    small_dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, last: int
) -> None:
    monkeypatch.setattr("pix2seg.train.run.trainer.CHECKPOINT_SECONDS", -1)
    unbroken, broken = tmp_path / "unbroken", tmp_path / "broken"
    trainer(small_dataset, unbroken).train()
    begun = trainer(small_dataset, broken)
    batches = begun.task.batches
    monkeypatch.setattr(begun.task, "batches", lambda start: islice(batches(start), last))
    begun.train()
    trainer(small_dataset, broken, resume=True).train()
    ours, theirs = (load_checkpoint(run / "last.pt", CPU) for run in (broken, unbroken))
    assert replace(ours[1], seconds=0) == replace(theirs[1], seconds=0)
    networks = [
        {n: s for n, s in state.items() if n not in ("recipe", "data")}
        for state, _ in (ours, theirs)
    ]
    torch.testing.assert_close(*networks, rtol=0, atol=0)


def test_ctrl_c_saves_and_says_how_to_go_on(small_dataset: Dataset, tmp_path: Path) -> None:
    run = tmp_path / "run"
    with start(small_dataset, run, "schedule.epochs=10000") as process:
        wait_for_checkpoint(run, process)
        process.send_signal(signal.SIGINT)
        _, messages = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in messages
    assert f"pix2seg train --run {run} --resume" in messages.replace("\n", " ")
    step = int(messages.split("after step ")[1].split(";")[0])
    resumed = trainer(small_dataset, run, "schedule.epochs=10000", resume=True)
    assert resumed.progress.step == step


def test_early_stopping(small_dataset: Dataset, tmp_path: Path) -> None:
    run = tmp_path / "run"
    still = ("optimizer.learning_rate=1e-12", "schedule.patience=3", "schedule.epochs=500")
    trainer(small_dataset, run, *still, "optimizer.ema_decay=0").train()
    scores = [line["val/mean_iou"] for line in metrics(run) if "epoch" in line]
    best = scores.index(max(scores)) + 1
    assert len(scores) == best + 3 < 500
    trainer(small_dataset, run, *still, "optimizer.ema_decay=0", resume=True).train()
    assert [line["val/mean_iou"] for line in metrics(run) if "epoch" in line] == scores


def test_average_keeps_its_share_and_copies_counters() -> None:
    average, network = torch.nn.BatchNorm1d(1), torch.nn.BatchNorm1d(1)
    average.weight.data[:], network.weight.data[:] = 1.0, 3.0
    network.num_batches_tracked += 5
    update_ema(average, network, 0.75, 1000)
    assert average.weight.item() == pytest.approx(0.75 * 1 + 0.25 * 3)
    assert average.num_batches_tracked == 5
    update_ema(average, network, 0.75, 0)  # young, with a short memory
    assert average.weight.item() == pytest.approx(0.1 * 1.5 + 0.9 * 3)


def test_infinite_loss_stops_the_run(small_dataset: Dataset, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"not finite.*learning_rate"):
        trainer(
            small_dataset, tmp_path, "optimizer.learning_rate=1e30", "schedule.epochs=20"
        ).train()


def test_run_folder_is_not_overwritten(small_dataset: Dataset, tmp_path: Path) -> None:
    trainer(small_dataset, tmp_path, "schedule.epochs=1").train()
    with pytest.raises(TrainingError, match="--resume"):
        trainer(small_dataset, tmp_path)
    (tmp_path / "last.pt").unlink()  # as who needs room does with a run that is over
    with pytest.raises(TrainingError, match="weights of a run"):
        trainer(small_dataset, tmp_path)


def test_two_trainings_never_share_a_folder(small_dataset: Dataset, tmp_path: Path) -> None:
    with only_training(tmp_path):
        second = start(small_dataset, tmp_path)
        _, told = second.communicate(timeout=120)
    assert second.returncode == 2
    assert f"another process trains into {tmp_path}" in told
    assert {file.name for file in tmp_path.iterdir()} == {LOCK}


def test_weights_tell_of_the_source_that_trained_them(
    small_dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commits = iter(["pix2seg (before)", "pix2seg (a commit meanwhile)"])
    monkeypatch.setattr("pix2seg.train.run.trainer.source_version", lambda: next(commits))
    weights = trainer(small_dataset, tmp_path, "schedule.epochs=1").train()
    assert load_generator(weights)[1].facts["source"] == "pix2seg (before)"


def test_full_disk_is_told_of_with_the_run_s_folder(small_dataset: Dataset, tmp_path: Path) -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("this system has no full device")
    (tmp_path / "metrics.jsonl").symlink_to(full)
    with pytest.raises(OutputError, match=re.escape(f"cannot write to {tmp_path}: no space left")):
        trainer(small_dataset, tmp_path).train()


def test_photos_too_small_for_a_network_are_refused_in_a_line(
    small_dataset: Dataset, tmp_path: Path
) -> None:
    with pytest.raises(TrainingError, match=r"batches so small.*fewer.*discriminator\.layers"):
        trainer(small_dataset, tmp_path, "size=32x48", "discriminator.layers=5").train()


def test_nothing_to_resume(small_dataset: Dataset, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="no run to resume"):
        trainer(small_dataset, tmp_path, resume=True)
    (tmp_path / "last.pt").write_bytes(b"half a checkpoint")
    with pytest.raises(TrainingError, match="not a whole checkpoint"):
        trainer(small_dataset, tmp_path, resume=True)


@pytest.fixture(scope="module")
def network_recipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A U-Net of segmentation_models_pytorch on four classes, without a discriminator."""
    text = resources.files("pix2seg.train").joinpath("recipes/unet-garment2.toml").read_text()
    path = tmp_path_factory.mktemp("recipe") / "unet.toml"
    text = text.replace("garment2", "four").replace("512x768", "64x96")
    path.write_text(text.replace("epochs = 100", "epochs = 1").replace("size = 8", "size = 2"))
    return path


def network_task(
    recipe_file: Path, dataset: Dataset, init: Path | str | None = None
) -> SegmentationTask:
    parsed = parse_recipe(read_recipe(str(recipe_file)))
    assert isinstance(parsed, SegmentationRecipe)
    return SegmentationTask(parsed, dataset, CPU, init)


def test_networks_of_other_libraries_train_and_segment(
    network_recipe: Path, small_dataset: Dataset, tmp_path: Path
) -> None:
    trained = network_task(network_recipe, small_dataset)
    photos = [small_dataset.read(name)[0] for name in small_dataset.names("train")]
    network = cast(NetworkGenerator, trained.pair.generator).network
    mean = np.mean(photos, axis=(0, 1, 2)) / 127.5 - 1
    assert network.mean.flatten().numpy() == pytest.approx(mean, abs=1e-5)
    weights = Trainer(trained, trained.recipe, tmp_path / "run", Console(quiet=True)).train()
    photo = small_dataset.full()[0].photo
    segmenter = Segmenter(weights)
    assert segmenter.extractor.version == "none"
    assert np.array_equal(segmenter(photo).mask, Segmenter(weights)(photo).mask)


def test_generator_that_sees_no_background_is_validated_without_one(
    network_recipe: Path, small_dataset: Dataset
) -> None:
    plain = network_task(network_recipe, small_dataset)
    file = network_recipe.with_name("hidden.toml")
    file.write_text(network_recipe.read_text().replace("hide = false", "hide = true"))
    hidden = network_task(file, small_dataset)
    for before, after, person in zip(
        plain.val_samples.photos, hidden.val_samples.photos, plain.val_samples.people, strict=True
    ):
        assert np.array_equal(before[person > 0], after[person > 0])
        grey = np.all(after == 127, axis=2)
        assert 0.5 < grey[person == 0].mean() < 1  # all but the margin


def test_backbone_serves_other_classes(
    network_recipe: Path, small_dataset: Dataset, small_weights: Path, tmp_path: Path
) -> None:
    trained = network_task(network_recipe, small_dataset)
    other = tmp_path / "other.safetensors"
    settings = trained.recipe.generator.model_dump()
    recipe = TrainedRecipe.model_validate({"name": "o", "generator": settings})
    info = WeightsInfo(recipe, load_scheme("dress3"), (64, 96), {})
    torch.manual_seed(7)
    save_generator(other, build_generator(load_scheme("dress3"), **settings), info)
    fresh = network_task(network_recipe, small_dataset).pair.generator.state_dict()
    started = network_task(network_recipe, small_dataset, other).pair.generator.state_dict()
    given = load_generator(other)[0].state_dict()
    same = [name for name in given if torch.equal(given[name], started[name])]
    assert len(same) > 0.9 * len(given)
    head = "network.body.segmentation_head.0.weight"
    assert torch.equal(started[head], fresh[head])
    with pytest.raises(TrainingError, match=r"another kind .*\(architecture pix2pix, not unet, "):
        network_task(network_recipe, small_dataset, small_weights)


def deeplab_recipe(network_recipe: Path, encoder: str) -> Path:
    text = network_recipe.read_text().replace('"unet"', '"deeplabv3"')
    path = network_recipe.with_name(f"deeplab-{encoder}.toml")
    path.write_text(re.sub('encoder = ".*"', f'encoder = "{encoder}"', text))
    return path


def test_voc_weights_are_taken_over(
    network_recipe: Path, small_dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Another seed stands in for what torchvision would download: 21 classes and a second head.
    torch.manual_seed(7)
    options = {"num_classes": 21, "aux_loss": True, "weights": None, "weights_backbone": None}
    voc = get_model("deeplabv3_mobilenet_v3_large", **options)
    monkeypatch.setattr(
        "pix2seg.generators.library.read_torchvision_weights", lambda _: voc.state_dict()
    )
    tensors = pretrained_deeplabv3("mobilenet_v3_large")
    monkeypatch.undo()
    monkeypatch.setattr("pix2seg.train.generator.start.pretrained_deeplabv3", lambda _: tensors)
    recipe_file = deeplab_recipe(network_recipe, "mobilenet_v3_large")
    started = network_task(recipe_file, small_dataset, "voc")
    ours = started.pair.generator.state_dict()
    taken = [n for n, t in voc.state_dict().items() if torch.equal(t, ours.get(OURS + n, t + 1))]
    classes = {"classifier.4.weight", "classifier.4.bias"}
    assert {OURS + name for name in taken} == ours.keys() - {OURS + name for name in classes} - {
        "network.mean",
        "network.std",
    }
    assert f"started from voc ({len(taken)} of {len(ours)} tensors)" in started.describe()
    assert all(torch.equal(t, ours[n]) for n, t in started.pair.ema.state_dict().items())


def test_weights_that_do_not_fit_are_refused(
    network_recipe: Path,
    small_dataset: Dataset,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("pix2seg.train.generator.start.pretrained_deeplabv3", lambda _: {"a": CPU})
    recipe_file = deeplab_recipe(network_recipe, "mobilenet_v3_large")
    with pytest.raises(TrainingError, match=r"voc does not fit .* no tensor network\."):
        network_task(recipe_file, small_dataset, "voc")
    scheme, weights = load_scheme("four"), tmp_path / "unet.safetensors"
    settings = {"architecture": "unet", "encoder": "resnet50", "normalise": "none"}
    recipe = TrainedRecipe.model_validate({"name": "u", "generator": settings})
    info = WeightsInfo(recipe, scheme, (64, 96), {})
    save_generator(weights, build_generator(scheme, **settings), info)  # type: ignore[arg-type]
    with pytest.raises(TrainingError, match="another kind"):
        network_task(deeplab_recipe(network_recipe, "resnet50"), small_dataset, weights)
    with pytest.raises(ValueError, match="no tensor nonsense"):
        task(small_dataset).pair.start_from({"nonsense": torch.zeros(1)})


def test_accumulated_pieces_train_what_the_whole_batch_does(
    small_dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    # In single precision, and with losses and layers that treat each photo alone.
    monkeypatch.setattr("pix2seg.train.generator.pair.autocast", lambda _: nullcontext())
    alone = ("loss.dice_weight=0", "loss.adversarial_weight=0", "generator.dropout=0")
    whole, pieces = (
        task(small_dataset, *alone, f"schedule.accumulate={count}").pair for count in (1, 2)
    )
    losses = [step_without_batch_statistics(pair, small_dataset) for pair in (whole, pieces)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)
    for name, tensor in whole.generator.state_dict().items():
        assert torch.allclose(tensor, pieces.generator.state_dict()[name], atol=1e-4), name


@pytest.mark.parametrize("held", [4, 2])  # photos: a process may hold half of a batch of four
def test_discriminator_learns_from_all_accumulated_pieces(
    small_dataset: Dataset, monkeypatch: pytest.MonkeyPatch, held: int
) -> None:
    monkeypatch.setattr("pix2seg.train.generator.pair.autocast", lambda _: nullcontext())
    still = ("loss.adversarial_weight=1", "generator.dropout=0", "schedule.batch_size=4")
    whole, pieces = (task(small_dataset, *still, f"schedule.accumulate={n}").pair for n in (1, 4))
    fresh = [tensor.clone() for tensor in adversary_of(whole).discriminator.parameters()]
    for pair in (whole, pieces):
        step_without_batch_statistics(pair, small_dataset, *still, held=held)
    learned, other = (adversary_of(pair).discriminator.parameters() for pair in (whole, pieces))
    for before, a, b in zip(fresh, learned, other, strict=True):
        assert not torch.equal(before, a)
        assert torch.allclose(a, b, atol=1e-4)


def step_without_batch_statistics(
    pair: Pair, dataset: Dataset, *overrides: str, held: int = 4
) -> dict[str, float]:
    networks = [pair.generator, *([pair.adversary.discriminator] if pair.adversary else [])]
    for module in (module for network in networks for module in network.modules()):
        if isinstance(module, torch.nn.BatchNorm2d):
            module.eval()
    batch = next(task(dataset, *overrides).batches(0))
    return pair.step(Batch(*(part[:held] for part in batch)), 0, 0.0)


def adversary_of(pair: Pair) -> Adversary:
    assert pair.adversary is not None
    return pair.adversary


def test_init_starts_from_weights(small_dataset: Dataset, tmp_path: Path) -> None:
    weights = trainer(small_dataset, tmp_path, "schedule.epochs=1").train()
    generator, _ = load_generator(weights)
    trained = task(small_dataset, init=weights).pair.generator.state_dict()
    assert all(torch.equal(t, trained[n]) for n, t in generator.state_dict().items())
    deeper = task(small_dataset, "generator.residual_blocks=2", init=weights).pair.ema
    photo = torch.rand(1, 3, 96, 64)
    assert torch.allclose(deeper(photo).map, generator(photo).map, atol=1e-6)
    with pytest.raises(TrainingError, match="another kind"):
        task(small_dataset, "generator.depth=4", init=weights)


def test_garment_head_of_another_width_starts_afresh(garment_weights: Path) -> None:
    trained, info = load_generator(garment_weights)
    settings = info.recipe.generator.model_dump() | {"garment_width": 16}
    wider = recipe(*[f"generator.{key}={value}" for key, value in settings.items()])
    ours = build_generator(info.scheme, **settings).state_dict()
    taken = starting_tensors(garment_weights, wider, info.scheme, np.ones(4) / 4, ours)
    assert all(tensor.shape == ours[name].shape for name, tensor in taken.items())
    lacking = trained.state_dict().keys() - taken.keys()
    assert lacking
    assert all(name.startswith(GARMENTS) for name in lacking)


def test_wide_blocks_can_be_put_into_a_trained_generator(
    small_dataset: Dataset, tmp_path: Path
) -> None:
    weights = tmp_path / "narrow.safetensors"
    deep = ("generator.depth=5", "augmentation.half_size=0")
    task(small_dataset, *deep, "generator.wide_blocks=0").save(weights, {})
    narrow, _ = load_generator(weights)
    wide = task(small_dataset, *deep, "generator.wide_blocks=2", init=weights).pair.ema
    assert len(wide.state_dict()) > len(narrow.state_dict())
    photo = torch.rand(1, 3, 96, 64)
    assert torch.allclose(wide(photo).map, narrow(photo).map, atol=1e-6)
    task(small_dataset, *deep, "generator.wide_blocks=2").save(weights, {})
    with pytest.raises(TrainingError, match="another kind"):
        task(small_dataset, *deep, "generator.wide_blocks=1", init=weights)


ENCODED = (
    "size=64x128",
    "generator.depth=6",
    "generator.garment_encoder=efficientnet_lite2",
    "generator.opinion=0.5",
    "augmentation.half_size=0",
    "loss.garment_weight=1",
    "loss.opinion_weight=1",
)


@pytest.fixture(scope="module")
def garment_dataset(tmp_path_factory: pytest.TempPathFactory, small_dataset: Dataset) -> Dataset:
    """The small data set once more, where all clothes are one kind of garment."""
    out = tmp_path_factory.mktemp("garments")
    same, kinds = np.arange(4, dtype=np.uint8), np.array([0, 0, 0, 5], np.uint8)
    preparation = Preparation(
        out, load_scheme("four"), same, read_mask, (64, 128), garment_table=kinds
    )
    sources = folder_sources(small_dataset.root / "photos", small_dataset.root / "masks")
    assert all(done.pixels is not None for done in prepare(sources, preparation, {"source": "t"}))
    return Dataset(out)


@pytest.mark.parametrize("init", ["weights", "imagenet"])
def test_garment_encoder_begins_with_imagenet(
    init: str, garment_dataset: Dataset, tmp_path: Path
) -> None:
    weights = tmp_path / "plain.safetensors"
    task(garment_dataset, *ENCODED, *NOT_ENCODED).save(weights, {})
    begun = SegmentationTask(
        recipe(*ENCODED), garment_dataset, CPU, weights if init == "weights" else init
    )
    tensors = begun.pair.generator.state_dict()
    for name, tensor in read_imagenet_weights("efficientnet_lite2").items():
        assert torch.equal(tensors[f"garment_namer.encoder.{name}"], tensor), name
    own, given = tensors["encoder.blocks.1.0.weight"], load_generator(weights)[0].state_dict()
    assert torch.equal(own, given["encoder.blocks.1.0.weight"]) == (init == "weights")


def test_without_a_garment_encoder_nothing_begins_with_imagenet(small_dataset: Dataset) -> None:
    with pytest.raises(TrainingError, match="nothing here begins with ImageNet"):
        SegmentationTask(recipe(), small_dataset, CPU, "imagenet")


def test_garments_are_trained_alone(garment_dataset: Dataset, tmp_path: Path) -> None:
    alone = SegmentationTask(recipe(*ENCODED, "trains=garments"), garment_dataset, CPU, "imagenet")
    before = {name: t.clone() for name, t in alone.pair.generator.state_dict().items()}
    for step, batch in zip(range(2), alone.batches(0), strict=False):
        alone.step(batch, step)
    changed = {
        name
        for name, tensor in alone.pair.generator.state_dict().items()
        if not torch.equal(tensor, before[name])
    }
    assert all(name.startswith("garment_namer.") for name in changed)
    assert {"garment_namer.kinds.weight", "garment_namer.opinion.classes.weight"} <= changed
    inside = {name.removeprefix("garment_namer.encoder.") for name in changed}
    assert any(name.startswith("stages.6.") for name in inside)
    assert not any(name.startswith(("stem.", "stages.0.", "stages.1.")) for name in inside)
    assert not any("stages" in name and name.endswith("running_mean") for name in inside)


def test_the_namer_s_opinion_learns_beside_all_the_rest(garment_dataset: Dataset) -> None:
    together = SegmentationTask(recipe(*ENCODED), garment_dataset, CPU, "imagenet")
    before = together.pair.generator.garment_namer.opinion.classes.weight.clone()
    losses = together.step(next(together.batches(0)), 0)
    assert {"cross_entropy", "garment", "opinion"} <= losses.keys()
    assert not torch.equal(together.pair.generator.garment_namer.opinion.classes.weight, before)
    silent = SegmentationTask(
        recipe(*ENCODED, "loss.opinion_weight=0"), garment_dataset, CPU, "imagenet"
    )
    assert "opinion" not in silent.step(next(silent.batches(0)), 0)


def test_garments_alone_need_data_that_names_them(small_dataset: Dataset) -> None:
    with pytest.raises(TrainingError, match="names no garments"):
        task(small_dataset, *ENCODED, "trains=garments")
    with pytest.raises(RecipeError, match="leaves nothing to train"):
        recipe("trains=garments", "loss.garment_weight=0")


def test_pix2pix_starts_from_one_of_other_classes(small_dataset: Dataset, tmp_path: Path) -> None:
    fresh = task(small_dataset).pair.generator.state_dict()
    weights, scheme = tmp_path / "dress.safetensors", load_scheme("dress3")
    settings = {**recipe().generator.model_dump(), "garment_width": 4}
    info = WeightsInfo(
        TrainedRecipe.model_validate({"name": "d", "generator": settings}), scheme, (64, 96), {}
    )
    torch.manual_seed(7)
    save_generator(weights, build_generator(scheme, **settings), info)
    given = load_generator(weights)[0].state_dict()
    assert any(name.startswith("garment_head") for name in given)  # which the data has no use for
    started = task(small_dataset, init=weights).pair.generator.state_dict()
    last = [name for name in fresh if name.startswith("decoder.blocks.2.")]
    assert last
    for name, tensor in started.items():
        assert torch.equal(tensor, fresh[name] if name in last else given[name]), name


@pytest.mark.parametrize("network", ["pix2pix", "unet", "deeplabv3"])
def test_finer_classes_start_as_those_they_fall_into(
    network: str, network_recipe: Path, small_dataset: Dataset, tmp_path: Path
) -> None:
    coarse, fine = load_scheme("four"), load_scheme("ccp29")
    weights = tmp_path / "four.safetensors"
    if network == "pix2pix":
        trained = task(small_dataset)
    else:
        deeplab = deeplab_recipe(network_recipe, "mobilenet_v3_large")
        trained = network_task(network_recipe if network == "unet" else deeplab, small_dataset)
    trained.save(weights, {})
    shares = np.linspace(0.0, 0.1, len(fine))
    plain = trained.recipe.without_garments()
    generator = build_generator(fine, **plain.generator.model_dump())
    tensors = starting_tensors(weights, plain, fine, shares, generator.state_dict())
    given = load_generator(weights)[0]
    # What is taken off photos is the data's to say.
    statistics = {n: t for n, t in given.state_dict().items() if n in PHOTO_STATISTICS}
    generator.load_state_dict(statistics | tensors)
    photo, into = torch.rand(1, 3, 96, 64), fine.merged_into(coarse)
    assert into is not None
    probabilities = generator.eval()(photo).logits.softmax(1)
    merged = torch.zeros(1, len(coarse), 96, 64).index_add(
        1, torch.from_numpy(into).long(), probabilities
    )
    assert torch.allclose(merged, given(photo).logits.softmax(1), atol=1e-5)
    of_clothes = probabilities[0, into == into[-1], 0, 0]
    assert torch.all(of_clothes.diff() > 0)  # as likely as they are common


def test_data_with_other_classes_is_refused(
    small_dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    classes = '[[classes]]\nname = "{}"\nlabels = ["{}"]\ncolor = "{}"\n'
    text = 'name = "mine"\n' + classes.format("a", "a", "#000000")
    (tmp_path / "mine.toml").write_text(text + classes.format("b", "*", "#ffffff"))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(TrainingError, match=r"trains scheme 'mine\.toml'.*skin, hair, clothes"):
        task(small_dataset, "scheme=mine.toml")


def test_size_that_squashes_photos_is_refused(small_dataset: Dataset) -> None:
    told = r"64x96, would be squashed; prepare them with --size 96x64"
    with pytest.raises(SizeError, match=told):
        task(small_dataset, "size=96x64")


def test_size_that_cannot_be_halved_is_refused(small_dataset: Dataset) -> None:
    with pytest.raises(SizeError, match="multiples of 16 in the shape of the data"):
        task(small_dataset, "size=66x98")


def test_size_whose_half_cannot_be_halved_is_refused(small_dataset: Dataset) -> None:
    told = (
        r"64x96, at half of which augmentation\.half_size trains too, cannot be halved 6 times; "
        r"take multiples of 64 in the shape of the data, or multiples of 32 with --set "
        r"augmentation\.half_size=0"
    )
    with pytest.raises(SizeError, match=told):
        task(small_dataset, "generator.depth=5", "augmentation.half_size=0.4")
    task(small_dataset, "generator.depth=5", "augmentation.half_size=0.4", "size=128x192")
    task(small_dataset, "generator.depth=5", "augmentation.half_size=0")


def test_unknown_device_is_refused() -> None:
    with pytest.raises(Pix2SegError, match="'warp'"):
        choose_device("warp")
    if not torch.cuda.is_available():
        with pytest.raises(Pix2SegError, match="try cpu"):
            choose_device("cuda")


def test_resumed_run_keeps_its_start_and_needs_neither_it_nor_a_scheme_file(
    small_dataset: Dataset, tmp_path: Path
) -> None:
    begun = recipe("scheme=gone.toml")
    resumed = SegmentationTask(
        begun, small_dataset, CPU, tmp_path / "gone/best.safetensors", resume=True
    )
    resumed.save(tmp_path / "weights.safetensors", {})
    assert load_generator(tmp_path / "weights.safetensors")[1].facts["init"] == (
        "gone/best.safetensors"
    )


def test_person_extractor_takes_people_as_data_alone(
    small_dataset: Dataset, tmp_path: Path
) -> None:
    run, folder = tmp_path / "run", str(small_dataset.root)
    words = ["train", "--recipe", "person-mask-rcnn", "--data", folder, "--people", folder]
    refused = CliRunner().invoke(app, [*words, "--run", str(run)])
    assert "leave --people out" in str(refused.exception)
    assert not run.exists()


def test_resuming_takes_moved_folders_and_no_other_start(
    small_dataset: Dataset, small_weights: Path, tmp_path: Path
) -> None:
    run, moved = tmp_path / "run", tmp_path / "moved"
    trainer(small_dataset, run, "schedule.epochs=1").train()
    folders = RunFile(
        recipe=read_recipe("pix2pix-ccp4"), data=[tmp_path / "gone"], people=[tmp_path / "lost"]
    )
    write_run_file(run, folders)
    words = ["train", "--run", str(run), "--resume"]
    refused = CliRunner().invoke(app, [*words, "--init", str(small_weights)])
    assert isinstance(refused.exception, TrainingError)
    assert "leave --init out" in str(refused.exception)
    settings = _read_run(run, None, None, [moved], None, None)
    assert settings.data == [tmp_path / "gone"]
    assert settings.people == [moved]
