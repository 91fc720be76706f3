"""Trains a generator, with or without a discriminator, on a prepared data set."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pix2seg.classes import load_scheme
from pix2seg.errors import SizeError, TrainingError
from pix2seg.generators.info import TrainedRecipe, WeightsInfo
from pix2seg.generators.size import check_size
from pix2seg.generators.weights import save_generator
from pix2seg.preprocess.dataset.dataset import Dataset
from pix2seg.train.generator.pair import Pair
from pix2seg.train.generator.samples import (
    AugmentedBatches,
    Batch,
    Samples,
    load_samples,
    people_samples,
)
from pix2seg.train.generator.start import starting_tensors
from pix2seg.train.generator.validate import picture_grid, validate
from pix2seg.train.person.photos import photos_fingerprint, read_people
from pix2seg.train.recipe import SegmentationRecipe
from pix2seg.train.run.batches import RunBatches, load_batches
from pix2seg.train.run.provenance import weights_name
from pix2seg.train.run.trainer import Validation

TOO_SMALL = ("more than 1 value per channel", "can't be greater than actual input size")
"""What PyTorch says where a batch has no statistics, or a photo no room for a kernel."""


SQUASHED = 0.05
"""How far the shape of what is learnt may be from that of the photos: rounding, no more."""


def check_sizes(recipe: SegmentationRecipe, depth: int) -> None:
    """Refuse a recipe at whose size, or half of it where it trains there too, nothing fits.

    Args:
        recipe: its size and augmentation.
        depth: how many times the network halves.

    Raises:
        SizeError: says which sizes fit.
    """
    if not recipe.augmentation.half_size:
        check_size(recipe.size, depth)
        return
    step = 2 ** (depth + 1)
    if any(length % step for length in recipe.size):
        raise SizeError(
            f"a network size of {recipe.size[0]}x{recipe.size[1]}, at half of which "
            f"augmentation.half_size trains too, cannot be halved {depth + 1} times; take "
            f"multiples of {step} in the shape of the data, or multiples of {step // 2} with "
            "--set augmentation.half_size=0"
        )


def check_shape(recipe: SegmentationRecipe, dataset: Dataset) -> None:
    """Refuse a size at which the data's photos would be squashed.

    Raises:
        SizeError: names a size that fits, or how to prepare the data for this one.
    """
    (width, height), (data_width, data_height) = recipe.size, dataset.size
    if abs(width * data_height / (height * data_width) - 1) > SQUASHED:
        raise SizeError(
            f"at {width}x{height} the photos of {dataset.root}, {data_width}x{data_height}, would "
            f"be squashed; prepare them with --size {width}x{height}, or give a size of their "
            "shape with --set size=WxH"
        )


class SegmentationTask:
    """Trains generator and discriminator together (Isola et al. 2017).

    Args:
        recipe: what to train.
        dataset: what to train on.
        device: where to train.
        init: weights to start from, of these classes or others; see `starting_tensors`. `voc`
            are torchvision's for DeepLab.
        people: folders of photos of which the people's masks alone are known, as
            `read_person_photos` takes them; the recipe's `[people]` says how many a batch has.
        resume: a run goes on, so that `init` is told of and no longer loaded, and the classes are
            those of the data that it was begun with.

    A recipe's garment head is left out where the data names no garments.

    Raises:
        TrainingError: the data has other classes or another shape than the recipe, the recipe has
            no use for people, or `init` is another generator.
        SizeError, DatasetError, WeightsError: recipe, data and weights do not fit each other.
    """

    def __init__(
        self,
        recipe: SegmentationRecipe,
        dataset: Dataset,
        device: torch.device,
        init: str | Path | None = None,
        people: Sequence[Path] = (),
        *,
        resume: bool = False,
    ) -> None:
        if not resume and dataset.scheme != load_scheme(recipe.scheme):
            raise TrainingError(
                f"recipe {recipe.name} trains scheme '{recipe.scheme}', but {dataset.root} has the "
                f"classes {', '.join(dataset.scheme.names)}; prepare it with --scheme "
                f"{recipe.scheme}, or give the data's scheme with --set scheme=FILE"
            )
        if not dataset.has_garments:
            if recipe.trains == "garments":
                raise TrainingError(
                    f'{dataset.root} names no garments, and trains = "garments" trains nothing '
                    "else; prepare it with garments, or leave trains out"
                )
            recipe = recipe.without_garments()
        check_shape(recipe, dataset)
        self.recipe, self.dataset, self.device = recipe, dataset, device
        torch.manual_seed(recipe.seed)
        self.train_samples = load_samples(dataset, "train", recipe.size)
        self.val_samples = load_samples(dataset, "val", recipe.size)
        # Names alone: a weights file travels, and tells nobody where its training lay.
        self.people_folders = [folder.resolve().name for folder in people]
        self.init = weights_name(init)
        self.people: Samples | None = None
        self.people_fingerprint = ""
        if people and not recipe.people:
            raise TrainingError(f"recipe {recipe.name} has no [people]; leave --people out")
        if people:
            longest = max(recipe.size)
            photos = read_people(people, "train", longest)
            self.people = people_samples(photos, recipe.size)
            self.people_fingerprint = photos_fingerprint(photos)
        if recipe.hide:
            self.val_samples = self.val_samples.hidden(recipe.background)
        shares = self.train_samples.class_shares(len(dataset.scheme))
        self.pair = self._pair(torch.from_numpy(shares))
        self.start = ""
        if init and not resume:
            self._start_from(init, shares)
        schedule = recipe.schedule
        self.order = RunBatches(
            len(self.train_samples),
            schedule.batch_size,
            schedule.epochs,
            recipe.seed,
            repeats=self.train_samples.repeats(schedule.repeat_below),
            others=len(self.people) if self.people else 0,
            others_per_batch=recipe.people.per_batch if recipe.people and self.people else 0,
        )

    def describe(self) -> str:
        """One line on what is trained on what."""
        parameters = sum(p.numel() for p in self.pair.generator.parameters())
        width, height = self.recipe.size
        others = f" and {len(self.people)} of people alone" if self.people else ""
        return (
            f"{parameters / 1e6:.1f} M parameters at {width}x{height}, "
            f"{len(self.train_samples)} photos{others}, {len(self.val_samples)} to validate, "
            f"on {self.device} with {torch.get_num_threads()} threads{self.start}"
        )

    def fingerprint(self) -> str:
        """Tells its data from any other."""
        return f"{self.dataset.fingerprint()} {self.people_fingerprint}"

    def _pair(self, shares: Tensor) -> Pair:
        recipe = self.recipe
        try:
            pair = Pair(
                recipe, self.dataset.scheme, shares, self.device, pretrained=self.init is not None
            )
        except ValueError as error:
            raise TrainingError(f"recipe {recipe.name}: {error}") from error
        check_sizes(recipe, pair.generator.depth)
        if getattr(recipe.generator, "normalise", None) == "mean":
            pair.set_mean(self.train_samples.mean_color())
        return pair

    def _start_from(self, init: str | Path, shares: NDArray[np.float64]) -> None:
        ours = self.pair.generator.state_dict()
        tensors = starting_tensors(init, self.recipe, self.dataset.scheme, shares, ours)
        self.pair.start_from(tensors)
        self.start = f", started from {init} ({len(tensors)} of {len(ours)} tensors)"

    def batches(self, start: int) -> Iterator[Batch]:
        """The batches from a step on."""
        recipe = self.recipe
        batches = AugmentedBatches(
            self.train_samples,
            self.people,
            recipe.people.crop if recipe.people else 0.0,
            recipe.augmentation,
            recipe.background,
            self.dataset.scheme,
            recipe.seed,
        )
        return load_batches(batches, self.order.after(start), self.device)

    def step(self, batch: Batch, step: int) -> dict[str, float]:
        """Train on one batch; returns the losses by name.

        Raises:
            TrainingError: the batch or its photos are too small for the networks.
        """
        try:
            return self.pair.step(batch, step, step / self.order.steps)
        except (RuntimeError, ValueError) as error:
            if not any(sign in str(error) for sign in TOO_SMALL):
                raise
            raise TrainingError(
                f"recipe {self.recipe.name} cannot learn from batches so small ({error}); take "
                "more photos, a larger --set size or schedule.batch_size, or fewer "
                "schedule.accumulate or discriminator.layers"
            ) from error

    @property
    def learning_rate(self) -> float:
        """The generator's, of the last step."""
        return float(self.pair.generator_optimizer.param_groups[0]["lr"])

    def validate(self) -> Validation:
        """Mean IoU of the EMA generator over the validation photos at network size.

        Where garments are trained, the score is the mean of the classes' and the garments' mIoU.
        """
        scheme, batch_size = self.dataset.scheme, self.recipe.schedule.batch_size
        scores, worn = validate(self.pair.ema, self.val_samples, scheme, self.device, batch_size)
        scalars = {"val/mean_iou": scores.mean_iou, "val/pixel_accuracy": scores.pixel_accuracy}
        scalars |= {f"val/iou_{n}": float(v) for n, v in zip(scheme.names, scores.iou, strict=True)}
        text = f"pixel accuracy {scores.pixel_accuracy:.3f}  mIoU {scores.mean_iou:.3f}"
        if not self.recipe.loss.garment_weight:
            return Validation(scores.mean_iou, scalars, text, scores.to_dict())
        scalars["val/garments_mean_iou"] = worn.mean_iou
        text += f"  garments {worn.mean_iou:.3f}"
        facts = {**scores.to_dict(), "garments": worn.to_dict()}
        return Validation((scores.mean_iou + worn.mean_iou) / 2, scalars, text, facts)

    def picture(self) -> tuple[str, NDArray[np.uint8]]:
        """A few validation photos with their maps and masks."""
        grid = picture_grid(self.pair.ema, self.val_samples, self.dataset.scheme, self.device)
        return "photo, truth, map, mask", grid

    def save(self, path: Path, facts: dict[str, Any]) -> None:
        """Write the EMA generator's weights."""
        begun = {"people": self.people_folders, "init": self.init}
        facts = {"data": self.dataset.summary(), **begun, **facts}
        recipe = TrainedRecipe.model_validate(self.recipe.model_dump())
        info = WeightsInfo(recipe, self.dataset.scheme, self.recipe.size, facts)
        save_generator(path, self.pair.ema, info)

    def state_dict(self) -> dict[str, Any]:
        """Everything that training changes."""
        return self.pair.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go back to a state that `state_dict` gave."""
        self.pair.load_state_dict(state)
