"""Normalise shares of batches in the processes that torchrun starts: share_norms.py FOLDER."""

import sys

import torch

from pix2seg.train.run.distributed import SharedBatchNorm2d, join, leave, rank

SHARES = (5, 3), (4, 0), (0, 0)
"""Pictures that each of two processes has."""


def numbered(count: int) -> torch.Tensor:
    """So many pictures, the same in every process."""
    return torch.rand(8, 2, 3, 3, generator=torch.Generator().manual_seed(0))[:count]


def main(folder: str) -> None:
    join("cpu")
    norm = SharedBatchNorm2d(2).train()
    for both in SHARES:
        features = numbered(sum(both)).split(both)[rank()].requires_grad_()
        normalised = norm(features)
        normalised.square().sum().backward()
        torch.save((normalised.detach(), features.grad), f"{folder}/{both}-{rank()}.pt")
    torch.save(norm.state_dict(), f"{folder}/norm-{rank()}.pt")
    leave()


if __name__ == "__main__":
    main(*sys.argv[1:])
