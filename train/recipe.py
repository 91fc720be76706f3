"""Recipes: one TOML file for each trained system, validated before any work."""

import os
import reprlib
import tomllib
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from pix2seg.errors import RecipeError, reason_of
from pix2seg.generators.settings import GeneratorSettings, Pix2PixSettings
from pix2seg.preprocess.background import Background
from pix2seg.preprocess.fit import parse_size
from pix2seg.preprocess.person.mask_rcnn.info import NetworkWidths

Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[int, Field(ge=1)]
Side = Annotated[int, Field(ge=1, le=8192)]
AdversarialLoss = Literal["lsgan", "vanilla"]

LOWEST_FACTOR = 0.1
"""Where each cycle of a cyclical learning rate begins and ends."""


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class DiscriminatorSettings(_Section):
    """The PatchGAN (see `train.generator.discriminator.PatchDiscriminator`) and its Adam."""

    width: Positive
    layers: Annotated[int, Field(ge=1, le=6)]
    learning_rate: Annotated[float, Field(gt=0)]


class LossSettings(_Section):
    """What each loss weighs; see `pix2seg.train.generator.losses`."""

    adversarial: AdversarialLoss = "lsgan"
    adversarial_weight: Annotated[float, Field(ge=0)] = 0.0
    l1_weight: Annotated[float, Field(ge=0)]
    cross_entropy_weight: Annotated[float, Field(ge=0)]
    dice_weight: Annotated[float, Field(ge=0)]
    garment_weight: Annotated[float, Field(ge=0)] = 0.0
    opinion_weight: Annotated[float, Field(ge=0)] = 0.0
    class_weight_power: Share


class AugmentationSettings(_Section):
    """How far photo and mask are changed; see `pix2seg.train.generator.augment.augment`."""

    flip: Share
    rotation: Annotated[float, Field(ge=0, le=180)]
    shift: Share
    zoom: Annotated[float, Field(ge=0, lt=1)]
    close_up: Share
    closest: Annotated[float, Field(ge=1)] = 3.0
    heads: Share = 0.0
    color_jitter: Annotated[float, Field(ge=0, lt=1)]
    hide_background: Share
    mask_mistakes: Annotated[float, Field(ge=0)]
    swap_background: Share
    recolor: Share = 0.0
    skin_tone: Share = 0.0
    grey: Share = 0.0
    half_size: Share = 0.0


class PeopleSettings(_Section):
    """Photos with nothing but a person's mask that each batch has beside those of the data set."""

    per_batch: Positive
    crop: Share


class OptimizerSettings(_Section):
    """Adam for the generator, betas for both networks, and the EMA of the generator.

    The generator's wide kernels learn by Muon instead where `muon_rate`, a multiple of the learning
    rate, is not 0; see `pix2seg.train.run.muon`.
    """

    learning_rate: Annotated[float, Field(gt=0)]
    muon_rate: Annotated[float, Field(ge=0)] = 0.0
    encoder_rate: Annotated[float, Field(ge=0)] = 1.0
    beta1: Annotated[float, Field(ge=0, lt=1)]
    beta2: Annotated[float, Field(ge=0, lt=1)]
    ema_decay: Annotated[float, Field(ge=0, lt=1)]


class ScheduleSettings(_Section):
    """How long the run is and how the learning rate goes."""

    epochs: Positive
    batch_size: Positive
    warmup_steps: Annotated[int, Field(ge=0)]
    decay_from: Share
    cycles: Annotated[int, Field(ge=0)]
    patience: Annotated[int, Field(ge=0)]

    def learning_rate_factor(self, progress: float, step: int) -> float:
        """What the learning rate is multiplied with, 0..1.

        Args:
            progress: how much of the run is done, 0..1.
            step: optimiser steps done.
        """
        warmup = min((step + 1) / (self.warmup_steps + 1), 1.0)
        if self.cycles:
            # Triangular, as in Smith 2017 (arXiv 1506.01186, section 3).
            height = 1 - abs(1 - 2 * (progress * self.cycles % 1.0))
            return warmup * (LOWEST_FACTOR + (1 - LOWEST_FACTOR) * height)
        if progress <= self.decay_from:
            return warmup
        return warmup * (1 - progress) / (1 - self.decay_from)


class SegmentationSchedule(ScheduleSettings):
    """The same for a generator, whose batches may be cut into pieces to save memory."""

    accumulate: Positive
    repeat_below: Share = 0.0

    @model_validator(mode="after")
    def _batch_can_be_cut(self) -> Self:
        if self.batch_size % self.accumulate:
            raise ValueError(
                f"schedule.batch_size = {self.batch_size} cannot be cut into {self.accumulate} "
                "equal pieces; change it or schedule.accumulate"
            )
        return self


