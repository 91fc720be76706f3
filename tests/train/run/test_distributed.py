import os
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from pix2seg.errors import TrainingError
from pix2seg.generators.weights import load_generator
from pix2seg.preprocess.dataset.dataset import Dataset
from pix2seg.train.generator import pair
from pix2seg.train.run.batches import RunBatches
from pix2seg.train.run.distributed import SharedBatchNorm2d

SETS = (
    "size=64x96",
    "generator.width=4",
    "generator.max_width=8",
    "generator.depth=3",
    "generator.wide_blocks=0",
    "generator.garment_encoder=none",
    "generator.opinion=0",
    "loss.opinion_weight=0",
    "generator.dropout=0",
    "discriminator.width=4",
    "schedule.batch_size=2",
    "schedule.warmup_steps=0",
    "schedule.epochs=3",
    "optimizer.muon_rate=0",
)


def arguments(dataset: Dataset, run: Path, *overrides: str) -> list[str]:
    sets = [word for override in (*SETS, *overrides) for word in ("--set", override)]
    chosen = ["--recipe", "pix2pix-ccp4", "--data", str(dataset.root), "--run", str(run)]
    return ["pix2seg", "train", *chosen, "--device", "cpu", *sets]


def train(program: list[str], words: list[str]) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        [*program, *words], capture_output=True, text=True, env=environment, timeout=200
    )


ALONE = [sys.executable, "-m"]
# Without the --, torchrun would take --run for the start of an option of its own.
TORCHRUN = [*ALONE, "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "--"]


ADVERSARY = ("loss.adversarial_weight=0.1", "schedule.batch_size=4", "schedule.epochs=2")

MUON = ("optimizer.muon_rate=1.5",)


# Four pieces of a batch of four leave each of two processes two pieces of one photo, which are
# halves of the two pieces of one process.
@pytest.mark.parametrize(
    ("alone", "shared", "near"),
    [
        # Weights move by up to 1e-3 a step; Adam lifts what rounding leaves of tiny gradients.
        ((), (), 5e-4),
        ((*ADVERSARY, "schedule.accumulate=2"), (*ADVERSARY, "schedule.accumulate=4"), 2e-4),
        # Muon makes what rounding leaves in a direction without gradient as long as the rest.
        (MUON, MUON, 2e-3),
    ],
    ids=["whole", "accumulated", "muon"],
)
def test_two_processes_train_what_one_does(
    small_dataset: Dataset,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    alone: tuple[str, ...],
    shared: tuple[str, ...],
    near: float,
) -> None:
    one, two = tmp_path / "one.pt", tmp_path / "two.pt"
    script = str(Path(__file__).with_name("share_batches.py"))
    monkeypatch.setattr(pair, "autocast", pair.autocast)  # the script changes it
    runpy.run_path(script)["main"](str(small_dataset.root), str(one), *SETS, *alone)
    result = train(TORCHRUN[:-2], [script, str(small_dataset.root), str(two), *SETS, *shared])
    assert result.returncode == 0, result.stderr
    expected, found = (torch.load(file, weights_only=True) for file in (one, two))
    for name, tensor in expected.items():
        assert torch.allclose(tensor.float(), found[name].float(), rtol=1e-3, atol=near), name


def test_torchrun_has_one_writer(small_dataset: Dataset, tmp_path: Path) -> None:
    result = train(TORCHRUN, arguments(small_dataset, tmp_path / "run", "schedule.epochs=1"))
    assert result.returncode == 0, result.stderr
    assert result.stderr.count("done:") == 1
    lines = (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()
    assert len([line for line in lines if '"epoch"' in line]) == 1
    _, info = load_generator(tmp_path / "run" / "best.safetensors")
    assert info.facts["epoch"] == 1


def test_batch_that_processes_cannot_share_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pix2seg.train.run.batches.world_size", lambda: 2)
    assert RunBatches(6, 4, 1, 0).steps == 1
    with pytest.raises(TrainingError, match="2 processes cannot share batches of 3"):
        RunBatches(6, 3, 1, 0)
    assert RunBatches(6, 3, 1, 0, others=5, others_per_batch=1).steps == 2


@pytest.mark.parametrize("mean", [1, 1000])  # beside which a spread of 3 is small
@pytest.mark.parametrize("training", [True, False])
def test_shared_batch_norm_of_one_process_is_batch_norm(training: bool, mean: float) -> None:
    torch.manual_seed(0)
    shared, plain = SharedBatchNorm2d(3).train(training), nn.BatchNorm2d(3).train(training)
    features = torch.randn(4, 3, 5, 6) * 3 + mean
    inputs = [features.clone().requires_grad_() for _ in range(2)]
    results = [norm(x) for norm, x in zip((shared, plain), inputs, strict=True)]
    # Single precision has seven digits, of which the mean takes its share.
    near = {"rtol": 1e-4, "atol": 1e-6 * max(mean, 10)}
    assert torch.allclose(*results, **near)
    for result in results:
        result.square().mean().backward()
    assert torch.allclose(*[x.grad for x in inputs if x.grad is not None], **near)
    for name, tensor in plain.state_dict().items():
        assert torch.allclose(tensor.float(), shared.state_dict()[name].float(), **near)


def test_shares_of_a_batch_norm_may_be_of_unlike_size_and_empty(tmp_path: Path) -> None:
    script = Path(__file__).with_name("share_norms.py")
    result = train(TORCHRUN[:-2], [str(script), str(tmp_path)])
    assert result.returncode == 0, result.stderr
    names = runpy.run_path(str(script))
    shares, numbered = names["SHARES"], names["numbered"]
    plain = nn.BatchNorm2d(2).train()
    for both in shares[:2]:
        features = numbered(sum(both)).requires_grad_()
        whole = plain(features)
        whole.square().sum().backward()
        parts = [torch.load(tmp_path / f"{both}-{rank}.pt", weights_only=True) for rank in (0, 1)]
        normalised, gradients = (torch.cat(part) for part in zip(*parts, strict=True))
        assert torch.allclose(normalised, whole, atol=1e-5)
        assert features.grad is not None
        assert torch.allclose(gradients, features.grad, atol=1e-5)
    for rank in (0, 1):  # and what is empty as a whole broke nothing
        state = torch.load(tmp_path / f"norm-{rank}.pt", weights_only=True)
        assert all(tensor.isfinite().all() for tensor in state.values())
