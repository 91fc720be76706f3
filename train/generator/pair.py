"""The pair under training: generator and discriminator, their optimisers and losses."""

import copy
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pix2seg.classes import Scheme
from pix2seg.device import autocast, to_input
from pix2seg.generators.base import Generated
from pix2seg.generators.build import build_generator
from pix2seg.generators.heads import map_colors
from pix2seg.generators.library import NetworkGenerator
from pix2seg.generators.pix2pix import UNetGenerator
from pix2seg.train.generator.discriminator import PatchDiscriminator
from pix2seg.train.generator.losses import (
    adversarial_loss,
    class_weights,
    dice_loss,
    garment_loss,
    is_class,
    opinion_loss,
    partial_cross_entropy,
    weighted,
)
from pix2seg.train.generator.samples import Batch
from pix2seg.train.recipe import AdversarialLoss, DiscriminatorSettings, SegmentationRecipe
from pix2seg.train.run.distributed import average_gradients, share_batch_norm
from pix2seg.train.run.ema import update_ema
from pix2seg.train.run.muon import take_wide_kernels
from pix2seg.train.run.pretrained import keep_all_but_garments, keep_finest_stages, split_off


class Pair:
    """Generator and discriminator, trained step by step; or a generator without one.

    Args:
        recipe: sizes, losses and optimisers.
        scheme: the classes.
        shares: (classes,), each class's share of the training pixels.
        device: where to train.
        pretrained: the generator is to begin with trained weights, so that an encoder that another
            task taught learns slowly.
    """

    def __init__(
        self,
        recipe: SegmentationRecipe,
        scheme: Scheme,
        shares: Tensor,
        device: torch.device,
        *,
        pretrained: bool = False,
    ) -> None:
        self.recipe = recipe
        self.device = device
        self.colors = map_colors(scheme).to(device)
        self.class_weights = class_weights(shares.float(), recipe.loss.class_weight_power).to(
            device
        )
        generator = build_generator(scheme, **recipe.generator.model_dump())
        generator = share_batch_norm(generator)
        self.generator = generator.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.ema = copy.deepcopy(self.generator).eval().requires_grad_(False)
        betas = (recipe.optimizer.beta1, recipe.optimizer.beta2)
        if recipe.trains == "garments":
            keep_all_but_garments(self.generator)
        namer = getattr(self.generator, "garment_namer", None)
        encoder = namer.encoder if namer and pretrained else None
        if encoder:
            keep_finest_stages(encoder)
        others, inside = split_off(self.generator, encoder)
        self.muon, others = take_wide_kernels(others, recipe.optimizer.muon_rate)
        self.generator_optimizer = torch.optim.Adam(others, betas=betas)
        self.encoder_optimizer = torch.optim.Adam(inside, betas=betas) if inside else None
        self.adversary: Adversary | None = None
        if recipe.discriminator:
            self.adversary = Adversary(recipe.discriminator, recipe.loss.adversarial, betas, device)

    def start_from(self, tensors: dict[str, Tensor]) -> None:
        """Take over trained tensors, for both the generator and its EMA.

        Layers that are not among them keep their fresh weights.

        Raises:
            ValueError: the generator has no tensor of one of the names.
        """
        strange = sorted(set(tensors) - set(self.generator.state_dict()))
        if strange:
            raise ValueError(f"the generator has no tensor {strange[0]}")
        self.generator.load_state_dict(tensors, strict=False)
        self.ema.load_state_dict(self.generator.state_dict())

    def set_mean(self, mean: Tensor) -> None:
        """Let the networks subtract each channel's mean, (3,) in [-1, 1]."""
        for generator in (self.generator, self.ema):
            cast(NetworkGenerator, generator).network.set_mean(mean)

    def step(self, batch: Batch, step: int, progress: float) -> dict[str, float]:
        """Train on one batch.

        Args:
            batch: photos and what is known of them.
            step: optimiser steps done so far.
            progress: how much of the run is done, 0..1.

        Returns:
            The losses by name, before they are weighted.
        """
        self._set_learning_rates(self.recipe.schedule.learning_rate_factor(progress, step))
        # Each piece of a batch leaves its gradients, so that large batches fit small memories. A
        # process that shares the batch with others may hold fewer photos than there are pieces.
        accumulate = self.recipe.schedule.accumulate
        pieces = list(zip(*(part.chunk(accumulate) for part in batch), strict=True))
        losses: dict[str, float] = {}
        for number, parts in enumerate(pieces, 1):
            piece, last = Batch(*parts), number == len(pieces)
            share = len(piece.photos) / len(batch.photos)
            for name, loss in self._learn(piece, share, last).items():
                losses[name] = losses.get(name, 0.0) + share * loss
        _descend(self.generator, self.generator_optimizer, self.encoder_optimizer, self.muon)
        update_ema(self.ema, self.generator, self.recipe.optimizer.ema_decay, step)
        return losses

    def _learn(self, batch: Batch, share: float, last: bool) -> dict[str, float]:
        """Leave the gradients of a piece of a batch; returns its losses."""
        photo = to_input(batch.photos.to(self.device))
        if self.recipe.trains == "garments":
            return self._learn_garments(photo, batch, share)
        mask = batch.masks.to(self.device).long()
        with autocast(self.device):
            generated: Generated = self.generator(photo)
        true_map = self._true_map(mask, generated.map)
        losses: dict[str, Tensor] = {}
        settings = self.recipe.loss
        if self.adversary and settings.adversarial_weight:
            losses["discriminator"] = self.adversary.learn(photo, true_map, generated.map, share)
            if last:  # the generator then meets the better discriminator, as in the paper
                _descend(self.adversary.discriminator, self.adversary.optimizer)
            losses["adversarial"] = self.adversary.loss(photo, generated.map)
        if settings.l1_weight:
            losses["l1"] = F.l1_loss(generated.map, true_map)
        if generated.logits is not None and settings.cross_entropy_weight:
            # Summed and divided by the pixels: the weights' mean over the data set is 1, and a
            # batch without rare classes should not count for more.
            entropy = partial_cross_entropy(generated.logits, mask, self.class_weights)
            losses["cross_entropy"] = entropy / mask.numel()
        if generated.logits is not None and settings.dice_weight:
            losses["dice"] = dice_loss(generated.logits, mask)
        losses |= self._garment_losses(generated.garments, generated.opinion, batch)
        return self._leave_gradients(losses, share)

    def _learn_garments(self, photo: Tensor, batch: Batch, share: float) -> dict[str, float]:
        """The same for the garment namer alone, without a pass of the rest."""
        with autocast(self.device):
            named = cast(UNetGenerator, self.generator).name_garments(photo)
        return self._leave_gradients(self._garment_losses(*named, batch), share)

    def _garment_losses(
        self, garments: Tensor | None, opinion: Tensor | None, batch: Batch
    ) -> dict[str, Tensor]:
        losses: dict[str, Tensor] = {}
        if garments is not None and self.recipe.loss.garment_weight:
            losses["garment"] = garment_loss(garments, batch.garments.to(self.device).long())
        if opinion is not None and self.recipe.loss.opinion_weight:
            mask = batch.masks.to(self.device).long()
            losses["opinion"] = opinion_loss(opinion, mask, self.class_weights)
        return losses

    def _leave_gradients(self, losses: dict[str, Tensor], share: float) -> dict[str, float]:
        _backward(share * torch.stack(weighted(losses, self.recipe.loss)).sum())
        return {name: float(loss.detach()) for name, loss in losses.items()}

    def _true_map(self, mask: Tensor, generated: Tensor) -> Tensor:
        """The map of a mask, (N, 3, H, W); where the class is not known, what was generated."""
        known = is_class(mask)
        colors = self.colors[mask.where(known, 0)].permute(0, 3, 1, 2)
        return torch.where(known[:, None], colors, generated.detach())

    def _set_learning_rates(self, factor: float) -> None:
        settings = self.recipe.optimizer
        rates: list[tuple[torch.optim.Optimizer, float]] = [
            (self.generator_optimizer, settings.learning_rate)
        ]
        if self.encoder_optimizer:
            rate = settings.learning_rate * settings.encoder_rate
            rates.append((self.encoder_optimizer, rate))
        if self.muon:
            rates.append((self.muon, settings.learning_rate * settings.muon_rate))
        if self.adversary:
            rates.append((self.adversary.optimizer, self.adversary.learning_rate))
        for optimizer, rate in rates:
            for group in optimizer.param_groups:
                group["lr"] = rate * factor

    def _parts(self) -> dict[str, nn.Module | torch.optim.Optimizer]:
        parts: dict[str, nn.Module | torch.optim.Optimizer] = {
            "generator": self.generator,
            "ema": self.ema,
            "generator_optimizer": self.generator_optimizer,
        }
        if self.encoder_optimizer:
            parts["encoder_optimizer"] = self.encoder_optimizer
        if self.muon:
            parts["muon"] = self.muon
        if self.adversary:
            parts["discriminator"] = self.adversary.discriminator
            parts["discriminator_optimizer"] = self.adversary.optimizer
        return parts

    def state_dict(self) -> dict[str, Any]:
        """Everything that training changes."""
        return {name: part.state_dict() for name, part in self._parts().items()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go back to a state that `state_dict` gave."""
        for name, part in self._parts().items():
            part.load_state_dict(state[name])


class Adversary:
    """The discriminator and its training.

    Args:
        settings: its size and learning rate.
        kind: its loss.
        betas: of its Adam.
        device: where to train.
    """

    def __init__(
        self,
        settings: DiscriminatorSettings,
        kind: AdversarialLoss,
        betas: tuple[float, float],
        device: torch.device,
    ) -> None:
        self.kind: AdversarialLoss = kind
        self.learning_rate = settings.learning_rate
        discriminator = share_batch_norm(PatchDiscriminator(settings.width, settings.layers))
        self.discriminator = discriminator.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.optimizer = torch.optim.Adam(self.discriminator.parameters(), betas=betas)

    def learn(self, photo: Tensor, true_map: Tensor, generated: Tensor, share: float) -> Tensor:
        """Leave the gradients of telling true maps from generated ones; returns the loss."""
        with autocast(photo.device):
            real = self.discriminator(photo, true_map)
            fake = self.discriminator(photo, generated.detach())
        # Halved, as in the paper, so that the discriminator learns more slowly (section 3.3).
        both = adversarial_loss(real, True, self.kind) + adversarial_loss(fake, False, self.kind)
        _backward(share * both / 2)
        return both.detach() / 2

    def loss(self, photo: Tensor, generated: Tensor) -> Tensor:
        """How far the discriminator is from taking generated maps for true ones."""
        self.discriminator.requires_grad_(False)
        with autocast(photo.device):
            fake = self.discriminator(photo, generated)
        self.discriminator.requires_grad_(True)
        return adversarial_loss(fake, True, self.kind)


def _backward(loss: Tensor) -> None:
    loss.backward()  # type: ignore[no-untyped-call]


def _descend(network: nn.Module, *optimizers: torch.optim.Optimizer | None) -> None:
    """A step along a network's gradients, which are then cleared."""
    average_gradients(network.parameters())
    for optimizer in filter(None, optimizers):
        optimizer.step()
    network.zero_grad(set_to_none=True)
