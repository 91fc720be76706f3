"""What the service is told when it starts."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pix2seg.engines.base import Engine, Precision


@dataclass(frozen=True)
class Settings:
    """Everything that `pix2seg serve` can be told; picklable, so that every worker gets it.

    Attributes:
        weights: the generator's file; the one in the box by default.
        person: a person extractor's name; by default the one the weights go with.
        person_options: the extractor's options, as `Segmenter` takes them.
        engine: what runs the networks; see `pix2seg.engines.base.Engine`.
        device: `auto`, `cpu`, `cuda`, `mps`, ...
        precision: `fp32` keeps PyTorch from bfloat16.
        hide: turn the background grey first; by default as `Segmenter` does.
        flip: also segment the mirrored photo.
        queue: so many requests may wait for their turn in each worker; more are sent away with 503.
        batch: so many photos at most are segmented together.
        deadline: seconds that a request may take, from its first byte to its answer.
        upload_seconds: of these, seconds that the body may take.
        max_upload: a body's bytes.
        max_pixels: a photo's pixels, read from its header before anything is decoded.
        per_client: requests that one client may have in each worker's hand at once, those whose
            answer is being fetched too; 0 for no limit. A client is a token or, without tokens, an
            address.
        tokens: one of them must come with each request, if there are any.
        origins: other origins whose pages may call the service.
    """

    weights: Path | None = None
    person: str | None = None
    person_options: dict[str, Any] = field(default_factory=dict)
    engine: Engine = "auto"
    device: str = "auto"
    precision: Precision = "auto"
    hide: bool | None = None
    flip: bool = False
    queue: int = 16
    batch: int = 4
    deadline: float = 60.0
    upload_seconds: float = 30.0
    max_upload: int = 20_000_000
    max_pixels: int = 25_000_000
    per_client: int = 0
    tokens: tuple[str, ...] = field(default=(), repr=False)
    origins: tuple[str, ...] = ()
