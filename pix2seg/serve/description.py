"""The OpenAPI description: what FastAPI cannot see, since the service reads bodies by itself."""

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel

from pix2seg.colors.color import Color
from pix2seg.colors.document import palette_document, palette_schema
from pix2seg.colors.palette import Palette, Swatch
from pix2seg.serve.options import MaskedPaletteOptions, SegmentOptions
from pix2seg.serve.problems import KINDS, MEDIA_TYPE, PREFIX
from pix2seg.serve.uploads import FILES

ABOUT = (
    "Photo of a dressed person in; skin, hair and clothes and their colours out. Nothing is kept, "
    "nothing is fetched, nothing is written to a disk. With a token file, /v1/segment, "
    "/v1/palette and /metrics need `Authorization: Bearer TOKEN`."
)

NAVY = Swatch(Color.from_hex("#1b2a3c"), Color.from_hex("#1c2b3d"), 1.0)

EXAMPLE = palette_document(
    image={"file": "photo.jpg", "width": 550, "height": 830, "sha256": "9f86d081" * 8},
    model={"generator": "pix2pix-ccp4 1a2b3c4d5e6f", "person": "mask-rcnn 6f5e4d3c2b1a"},
    person={"found": True, "score": 0.99, "box": [102, 31, 441, 822]},
    palettes={"clothes": Palette((NAVY,), 0.31)},
    quality=0.87,
)
"""A palette document; a test holds it against the schema."""

PROBLEM_SCHEMA = {
    "type": "object",
    "description": "RFC 9457: what is wrong, in one sentence, and what to do about it.",
    "required": ["type", "title", "status", "detail", "request"],
    "properties": {
        "type": {"type": "string", "enum": [PREFIX + kind for kind in KINDS]},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "request": {"type": "string", "description": "As in the log and in X-Request-Id."},
        "errors": {
            "type": "array",
            "description": "With 422: each option that does not fit.",
            "items": {
                "type": "object",
                "properties": {"option": {"type": "string"}, "detail": {"type": "string"}},
            },
        },
    },
}

_BYTES = {"type": "string", "format": "binary"}


def _operation(options: type[BaseModel], files: list[str], more: Mapping[str, Any]) -> Any:
    """What `openapi_extra` takes: options in the query or the form, and the answers."""
    fields = options.model_json_schema()["properties"]
    plain = {name: _plain(field) for name, field in fields.items()}
    form = {**dict.fromkeys(files, _BYTES), **plain}
    return {
        "parameters": [
            {
                "name": name,
                "in": "query",
                "description": field["description"],
                "schema": {k: v for k, v in field.items() if k != "description"},
            }
            for name, field in plain.items()
        ],
        "requestBody": {
            "required": True,
            "content": {
                "multipart/form-data": {
                    "schema": {"type": "object", "required": ["photo"], "properties": form}
                },
                "image/*": {"schema": _BYTES},
                "application/octet-stream": {"schema": _BYTES},
            },
        },
        "responses": {
            "200": {
                "description": "The palette document, and what was asked for besides.",
                "content": {
                    "application/json": {
                        "schema": {"$ref": "#/components/schemas/Answer"},
                        "example": EXAMPLE,
                    },
                    **more,
                },
            },
            **{str(status): _problem(status) for status in (400, 401, 406, 408, 413, 415)},
            **{str(status): _problem(status) for status in (422, 429, 503)},
        },
    }


def _plain(field: Mapping[str, Any]) -> dict[str, Any]:
    """An option's schema as it is written in a query: lists are names joined by commas."""
    schema = {k: v for k, v in field.items() if k != "title"}
    choices = [c for c in schema.pop("anyOf", []) if c.get("type") != "null"]
    schema |= choices[0] if choices else {}
    if schema.get("type") == "array":
        lists = ("items", "prefixItems", "minItems", "maxItems")
        schema = {k: v for k, v in schema.items() if k not in lists}
        schema |= {"type": "string", "default": ""}
    return schema


def _problem(status: int) -> dict[str, Any]:
    kinds = {kind: title for kind, (known, title) in KINDS.items() if known == status}
    kind, title = next(iter(kinds.items()))
    example = {
        "type": PREFIX + kind,
        "title": title,
        "status": status,
        "detail": title.lower(),
        "request": "c0ffee123456",
    }
    answer: dict[str, Any] = {
        "description": "; ".join(kinds.values()),
        "content": {
            MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}, "example": example}
        },
    }
    if status in (429, 503):
        seconds = {"schema": {"type": "integer"}, "description": "Seconds to wait."}
        answer["headers"] = {"Retry-After": seconds}
    return answer


SEGMENT = _operation(SegmentOptions, ["photo"], {"image/png": {"schema": _BYTES}})
PALETTE = _operation(MaskedPaletteOptions, list(FILES), {})


def describe(app: FastAPI) -> None:
    """Let `app.openapi()` give the whole description."""

    def openapi() -> dict[str, Any]:
        from importlib.metadata import version

        if app.openapi_schema is None:
            document = get_openapi(
                title=app.title, version=version("pix2seg"), description=ABOUT, routes=app.routes
            )
            for path in ("/v1/segment", "/v1/palette"):
                document["paths"][path]["post"]["responses"].pop("422", None)
                document["paths"][path]["post"]["responses"]["422"] = _problem(422)
            document.setdefault("components", {})["schemas"] = _schemas()
            app.openapi_schema = document
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def _schemas() -> dict[str, Any]:
    """The schemas that answers refer to; the palette's own definitions move beside them."""
    palette = _moved(palette_schema())
    definitions = palette.pop("$defs")
    for key in ("$schema", "$id"):
        del palette[key]
    properties = {
        "pictures": {
            "type": "object",
            "description": "By name, PNG in base64; with the option pictures.",
            "additionalProperties": {"type": "string", "contentEncoding": "base64"},
        },
        "exports": {
            "type": "object",
            "description": "By name, palettes for other programs; with the option exports.",
            "additionalProperties": {
                "type": "object",
                "required": ["file", "type", "base64"],
                "properties": {name: {"type": "string"} for name in ("file", "type", "base64")},
            },
        },
    }
    answer = {**palette, "properties": {**palette["properties"], **properties}}
    return {
        "Answer": answer,
        "Problem": PROBLEM_SCHEMA,
        **{f"palette_{name}": schema for name, schema in definitions.items()},
    }


def _moved(schema: Any) -> Any:
    """A schema whose references point where OpenAPI keeps definitions."""
    if isinstance(schema, list):
        return [_moved(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: _pointer(value) if key == "$ref" else _moved(value) for key, value in schema.items()
    }


def _pointer(reference: str) -> str:
    if reference.startswith("#/$defs/"):
        return reference.replace("#/$defs/", "#/components/schemas/palette_")
    return reference.replace("#/", "#/components/schemas/Answer/")
