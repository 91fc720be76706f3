"""The pair under training: generator and discriminator, their optimisers and losses."""

import copy
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pix2seg.classes import Scheme
from pix2seg.device import autocast, to_input
from pix2seg.generator import Generated, UNetGenerator, build_generator, map_colors
from pix2seg.train.discriminator import PatchDiscriminator
from pix2seg.train.ema import update_ema
from pix2seg.train.losses import adversarial_loss, class_weights, dice_loss
from pix2seg.train.recipe import Pix2PixRecipe


class Pair:
    """Generator and discriminator, trained step by step.

    Args:
        recipe: sizes, losses and optimisers.
        scheme: the classes.
        shares: (classes,), each class's share of the training pixels.
        device: where to train.
    """

    def __init__(
        self, recipe: Pix2PixRecipe, scheme: Scheme, shares: Tensor, device: torch.device
    ) -> None:
        self.recipe = recipe
        self.device = device
        self.colors = map_colors(scheme).to(device)
        self.class_weights = class_weights(shares.float(), recipe.loss.class_weight_power).to(
            device
        )
        generator = build_generator(scheme, **recipe.generator.model_dump())
        discriminator = PatchDiscriminator(**recipe.discriminator.model_dump())
        self.generator = generator.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.discriminator = discriminator.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.ema = copy.deepcopy(self.generator).eval().requires_grad_(False)
        settings = recipe.optimizer
        betas = (settings.beta1, settings.beta2)
        self.generator_optimizer = torch.optim.Adam(self.generator.parameters(), betas=betas)
        self.discriminator_optimizer = torch.optim.Adam(
            self.discriminator.parameters(), betas=betas
        )

    def start_from(self, weights: UNetGenerator) -> None:
        """Take over a trained generator's weights, for both the generator and its EMA.

        Layers that the trained one lacks keep their fresh weights.
        """
        self.generator.load_state_dict(weights.state_dict(), strict=False)
        self.ema.load_state_dict(self.generator.state_dict())

    def step(self, photo: Tensor, mask: Tensor, step: int, progress: float) -> dict[str, float]:
        """Train on one batch.

        Args:
            photo: uint8 (N, H, W, 3).
            mask: uint8 (N, H, W), class ids.
            step: optimiser steps done so far.
            progress: how much of the run is done, 0..1.

        Returns:
            The losses by name, before they are weighted.
        """
        self._set_learning_rates(self.recipe.schedule.learning_rate_factor(progress, step))
        photo = to_input(photo.to(self.device))
        mask = mask.to(self.device).long()
        true_map = self.colors[mask].permute(0, 3, 1, 2)
        with autocast(self.device):
            generated: Generated = self.generator(photo)
        losses = {}
        if self.recipe.loss.adversarial_weight:
            losses["discriminator"] = self._train_discriminator(photo, true_map, generated.map)
        losses |= self._train_generator(photo, mask, true_map, generated)
        update_ema(self.ema, self.generator, self.recipe.optimizer.ema_decay, step)
        return losses

    def _train_discriminator(self, photo: Tensor, true_map: Tensor, generated: Tensor) -> float:
        kind = self.recipe.loss.adversarial
        with autocast(self.device):
            real = self.discriminator(photo, true_map)
            fake = self.discriminator(photo, generated.detach())
        # Halved, as in the paper, so that the discriminator learns more slowly (section 3.3).
        loss = (adversarial_loss(real, True, kind) + adversarial_loss(fake, False, kind)) / 2
        _descend(self.discriminator_optimizer, loss)
        return float(loss.detach())

    def _train_generator(
        self, photo: Tensor, mask: Tensor, true_map: Tensor, generated: Generated
    ) -> dict[str, float]:
        settings = self.recipe.loss
        losses: dict[str, Tensor] = {}
        total = torch.zeros((), device=self.device)
        if settings.adversarial_weight:
            self.discriminator.requires_grad_(False)
            with autocast(self.device):
                fake = self.discriminator(photo, generated.map)
            self.discriminator.requires_grad_(True)
            losses["adversarial"] = adversarial_loss(fake, True, settings.adversarial)
            total = total + settings.adversarial_weight * losses["adversarial"]
        if settings.l1_weight:
            losses["l1"] = F.l1_loss(generated.map, true_map)
            total = total + settings.l1_weight * losses["l1"]
        if generated.logits is not None and settings.cross_entropy_weight:
            # Summed and divided by the pixels: the weights' mean over the data set is 1, and a
            # batch without rare classes should not count for more.
            entropy = F.cross_entropy(generated.logits, mask, self.class_weights, reduction="sum")
            losses["cross_entropy"] = entropy / mask.numel()
            total = total + settings.cross_entropy_weight * losses["cross_entropy"]
        if generated.logits is not None and settings.dice_weight:
            losses["dice"] = dice_loss(generated.logits, mask)
            total = total + settings.dice_weight * losses["dice"]
        _descend(self.generator_optimizer, total)
        return {name: float(loss.detach()) for name, loss in losses.items()}

    def _set_learning_rates(self, factor: float) -> None:
        settings = self.recipe.optimizer
        for optimizer, rate in (
            (self.generator_optimizer, settings.learning_rate),
            (self.discriminator_optimizer, settings.discriminator_learning_rate),
        ):
            for group in optimizer.param_groups:
                group["lr"] = rate * factor

    def _parts(self) -> dict[str, nn.Module | torch.optim.Optimizer]:
        return {
            "generator": self.generator,
            "discriminator": self.discriminator,
            "ema": self.ema,
            "generator_optimizer": self.generator_optimizer,
            "discriminator_optimizer": self.discriminator_optimizer,
        }

    def state_dict(self) -> dict[str, Any]:
        """Everything that training changes."""
        return {name: part.state_dict() for name, part in self._parts().items()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go back to a state that `state_dict` gave."""
        for name, part in self._parts().items():
            part.load_state_dict(state[name])


def _descend(optimizer: torch.optim.Optimizer, loss: Tensor) -> None:
    optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    optimizer.step()
