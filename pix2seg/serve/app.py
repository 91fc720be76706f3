"""The addresses of the service, and what each does."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from importlib import resources

from fastapi import FastAPI, Request, Response
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse
from starlette.routing import Route
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from pix2seg.colors.document import palette_schema
from pix2seg.errors import Pix2SegError
from pix2seg.serve.answers import (
    check_masks,
    check_picture,
    check_pictures,
    masked_answer,
    picture_png,
    segment_answer,
)
from pix2seg.serve.description import PALETTE, SEGMENT, describe
from pix2seg.serve.exchange import JSON, answer, answer_type, check_json, record_of
from pix2seg.serve.guard import Guard
from pix2seg.serve.options import MaskedPaletteOptions, SegmentOptions, parse_options
from pix2seg.serve.problems import problem_of_status
from pix2seg.serve.reference import reference_page
from pix2seg.serve.service import Service
from pix2seg.serve.settings import Settings
from pix2seg.serve.uploads import FILES, Upload
from pix2seg.serve.work import Task

READING = {"GET", "HEAD"}
"""The methods of the page's files."""


def create_app(settings: Settings, failed: Callable[[Pix2SegError], None] | None = None) -> FastAPI:
    """The service as an ASGI application.

    Args:
        settings: what the service is told.
        failed: called with the error if the model cannot be loaded; by default the service just
            never becomes ready.
    """
    service = Service(settings, failed or (lambda error: None))

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        await service.start()
        yield
        await service.stop()

    app = FastAPI(title="pix2seg", lifespan=lifespan, docs_url=None, redoc_url=None)
    app.add_middleware(Guard, settings=settings, metrics=service.metrics, sending=service.sending)
    if settings.origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.origins,
            allow_methods=["GET", "POST"],
            allow_headers=["Authorization", "Content-Type"],
            expose_headers=["Retry-After", "X-Request-Id"],
        )
    app.add_exception_handler(HTTPException, _framework_problem)
    _add_work(app, service)
    _add_facts(app, service)
    _add_heads(app)
    page = str(resources.files("pix2seg") / "serve" / "page")
    # An editable install links to the sources.
    app.mount("/", _Page(directory=page, html=True, follow_symlink=True))
    describe(app)
    return app


def _add_work(app: FastAPI, service: Service) -> None:
    @app.post("/v1/segment", openapi_extra=SEGMENT, summary="Segment a photo")
    async def segment(request: Request) -> Response:
        """Find skin, hair and clothes of a dressed person, and their colours."""
        return await answer(request, service, FILES[:1], partial(_segment, request, service))

    @app.post("/v1/palette", openapi_extra=PALETTE, summary="Find a picture's colours")
    async def palette(request: Request) -> Response:
        """Find the colours of a picture as it is, or of what a mask shows."""
        return await answer(request, service, FILES, partial(_palette, request, service))


def _add_facts(app: FastAPI, service: Service) -> None:
    @app.get("/v1/info", summary="What the service can do")
    def info() -> JSONResponse:
        """Model, classes with their colours, limits and what the options take."""
        return JSONResponse(service.info())

    @app.get("/v1/schema", summary="The JSON Schema of the palette document")
    def schema() -> JSONResponse:
        """JSON Schema, draft 2020-12."""
        return JSONResponse(palette_schema(), media_type="application/schema+json")

    @app.get("/healthz", summary="Whether the process lives", response_class=PlainTextResponse)
    def health() -> PlainTextResponse:
        """Always 200, from the start on."""
        return PlainTextResponse("ok\n")

    @app.get("/readyz", summary="Whether photos are taken", response_class=PlainTextResponse)
    def ready() -> PlainTextResponse:
        """200 after the first warm photo, 503 before."""
        _ = service.segmenter
        return PlainTextResponse("ready\n")

    @app.get("/metrics", summary="Numbers for Prometheus", response_class=PlainTextResponse)
    def metrics() -> PlainTextResponse:
        """Requests, seconds of each step, queue, batch sizes, memory."""
        return PlainTextResponse(service.metrics.text(), media_type="text/plain; version=0.0.4")

    @app.get("/docs", summary="This reference as a page", response_class=HTMLResponse)
    def docs() -> HTMLResponse:
        """HTML without scripts, from the service itself."""
        return reference_page(app.openapi())


def _add_heads(app: FastAPI) -> None:
    """Let what answers GET answer HEAD; the server leaves the bodies out."""
    for route in list(app.routes):
        if isinstance(route, APIRoute) and "GET" in (route.methods or ()):
            app.add_api_route(route.path, route.endpoint, methods=["HEAD"], include_in_schema=False)


async def _segment(request: Request, service: Service, upload: Upload) -> Response:
    options = parse_options(SegmentOptions, upload.fields)
    check_pictures(options.pictures, service.picture_names)
    check_picture(options.picture, service.picture_names)
    kind = answer_type(request, options)
    record = record_of(request)
    async with service.work.turn(record.steps) as turn:
        photo = await turn.step("read", partial(service.read, upload))
        record.facts |= {"width": photo.width, "height": photo.height}
        result = await turn.segment(Task(photo, options.people))
        if options.picture:
            shown = options.garments, options.hard_edges, options.background
            make = partial(picture_png, result, options.picture, *shown)
        else:
            make = partial(segment_answer, result, options)
        return Response(await turn.step("answer", make), media_type=kind)


async def _palette(request: Request, service: Service, upload: Upload) -> Response:
    options = parse_options(MaskedPaletteOptions, upload.fields)
    scheme = service.segmenter.scheme
    check_masks(upload, options, scheme)
    check_json(request)
    record = record_of(request)
    async with service.work.turn(record.steps) as turn:
        photo = await turn.step("read", partial(service.read, upload))
        record.facts |= {"width": photo.width, "height": photo.height}
        make = partial(masked_answer, upload, photo, options, scheme)
        return Response(await turn.step("answer", make), media_type=JSON)


async def _framework_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    problem = problem_of_status(error.status_code, error.detail)
    problem.headers.update(error.headers or {})
    return problem.response(record_of(request).id)


class _Page(StaticFiles):
    """The page's files; a browser asks each time whether they changed."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """A file, or 304 where the browser has it."""
        # What comes here and is a route's was sent with another method.
        taken = _methods(scope["app"], scope["path"])
        if taken or scope["method"] not in READING:
            raise HTTPException(405, headers={"Allow": ", ".join(sorted(taken or READING))})
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = "no-cache"
        return response


def _methods(app: FastAPI, path: str) -> set[str]:
    """The methods that an address takes; none where it is the page's."""
    routes = [r for r in app.routes if isinstance(r, Route) and r.path == path]
    return {method for route in routes for method in route.methods or ()}
