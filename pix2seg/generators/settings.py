"""The settings of each kind of generator, as recipes and weights files hold them."""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from pix2seg.encoders import EncoderName

Normalise = Literal["none", "mean", "imagenet"]

GARMENT_KINDS = 13
"""Kinds that the garment head tells apart: ids 3 to 15 of the scheme `garments`."""

WIDE_LEVEL = 4
"""Level of pix2pix' encoder that wide blocks are on: stride 32, where 7 pixels are half a person.
"""

STRIDE_HALVINGS = 5
"""Other libraries' networks halve a photo five times, or would without atrous convolutions."""

Width = Annotated[int, Field(ge=1, le=4096)]
"""Channels of a layer; far beyond the bound no memory suffices."""


class _Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Pix2PixSettings(_Settings):
    """The U-Net of pix2pix; see `pix2seg.generators.pix2pix.UNetGenerator`."""

    architecture: Literal["pix2pix"]
    head: Literal["logits", "tanh"]
    width: Width
    max_width: Width
    depth: Annotated[int, Field(ge=2, le=12)]
    dropout: Annotated[float, Field(ge=0, lt=1)]
    residual_blocks: Annotated[int, Field(ge=0, le=10)]
    wide_blocks: Annotated[int, Field(ge=0, le=10)] = 0
    garment_width: Annotated[int, Field(ge=0, le=1024)] = 0
    garment_encoder: Literal["none", EncoderName] = "none"
    opinion: Annotated[float, Field(ge=0, le=1)] = 0.0

    @property
    def halvings(self) -> int:
        """How many times a photo is halved."""
        return self.depth

    @model_validator(mode="after")
    def _is_deep_enough(self) -> Self:
        least = {"garment_width": 3, "wide_blocks": WIDE_LEVEL + 1, "garment_encoder": 6}
        for key, depth in least.items():
            if getattr(self, key) not in (0, "none") and self.depth < depth:
                raise ValueError(
                    f"generator.{key} needs a generator.depth of {depth} or more; give that, or "
                    f"set generator.{key} to {'none' if key == 'garment_encoder' else 0}"
                )
        if self.opinion and (self.garment_encoder == "none" or self.head == "tanh"):
            raise ValueError(
                "generator.opinion is the garment encoder's, on logits; give a "
                'generator.garment_encoder and generator.head = "logits", or set it to 0'
            )
        return self


class NetworkGeneratorSettings(_Settings):
    """Another library's network; see `pix2seg.generators.library.LibraryNetwork`."""

    architecture: Literal["unet", "deeplabv3"]
    encoder: str
    normalise: Normalise

    @property
    def halvings(self) -> int:
        """How many times a photo is halved."""
        return STRIDE_HALVINGS


GeneratorSettings = Annotated[
    Pix2PixSettings | NetworkGeneratorSettings, Field(discriminator="architecture")
]
