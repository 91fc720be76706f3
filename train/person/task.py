"""Trains the Mask R-CNN that finds people."""

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.optim import AdamW
from torch.utils import data as torch_data

from pix2seg.device import autocast
from pix2seg.efficientnet_lite import IMAGENET, read_imagenet_weights
from pix2seg.engines.torch.network import TorchNetwork
from pix2seg.errors import TrainingError
from pix2seg.preprocess.person.base import Person
from pix2seg.preprocess.person.mask_rcnn.detector import Detector
from pix2seg.preprocess.person.mask_rcnn.extractor import find_person
from pix2seg.preprocess.person.mask_rcnn.inference import PhotoToPeople
from pix2seg.preprocess.person.mask_rcnn.info import PersonInfo
from pix2seg.preprocess.person.mask_rcnn.network import build_network
from pix2seg.preprocess.person.mask_rcnn.weights import load_network, save_network
from pix2seg.train.judge.people import PersonScore, summarise
from pix2seg.train.person.compose import Composer, targets_of
from pix2seg.train.person.photos import (
    PersonPhoto,
    main_person,
    photos_fingerprint,
    read_people,
)
from pix2seg.train.recipe import PersonRecipe
from pix2seg.train.run.batches import BatchKeys, Key, RunBatches, load_batches
from pix2seg.train.run.distributed import average_gradients, share_batch_norm
from pix2seg.train.run.ema import update_ema
from pix2seg.train.run.muon import KernelMuon, take_wide_kernels
from pix2seg.train.run.pretrained import keep_finest_stages, split_off
from pix2seg.train.run.provenance import weights_name
from pix2seg.train.run.trainer import Validation

STORED_SIDE = 576
"""Photos are kept in memory with this longer side: twice the network's, for close-ups."""

MAX_GRADIENT = 5.0
"""Gradients are clipped to this norm; early proposals can be far off."""

Batch = list[tuple[Tensor, dict[str, Tensor]]]


