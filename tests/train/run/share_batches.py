"""Trains in single precision; test_distributed starts it alone and by torchrun.

python share_batches.py DATA OUT [KEY=VALUE...]
"""

import sys
from contextlib import nullcontext
from pathlib import Path

import torch

from pix2seg.preprocess.dataset.dataset import Dataset
from pix2seg.train.generator import pair
from pix2seg.train.generator.task import SegmentationTask
from pix2seg.train.recipe import SegmentationRecipe, parse_recipe, read_recipe
from pix2seg.train.run import distributed


def main(data: str, out: str, *overrides: str) -> None:
    pair.autocast = lambda _: nullcontext()  # type: ignore[attr-defined, assignment]
    device = distributed.join("cpu")
    recipe = parse_recipe(read_recipe("pix2pix-ccp4", overrides))
    assert isinstance(recipe, SegmentationRecipe)
    task = SegmentationTask(recipe, Dataset(Path(data)), device)
    losses = {}
    for step, batch in enumerate(task.batches(0)):
        losses = distributed.average(task.step(batch, step), device)
    score = task.validate().score  # all processes share the photos
    if distributed.is_writer():
        numbers = {name: torch.tensor(value) for name, value in {**losses, "score": score}.items()}
        parts = [task.pair.generator]
        if task.pair.adversary:
            parts.append(task.pair.adversary.discriminator)
        tensors = {
            f"{i} {n}": t for i, part in enumerate(parts) for n, t in part.state_dict().items()
        }
        torch.save({**tensors, **numbers}, out)
    distributed.leave()
    # Such a thread, running as the process ends, can abort it.
    left = [name for name in thread_names() if "gloo" in name]
    assert not left, f"still running: {left}"


def thread_names() -> list[str]:
    """The names of this process's threads, where the system tells them."""
    return [file.read_text().strip() for file in Path("/proc/self/task").glob("*/comm")]


if __name__ == "__main__":
    main(*sys.argv[1:])
