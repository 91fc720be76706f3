"""The losses of the pair."""

from collections.abc import Mapping
from typing import TypeVar

import torch
from torch import Tensor
from torch.nn import functional as F

from pix2seg.classes import SOMEBODY, UNKNOWN
from pix2seg.garments import FIRST_GARMENT
from pix2seg.train.recipe import AdversarialLoss, LossSettings
from pix2seg.train.run.distributed import sum_over_processes, world_size

Loss = TypeVar("Loss", float, Tensor)


def weighted(losses: Mapping[str, Loss], settings: LossSettings) -> list[Loss]:
    """Each loss of the generator times its weight, from the losses by name."""
    return [
        getattr(settings, f"{name}_weight") * loss
        for name, loss in losses.items()
        if name != "discriminator"
    ]


def is_class(mask: Tensor) -> Tensor:
    """Whether a class id stands in each pixel of a mask."""
    return (mask != SOMEBODY) & (mask != UNKNOWN)


def adversarial_loss(logits: Tensor, real: bool, kind: AdversarialLoss) -> Tensor:
    """How far the discriminator's logits are from calling every patch real (or generated).

    Args:
        logits: (N, 1, h, w).
        real: what the patches should be called.
        kind: `vanilla` is the cross-entropy of Isola et al. 2017, eq. 1; `lsgan` the least squares
            of Mao et al. 2017 (arXiv 1611.04076), eq. 9.
    """
    target = torch.full_like(logits, float(real))
    if kind == "lsgan":
        return F.mse_loss(logits, target)
    return F.binary_cross_entropy_with_logits(logits, target)


def partial_cross_entropy(logits: Tensor, mask: Tensor, weights: Tensor) -> Tensor:
    """Minus the log of the probability of what is known of each pixel, summed over the pixels.

    Where the class is known this is the cross-entropy; on pixels of `SOMEBODY` it is
    -log(1 - p(background)), so that photos with nothing but a person's mask teach too. Pixels of
    `UNKNOWN` cost nothing.

    Args:
        logits: (N, classes, H, W).
        mask: int64 (N, H, W), class ids, `SOMEBODY` or `UNKNOWN`.
        weights: (classes,), of the known classes.
    """
    rows, labels = _rows(logits), mask.flatten()
    classes = labels.where(is_class(labels), UNKNOWN)
    known = F.cross_entropy(rows, classes, weights, ignore_index=UNKNOWN, reduction="sum")
    somebody = rows[labels == SOMEBODY]
    return known + (somebody.logsumexp(1) - somebody[:, 1:].logsumexp(1)).sum()


def _rows(logits: Tensor) -> Tensor:
    """Logits, (N, classes, H, W), as a row a pixel, float32 (N * H * W, classes).

    Networks compute channels_last, where a row lies together in memory: with 59 classes this makes
    the losses three times as fast.
    """
    return logits.permute(0, 2, 3, 1).flatten(0, 2).float()


def garment_loss(logits: Tensor, garments: Tensor) -> Tensor:
    """Cross-entropy and Dice of the garment kinds, on pixels of garments alone.

    Args:
        logits: (N, kinds, h, w), of the kinds from `FIRST_GARMENT` on.
        garments: int64 (N, H, W), ids of the scheme `garments`; H and W are multiples of h and w.

    Returns:
        A scalar; 0 where no garment is labelled.
    """
    kinds = _thinned(garments, logits) - FIRST_GARMENT
    worn = kinds >= 0
    # Counted over the whole batch: a process whose share shows no garment goes on with the others.
    count = sum_over_processes(worn.sum().float())
    if not count:
        return logits.sum() * 0.0
    entropy = F.cross_entropy(logits, kinds.where(worn, -100), ignore_index=-100, reduction="sum")
    return entropy * world_size() / count + dice_loss(logits, kinds.where(worn, UNKNOWN))


def opinion_loss(logits: Tensor, mask: Tensor, weights: Tensor) -> Tensor:
    """Cross-entropy and Dice of the classes as the garment namer sees them.

    Args:
        logits: (N, classes, h, w).
        mask: int64 (N, H, W), as for `partial_cross_entropy`; H and W are multiples of h and w.
        weights: (classes,), of the known classes.
    """
    seen = _thinned(mask, logits)
    entropy = partial_cross_entropy(logits, seen, weights) / seen.numel()
    return entropy + dice_loss(logits, seen)


def _thinned(labels: Tensor, logits: Tensor) -> Tensor:
    """Of labels, (N, H, W), those in the middle of each of the logits' pixels, (N, h, w)."""
    stride = labels.shape[1] // logits.shape[2]
    return labels[:, stride // 2 :: stride, stride // 2 :: stride]


def dice_loss(logits: Tensor, mask: Tensor) -> Tensor:
    """1 - the soft Dice coefficient of each class over the batch, averaged over the classes.

    Milletari et al. 2016 (arXiv 1606.04797, section 3), with probabilities not squared. A class
    counts by how well it is met, not by its pixels, so rare ones weigh as much as the background.

    Args:
        logits: (N, classes, H, W).
        mask: int64 (N, H, W), class ids; pixels of `SOMEBODY` and `UNKNOWN` do not count.

    Returns:
        A scalar, 0..1. A class without a pixel in the batch costs nothing, and so does a batch of
        which nothing is known.
    """
    classes = logits.shape[1]
    known = is_class(mask).flatten()
    labels, counted = mask.flatten().where(known, 0), known.float()
    probabilities = _rows(logits).softmax(1)
    found = counted @ probabilities
    right = probabilities.gather(1, labels[:, None])[:, 0]
    none = found.new_zeros(classes)
    met = none.index_add(0, labels, right * counted)
    there = none.index_add(0, labels, counted)
    # Dice is no mean over photos, so its sums are those of the whole batch.
    met, found, there = sum_over_processes(torch.stack([met, found, there])).unbind()
    dice = 2 * met / (found + there).clamp(min=1e-6)
    shown = there > 0
    return ((1 - dice) * shown).sum() / shown.sum().clamp(min=1)


def class_weights(shares: Tensor, power: float) -> Tensor:
    """Cross-entropy weights that lift rare classes: share ** -power, scaled to a mean of 1.

    Args:
        shares: (classes,), each class's share of the training pixels.
        power: 0 weighs all pixels alike, 1 all classes alike.

    Returns:
        (classes,) weights whose mean over the pixels is 1. A class without a pixel weighs
        as much as a class with a billionth of the pixels.
    """
    weights = shares.clamp(min=1e-9) ** -power
    return weights / (weights * shares).sum()
