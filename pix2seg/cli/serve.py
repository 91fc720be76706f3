"""`pix2seg serve`: the service and its page."""

import re
from collections.abc import Collection
from pathlib import Path
from typing import Annotated

import typer

from pix2seg.cli.options import (
    Device,
    EngineName,
    Everyone,
    Flip,
    Hide,
    PersonConfig,
    PersonName,
    PersonWeights,
    PrecisionName,
    TrustFiles,
    Weights,
    person_options,
)
from pix2seg.cli.telling import loaded

DAY = 86_400
"""Seconds; a request that may take longer, or for ever, is one that nobody waits for."""

ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://([a-z0-9_.-]+|\[[0-9a-f:.]+\])(:[0-9]+)?")
"""How browsers write one."""


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 for all.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 8000,
    workers: Annotated[
        int, typer.Option(min=1, max=64, help="Processes, each with its own model.")
    ] = 1,
    queue: Annotated[
        int, typer.Option(min=1, help="Requests that may wait for each worker; more get 503.")
    ] = 16,
    batch: Annotated[int, typer.Option(min=1, max=64, help="Photos segmented together.")] = 4,
    deadline: Annotated[
        float, typer.Option(min=0.1, max=DAY, help="Seconds that a request may take.")
    ] = 60.0,
    upload_seconds: Annotated[
        float, typer.Option(min=0.1, max=DAY, help="Of these, seconds that its body may take.")
    ] = 30.0,
    max_upload: Annotated[int, typer.Option(min=1, help="A body's bytes.")] = 20_000_000,
    max_pixels: Annotated[
        int, typer.Option(min=1, help="A photo's pixels, read from its header.")
    ] = 25_000_000,
    per_client: Annotated[
        int,
        typer.Option(min=0, help="Requests a client may have in each worker's hand; 0: no limit."),
    ] = 0,
    token_file: Annotated[
        Path | None, typer.Option(help="Tokens, one a line; requests must bring one as Bearer.")
    ] = None,
    allow_origin: Annotated[
        list[str] | None,
        typer.Option(help="Let pages of this origin call the service; may be repeated."),
    ] = None,
    weights: Weights = None,
    person: PersonName = None,
    everyone: Everyone = False,
    person_weights: PersonWeights = None,
    person_config: PersonConfig = None,
    trust: TrustFiles = False,
    hide: Hide = None,
    flip: Flip = False,
    engine: EngineName = "auto",
    device: Device = "auto",
    precision: PrecisionName = "auto",
) -> None:
    """Serve segmenting over HTTP, with a page to look at it.

    The page is at /, the API's reference at /docs. SIGTERM finishes what was begun and exits 0.
    """
    from pix2seg.errors import ServiceError

    try:
        from pix2seg.serve.server import serve as run
    except ModuleNotFoundError as error:
        raise ServiceError(
            f"the service needs {error.name}; in the checkout: pip install '.[serve]'"
        ) from None
    from pix2seg.serve.settings import Settings

    loaded()
    settings = Settings(
        weights=weights,
        person=person,
        person_options=person_options(person_weights, person_config, trust, everyone, None),
        engine=engine,
        device=device,
        precision=precision,
        hide=hide,
        flip=flip,
        queue=queue,
        batch=batch,
        deadline=deadline,
        upload_seconds=upload_seconds,
        max_upload=max_upload,
        max_pixels=max_pixels,
        per_client=per_client,
        tokens=_tokens(token_file) if token_file else (),
        origins=_origins(allow_origin or ()),
    )
    run(settings, host=host, port=port, workers=workers)


def _tokens(file: Path) -> tuple[str, ...]:
    from pix2seg.errors import ServiceError

    try:
        tokens = tuple(file.read_text("utf-8").split())
    except (OSError, UnicodeDecodeError):
        raise ServiceError(f"cannot read the token file {file}") from None
    if not tokens:
        raise ServiceError(f"the token file {file} holds no token; write one a line")
    if not all(token.isascii() and token.isprintable() for token in tokens):
        raise ServiceError(
            f"the token file {file} holds characters that browsers cannot send; take letters, "
            "digits and signs of ASCII"
        )
    return tokens


def _origins(given: Collection[str]) -> tuple[str, ...]:
    from pix2seg.errors import ServiceError

    for origin in given:
        if not ORIGIN.fullmatch(origin):
            raise ServiceError(
                f"--allow-origin {origin}: this is no origin; write it as browsers do, such as "
                "https://shop.example or http://shop.example:8080"
            )
    return tuple(given)