def _as_size(value: Any) -> Any:
    return value if isinstance(value, list | tuple) else parse_size(str(value))


class Recipe(_Section):
    """What every training run is made from, but the data."""

    name: str
    summary: str
    size: Annotated[tuple[Side, Side], BeforeValidator(_as_size)]
    seed: Annotated[int, Field(ge=0, lt=2**63)]
    schedule: ScheduleSettings


class SegmentationRecipe(Recipe):
    """A generator, and a discriminator if it has one; see `pix2seg.train.generator.task`."""

    kind: Literal["segmentation"]
    scheme: str
    person: str = "mask-rcnn"
    hide: bool = False
    background: Background
    trains: Literal["all", "garments"] = "all"
    generator: GeneratorSettings
    discriminator: DiscriminatorSettings | None = None
    loss: LossSettings
    augmentation: AugmentationSettings
    people: PeopleSettings | None = None
    optimizer: OptimizerSettings
    schedule: SegmentationSchedule

    def without_garments(self) -> Self:
        """The same without a garment head, for data that names no garments."""
        generator = self.generator
        if isinstance(generator, Pix2PixSettings):
            absent = {"garment_width": 0, "garment_encoder": "none", "opinion": 0.0}
            generator = generator.model_copy(update=absent)
        loss = self.loss.model_copy(update={"garment_weight": 0.0, "opinion_weight": 0.0})
        return self.model_copy(update={"generator": generator, "loss": loss})

    @model_validator(mode="after")
    def _statistics_can_be_taken(self) -> Self:
        piece = self.schedule.batch_size // self.schedule.accumulate
        if self.generator.architecture == "deeplabv3" and piece < 2:
            raise ValueError(
                "DeepLab looks at whole photos, whose statistics take two at least; let "
                "schedule.batch_size be twice schedule.accumulate or more"
            )
        return self

    @model_validator(mode="after")
    def _garments_can_be_trained_alone(self) -> Self:
        encoder = getattr(self.generator, "garment_encoder", "none")
        if self.trains == "garments" and (encoder == "none" or not self.loss.garment_weight):
            raise ValueError(
                'trains = "garments" leaves nothing to train without a loss.garment_weight and a '
                "generator.garment_encoder"
            )
        return self

    @model_validator(mode="after")
    def _losses_can_be_computed(self) -> Self:
        loss = self.loss
        of_logits = [
            name for name in ("cross_entropy_weight", "dice_weight") if getattr(loss, name)
        ]
        generator = self.generator
        tanh = isinstance(generator, Pix2PixSettings) and generator.head == "tanh"
        if tanh and of_logits:
            raise ValueError(
                f'loss.{of_logits[0]} needs logits, which generator.head = "tanh" has not; '
                'set it to 0, or generator.head to "logits"'
            )
        if loss.garment_weight and not getattr(generator, "garment_width", 0):
            raise ValueError(
                "loss.garment_weight needs a garment head; set generator.garment_width, such as 48"
            )
        if loss.opinion_weight and not getattr(generator, "opinion", 0):
            raise ValueError(
                "loss.opinion_weight needs a generator.opinion, such as 0.5; give one, or set it "
                "to 0"
            )
        of_the_map = loss.adversarial_weight or loss.l1_weight or of_logits
        if not of_the_map and self.trains == "all":
            raise ValueError("every loss weighs 0; give at least one of [loss] a weight")
        if loss.adversarial_weight and not self.discriminator:
            raise ValueError(
                "loss.adversarial_weight needs a [discriminator]; add one, or set it to 0"
            )
        return self


class MixtureSettings(_Section):
    """What a Mask R-CNN is shown; see `pix2seg.train.person.compose`."""

    pasted: Share
    nobody: Share
    landscape: Share


class AdamWSettings(_Section):
    """AdamW (Loshchilov and Hutter 2019), with Muon as for a generator, and the EMA."""

    learning_rate: Annotated[float, Field(gt=0)]
    muon_rate: Annotated[float, Field(ge=0)] = 0.0
    encoder_rate: Annotated[float, Field(ge=0)] = 1.0
    weight_decay: Annotated[float, Field(ge=0)]
    ema_decay: Annotated[float, Field(ge=0, lt=1)]


class PersonRecipe(Recipe):
    """A Mask R-CNN that finds people; see `pix2seg.train.person.task`."""

    kind: Literal["person"]
    network: NetworkWidths
    mixture: MixtureSettings
    optimizer: AdamWSettings


