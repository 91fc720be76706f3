"""The mean of two generators of which one was trained on from the other.

python tests/bench/mean_of_weights.py FIRST SHARE SECOND DATA OUT [NAMER]

As in Wortsman et al. 2022 (arXiv 2203.05482), every tensor is SHARE of FIRST's and the rest of
SECOND's; those of the garment namer are NAMER of FIRST's, by default SHARE, too. Blocks that SECOND
alone has give nothing in FIRST. The file says what SECOND's does, but for the scores: those are the
mean's on DATA, as a run takes them after each epoch.
"""

import copy
import sys
from dataclasses import replace
from pathlib import Path
from typing import cast

import torch
from torch import Tensor, nn

from pix2seg.generators.pix2pix import WideBlock
from pix2seg.generators.weights import load_generator, save_generator
from pix2seg.preprocess.dataset.dataset import Dataset
from pix2seg.train.generator.samples import load_samples
from pix2seg.train.generator.validate import validate


def main(first: str, share: str, second: str, data: str, out: str, namer: str = "") -> None:
    generator, info = load_generator(Path(second))
    other, other_info = load_generator(Path(first))
    grown = copy.deepcopy(generator)
    for block in grown.modules():
        if isinstance(block, WideBlock):
            norm = cast(nn.BatchNorm2d, block.body[-1])
            nn.init.zeros_(norm.weight)
            nn.init.zeros_(norm.bias)
    grown.load_state_dict(other.state_dict(), strict=False)
    before, weight = grown.state_dict(), float(share)
    of_namer = float(namer or share)

    def mean_of(name: str, tensor: Tensor) -> Tensor:
        part = of_namer if name.startswith("garment_namer.") else weight
        return torch.lerp(tensor.float(), before[name].float(), part).to(tensor.dtype)

    mean = {name: mean_of(name, tensor) for name, tensor in generator.state_dict().items()}
    generator.load_state_dict(mean)
    samples = load_samples(Dataset(Path(data)), "val", info.size)
    scores, worn = validate(generator, samples, info.scheme, torch.device("cpu"), 4)
    facts = {
        **info.facts,
        "validation": {**scores.to_dict(), "garments": worn.to_dict()},
        "mean_of": {other_info.version: weight, info.version: 1 - weight},
        "namer_of": {other_info.version: of_namer, info.version: 1 - of_namer},
    }
    save_generator(Path(out), generator, replace(info, facts=facts))


if __name__ == "__main__":
    main(*sys.argv[1:])