class PersonTask:
    """Composes pictures with people and trains a Mask R-CNN on them.

    Args:
        recipe: what to train.
        folders: Clothing Co-Parsing as downloaded, or folders with a COCO file and `photos/`.
        device: where to train.
        init: weights to start from.
        resume: a run goes on, so that `init` is told of and no longer loaded.

    Raises:
        DatasetError: a folder has neither layout, a file is broken, or there are too few photos.
        TrainingError: `init` holds a network of other widths.
        WeightsError: `init` holds none.
    """

    def __init__(
        self,
        recipe: PersonRecipe,
        folders: list[Path],
        device: torch.device,
        init: str | Path | None = None,
        *,
        resume: bool = False,
    ) -> None:
        self.recipe, self.folders, self.device = recipe, folders, device
        self.init = weights_name(init)
        torch.manual_seed(recipe.seed)
        self.photos = read_people(folders, "train", STORED_SIDE)
        self.val_photos = read_people(folders, "val", STORED_SIDE)
        network = build_network(**recipe.network.model_dump())
        self.network = share_batch_norm(network).to(device)
        if init:
            keep_finest_stages(self.network.backbone.body)
        if init and not resume:
            self._start_from(init)
        self.ema = copy.deepcopy(self.network).eval().requires_grad_(False)
        self.muon, self.optimizer, self.encoder_optimizer = self._build_optimizers()
        schedule = recipe.schedule
        self.order = RunBatches(len(self.photos), schedule.batch_size, schedule.epochs, recipe.seed)

    def _build_optimizers(self) -> tuple[KernelMuon | None, AdamW, AdamW]:
        """For the wide kernels of what follows the encoder, the rest of that, and the encoder."""
        settings = self.recipe.optimizer
        after, encoder = split_off(self.network, self.network.backbone.body)
        muon, others = take_wide_kernels(after, settings.muon_rate)
        decay = settings.weight_decay
        return muon, AdamW(others, weight_decay=decay), AdamW(encoder, weight_decay=decay)

    def _start_from(self, init: str | Path) -> None:
        if init == IMAGENET:
            encoder = self.network.backbone.body
            encoder.load_state_dict(read_imagenet_weights(self.recipe.network.encoder))
            return
        try:
            self.network.load_state_dict(load_network(Path(init))[0].state_dict())
        except RuntimeError as error:  # torch names every tensor that differs
            raise TrainingError(
                f"{init} holds a network of other widths than recipe {self.recipe.name} trains; "
                "give --init weights of the same [network]"
            ) from error

    def describe(self) -> str:
        """One line on what is trained on what."""
        parameters = sum(p.numel() for p in self.network.parameters())
        width, height = self.recipe.size
        return (
            f"{parameters / 1e6:.1f} M parameters at {width}x{height}, {len(self.photos)} photos, "
            f"{len(self.val_photos)} to validate, on {self.device} with "
            f"{torch.get_num_threads()} threads"
        )

    def fingerprint(self) -> str:
        """Tells its data from any other."""
        return photos_fingerprint([*self.photos, *self.val_photos])

    def batches(self, start: int) -> Iterator[Batch]:
        """Composed pictures with their targets, from a step on."""
        pictures = PictureBatches(self.photos, self.recipe)
        return load_batches(pictures, self.order.after(start), self.device)

    def step(self, batch: Batch, step: int) -> dict[str, float]:
        """Train on one batch; returns torchvision's five losses by name."""
        settings, schedule = self.recipe.optimizer, self.recipe.schedule
        factor = schedule.learning_rate_factor(step / self.order.steps, step)
        for optimizer, rate in self._optimizers():
            for group in optimizer.param_groups:
                group["lr"] = rate * factor
        images = [image.to(self.device) for image, _ in batch]
        targets = [{k: v.to(self.device) for k, v in target.items()} for _, target in batch]
        with autocast(self.device):
            losses: dict[str, Tensor] = self.network(images, targets)
        self.network.zero_grad(set_to_none=True)
        sum(losses.values(), torch.zeros((), device=self.device)).backward()  # type: ignore[no-untyped-call]
        average_gradients(self.network.parameters())
        nn.utils.clip_grad_norm_(self.network.parameters(), MAX_GRADIENT)
        for optimizer, _ in self._optimizers():
            optimizer.step()
        update_ema(self.ema, self.network, settings.ema_decay, step)
        return {name.removeprefix("loss_"): float(loss.detach()) for name, loss in losses.items()}

    def _optimizers(self) -> list[tuple[torch.optim.Optimizer, float]]:
        """Each with its learning rate at the height of the schedule."""
        settings = self.recipe.optimizer
        encoder_rate = settings.encoder_rate if self.init else 1.0
        optimizers: list[tuple[torch.optim.Optimizer, float]] = [
            (self.optimizer, settings.learning_rate),
            (self.encoder_optimizer, settings.learning_rate * encoder_rate),
        ]
        if self.muon:
            optimizers.append((self.muon, settings.learning_rate * settings.muon_rate))
        return optimizers

    @property
    def learning_rate(self) -> float:
        """Of the last step."""
        return float(self.optimizer.param_groups[0]["lr"])

    def validate(self) -> Validation:
        """Mean IoU of the main person over the validation photos."""
        scores = []
        for photo in self.val_photos:
            person = self._main_person(photo.pixels)
            truth = main_person(photo.labels)
            scores.append(PersonScore.of(person.mask, person.visible(), truth))
        facts = summarise(scores)
        text = f"person IoU {facts['iou']:.3f}  missed {facts['missed']}"
        scalars = {f"val/{name}": float(value) for name, value in facts.items()}
        return Validation(facts["iou"], scalars, text, facts)

    def _main_person(self, pixels: NDArray[np.uint8]) -> Person:
        width, height = self.recipe.size
        network = TorchNetwork(PhotoToPeople(self.ema), {}, self.device, "fp32")
        detector = Detector(network, PersonInfo("in training", width * height))
        return find_person(detector, pixels)

    def picture(self) -> tuple[str, NDArray[np.uint8]]:
        """Validation photos with what is found in them tinted, RGB uint8."""
        tinted = []
        for photo in self.val_photos[:: max(len(self.val_photos) // 8, 1)][:8]:
            off = ~self._main_person(photo.pixels).mask
            faded = np.where(off[..., None], photo.pixels // 4, photo.pixels)
            tinted.append(np.asarray(cv2.resize(faded, self.recipe.size), np.uint8))
        return "person", np.hstack(tinted)

    def save(self, path: Path, facts: dict[str, Any]) -> None:
        """Write the EMA network's weights."""
        data = {
            "folders": [folder.name for folder in self.folders],
            "train": len(self.photos),
            "val": len(self.val_photos),
        }
        facts = {"data": data, "init": self.init, **facts}
        save_network(path, self.ema, self.recipe.model_dump(), facts)

    def state_dict(self) -> dict[str, Any]:
        """Everything that training changes."""
        return {name: part.state_dict() for name, part in self._parts().items()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go back to a state that `state_dict` gave."""
        for name, part in self._parts().items():
            part.load_state_dict(state[name])

    def _parts(self) -> dict[str, Any]:
        parts = {
            "network": self.network,
            "ema": self.ema,
            "optimizer": self.optimizer,
            "encoder_optimizer": self.encoder_optimizer,
        }
        return {**parts, "muon": self.muon} if self.muon else parts


class PictureBatches(torch_data.Dataset[Batch]):
    """Composed pictures; what is drawn depends on the seed and the key alone."""

    def __init__(self, photos: list[PersonPhoto], recipe: PersonRecipe) -> None:
        self.composer = Composer(photos, recipe.mixture)
        self.recipe = recipe

    def __getitem__(self, keys: BatchKeys) -> Batch:
        """Pictures of one shape, float32 (3, H, W), 0..1, with boxes, masks and labels."""
        width, height = self.recipe.size
        first = np.random.default_rng([self.recipe.seed, *keys.first])
        if first.random() < self.recipe.mixture.landscape:
            width, height = height, width
        return [self._draw(key, width, height) for key in keys.own]

    def _draw(self, key: Key, width: int, height: int) -> tuple[Tensor, dict[str, Tensor]]:
        rng = np.random.default_rng([self.recipe.seed + 1, *key])
        pixels, labels = self.composer.draw(rng, key.sample, width, height)
        boxes, masks = targets_of(labels)
        target = {
            "boxes": torch.from_numpy(boxes),
            "masks": torch.from_numpy(masks),
            "labels": torch.ones(len(boxes), dtype=torch.int64),
        }
        return torch.from_numpy(pixels).permute(2, 0, 1).float() / 255, target
