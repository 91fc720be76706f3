import pytest
import torch

from pix2seg.classes import SOMEBODY, UNKNOWN
from pix2seg.train.generator import losses
from pix2seg.train.generator.losses import (
    adversarial_loss,
    class_weights,
    dice_loss,
    garment_loss,
    opinion_loss,
)


@pytest.mark.parametrize("kind", ["lsgan", "vanilla"])
def test_adversarial_loss_falls_as_the_patches_are_called_right(kind: str) -> None:
    patches = torch.full((2, 1, 3, 3), 0.9)
    assert adversarial_loss(patches, True, kind) < adversarial_loss(patches, False, kind)
    assert adversarial_loss(patches + 0.1, True, kind) < adversarial_loss(patches, True, kind)


def test_known_values() -> None:
    assert adversarial_loss(torch.zeros(1, 1, 2, 2), True, "lsgan") == 1
    vanilla = adversarial_loss(torch.zeros(1, 1, 2, 2), True, "vanilla")
    assert vanilla == pytest.approx(0.6931, abs=1e-4)


def test_class_weights_lift_rare_classes_and_keep_the_mean() -> None:
    shares = torch.tensor([0.77, 0.03, 0.01, 0.19])
    for power in (0.0, 0.25, 1.0):
        weights = class_weights(shares, power)
        assert (weights * shares).sum() == pytest.approx(1)
    assert torch.allclose(class_weights(shares, 0), torch.ones(4))
    counted = class_weights(shares, 1) * shares
    assert torch.allclose(counted, counted[0].expand(4))
    assert class_weights(torch.tensor([1.0, 0.0]), 0.5).isfinite().all()


def test_dice_loss_is_0_for_the_truth_and_weighs_classes_alike() -> None:
    mask = torch.zeros(2, 8, 8, dtype=torch.int64)
    mask[0, 0, 0] = 1  # one pixel of a rare class
    sure = 50 * torch.nn.functional.one_hot(mask, 3).permute(0, 3, 1, 2).float()
    assert dice_loss(sure, mask) == pytest.approx(0, abs=1e-6)
    all_background = torch.zeros_like(sure)
    all_background[:, 0] = 50
    assert dice_loss(all_background, mask) == pytest.approx(0.5, abs=0.01)  # one class of two


def test_dice_loss_of_even_probabilities() -> None:
    mask = torch.tensor([[[0, 1]]])
    # Each class: 2 * 0.5 / (1 + 1).
    assert dice_loss(torch.zeros(1, 2, 1, 2), mask) == pytest.approx(0.5)


@pytest.mark.parametrize("unknown", [SOMEBODY, UNKNOWN])
def test_dice_loss_of_nothing_known_is_0(unknown: int) -> None:
    logits = torch.randn(1, 4, 8, 8, requires_grad=True)
    loss = dice_loss(logits, torch.full((1, 8, 8), unknown))
    loss.backward()
    assert loss == 0
    assert logits.grad is not None
    assert logits.grad.isfinite().all()


def test_opinion_loss_reads_the_middle_of_each_coarse_pixel() -> None:
    mask = torch.full((1, 16, 16), UNKNOWN)
    mask[0, 4::8, 4::8] = torch.tensor([[0, 1], [2, SOMEBODY]])
    right = torch.full((1, 3, 2, 2), -50.0)
    right[0, [0, 1, 2, 1], [0, 0, 1, 1], [0, 1, 0, 1]] = 50.0
    weights = torch.ones(3)
    assert opinion_loss(right, mask, weights) == pytest.approx(0, abs=1e-6)
    assert opinion_loss(right.roll(1, 1), mask, weights) > 10


def test_a_share_without_garments_still_joins_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    logits, garments = torch.randn(1, 13, 4, 4), torch.zeros(1, 8, 8, dtype=torch.int64)
    assert garment_loss(logits, garments) == 0
    asked = []

    def with_another(tensor: torch.Tensor) -> torch.Tensor:
        asked.append(tensor.shape)
        return tensor + 5

    monkeypatch.setattr(losses, "sum_over_processes", with_another)
    assert garment_loss(logits, garments).isfinite()
    assert len(asked) == 2, "how many garments, and the sums of Dice"