def parse_recipe(data: dict[str, Any]) -> SegmentationRecipe | PersonRecipe:
    """Validate a recipe given as plain data.

    Raises:
        RecipeError: names the first key that is missing, unknown or out of range.
    """
    name = data.get("name", "recipe")
    kinds: dict[Any, type[SegmentationRecipe | PersonRecipe]] = {
        "segmentation": SegmentationRecipe,
        "person": PersonRecipe,
    }
    if not isinstance(data.get("kind"), str) or data["kind"] not in kinds:
        raise RecipeError(f"recipe {name} has no kind; it must be one of {', '.join(kinds)}")
    try:
        return kinds[data["kind"]].model_validate(data)
    except ValidationError as error:
        raise RecipeError(_first_error(error, name, data)) from error


def _first_error(error: ValidationError, name: str, data: dict[str, Any]) -> str:
    first = error.errors()[0]
    key = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        *sections, leaf = first["loc"]
        for section in sections:
            data = data.get(str(section), data)  # pydantic names the kind of generator too
        others = ", ".join(k for k in data if k not in ("name", leaf))
        return f"recipe {name} has an unknown key '{leaf}' beside {others}"
    if first["type"] == "missing":
        return f"recipe {name} lacks the key '{key}'"
    if first["type"] == "value_error":
        return first["msg"].removeprefix("Value error, ")
    return f"recipe {name} has {key} = {reprlib.repr(first['input'])}: {first['msg']}"


def built_in_recipes() -> list[str]:
    """Names of the recipes that ship with the package, sorted."""
    files = resources.files("pix2seg.train").joinpath("recipes").iterdir()
    return sorted(f.name.removesuffix(".toml") for f in files if f.name.endswith(".toml"))


def read_recipe(name_or_file: str, overrides: Sequence[str] = ()) -> dict[str, Any]:
    """A recipe's TOML as plain data, with `key=value` overrides put in.

    A recipe that says `extends = "..."` has every key of that one, a shipped recipe or a TOML file
    beside it, but those it gives itself. What is extended extends nothing.

    Args:
        name_or_file: a shipped recipe's name, or the path of a TOML file.
        overrides: such as `schedule.epochs=3`; a value is read as TOML, else as text.

    Raises:
        RecipeError: no such recipe, not TOML, an override that is no `key=value`, or a recipe
            that extends one which extends another.
    """
    name, folder, data = _read_toml(name_or_file)
    if "extends" in data:
        data = _extended(data, folder)
    data = {"name": name, **data}
    for override in overrides:
        _override(data, override)
    return data


def _read_toml(name_or_file: str) -> tuple[str, Path, dict[str, Any]]:
    """A recipe's name, its folder, and its TOML as it stands there."""
    if name_or_file in built_in_recipes():
        folder = Path(str(resources.files("pix2seg.train").joinpath("recipes")))
        path = folder / f"{name_or_file}.toml"
    else:
        path = Path(name_or_file)
        if not os.path.isfile(path):  # noqa: PTH113  (Path's own raises for too long a name)
            raise RecipeError(
                f"no recipe '{name_or_file}'; take {', '.join(built_in_recipes())} or a TOML file"
            )
    try:
        return path.stem, path.parent, tomllib.loads(path.read_text("utf-8", errors="replace"))
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise RecipeError(f"{name_or_file} is not a TOML file: {error}") from error
    except OSError as error:
        raise RecipeError(f"cannot read {name_or_file}: {reason_of(error)}") from error


def _extended(data: dict[str, Any], folder: Path) -> dict[str, Any]:
    """The recipe that `data` extends with the keys of `data` in place of its own."""
    base = str(data.pop("extends"))
    _, _, whole = _read_toml(base if base in built_in_recipes() else str(folder / base))
    if "extends" in whole:
        raise RecipeError(f"{base} extends {whole['extends']} itself; extend that one instead")
    whole.pop("name", None)
    for key, value in data.items():
        section = isinstance(value, dict) and isinstance(whole.get(key), dict)
        whole[key] = {**whole[key], **value} if section else value
    return whole


def _override(data: dict[str, Any], override: str) -> None:
    key, separator, text = override.partition("=")
    if not separator:
        raise RecipeError(f"--set {override} is no key=value; write e.g. --set schedule.epochs=20")
    *sections, leaf = key.strip().split(".")
    for section in sections:
        if not isinstance(data.get(section), dict):
            known = ", ".join(k for k, value in data.items() if isinstance(value, dict)) or "none"
            raise RecipeError(f"--set {override}: no section '{section}' there, but {known}")
        data = data[section]
    data[leaf] = _toml_value(text.strip())


def _toml_value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except (tomllib.TOMLDecodeError, RecursionError):
        return text
