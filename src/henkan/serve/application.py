"""The application: addresses and what they answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.openapi.utils import get_openapi
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import ClientDisconnect

from henkan._version import __version__
from henkan.serve import conversions, errors, page, schemas
from henkan.serve.description import describe
from henkan.serve.errors import ApiError
from henkan.serve.lifecycle import Lifecycle
from henkan.serve.metrics import CONTENT_TYPE, Metrics
from henkan.serve.middleware import Counted, Guarded
from henkan.serve.models import Models
from henkan.serve.settings import ServeSettings

DESCRIPTION = "Convert strings with saved models."
FAILURES: dict[int | str, dict[str, Any]] = {
    status: {"model": schemas.Failure, "description": text}
    for status, text in {
        400: "The body is not JSON.",
        401: "The token is missing or wrong.",
        404: "There is no such model.",
        408: "The request did not arrive in time.",
        413: "There are too many texts, or they are too long.",
        415: "The content is not JSON.",
        422: "An argument is wrong.",
        429: "There is too much queued work; Retry-After says when to try again.",
        503: "There are too many connections, the server is stopping, or memory is short.",
    }.items()
}


def create_app(settings: ServeSettings, lifecycle: Lifecycle | None = None, models: Models | None = None) -> FastAPI:
    """Create the application.

    Args:
        settings: the settings of the server.
        lifecycle: the state of the server; None: a new one, for a server other than henkan's.
        models: the models; None: they are loaded when the server starts.
    """
    state, metrics = lifecycle or Lifecycle(), Metrics()

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        def report(name: str, result: str) -> None:
            metrics.loads.labels(name, result).inc()

        served = models or Models(settings)
        served.start(report)
        app.state.service = conversions.Service(settings, served, metrics)
        state.ready = True
        yield
        state.ready = False
        await asyncio.to_thread(app.state.service.stop)

    app = FastAPI(title="henkan", version=__version__, description=DESCRIPTION, docs_url=None, redoc_url=None,
                  lifespan=lifespan)  # fmt: skip
    app.openapi = lambda: _schema(app, settings)
    app.add_exception_handler(ApiError, errors.answer_api_error)
    app.add_exception_handler(HTTPException, errors.answer_http_error)
    app.add_exception_handler(ClientDisconnect, errors.answer_disconnect)
    app.add_exception_handler(Exception, errors.answer_bug)
    app.add_middleware(Guarded, settings=settings, lifecycle=state)
    if settings.allow_origin:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.allow_origin,
            allow_methods=["GET", "POST"],
            allow_headers=["Authorization", "Content-Type"],
            expose_headers=["Retry-After"],
        )
    app.add_middleware(Counted, metrics=metrics, lifecycle=state, log=settings.access_log)
    _add_models(app, settings)
    _add_status(app, state, metrics)
    _add_pages(app, settings.page or page.page_folder())
    return app


def _add_models(app: FastAPI, settings: ServeSettings) -> None:
    @app.post(
        "/v1/convert",
        responses={200: {"model": schemas.ConvertAnswer}, **FAILURES},
        openapi_extra=_body(schemas.ConvertArguments),
        tags=["models"],
    )
    async def convert(request: Request) -> Response:
        """Convert texts."""
        service: conversions.Service = app.state.service
        return await service.convert(request)

    @app.post(
        "/v1/explain",
        responses={200: {"model": schemas.ExplainAnswer}, **FAILURES},
        openapi_extra=_body(schemas.ExplainArguments),
        tags=["models"],
    )
    async def explain(request: Request) -> Response:
        """Explain the prediction for a text, symbol by symbol."""
        service: conversions.Service = app.state.service
        return await service.explain(request)

    @app.get(
        "/v1/models",
        responses={200: {"model": schemas.Models}, 401: FAILURES[401], 503: FAILURES[503]},
        tags=["models"],
    )
    async def models() -> dict[str, Any]:
        """List the models."""
        served: Models = app.state.service.models
        found = [describe(each, settings.limits, default=each is served.default) for each in served.by_name.values()]
        return {"models": found}


def _add_status(app: FastAPI, state: Lifecycle, metrics: Metrics) -> None:
    @app.get("/healthz", responses={200: {"model": schemas.Status}}, tags=["status"])
    async def healthz() -> dict[str, str]:
        """Whether the process works."""
        return {"status": "ok"}

    @app.get("/readyz", responses={200: {"model": schemas.Status}, 503: FAILURES[503]}, tags=["status"])
    async def readyz() -> dict[str, str]:
        """Whether the process takes requests: 503 while it stops."""
        if state.stopping or not state.ready:
            raise ApiError(503, "the server is stopping; send requests to another one", headers={"Retry-After": "1"})
        return {"status": "ready"}

    @app.get("/metrics", responses={200: {"content": {"text/plain": {}}}, 401: FAILURES[401]}, tags=["status"],
             response_class=Response)  # fmt: skip
    async def show_metrics() -> Response:
        """Metrics for Prometheus."""
        metrics.queue.set(app.state.service.queue.work)
        metrics.connections.set(len(state.connections))
        return Response(metrics.page(), media_type=CONTENT_TYPE)


def _add_pages(app: FastAPI, folder: Path | Traversable) -> None:
    @app.get("/", include_in_schema=False)
    async def index() -> Response:
        return page.page_response(folder)

    @app.get("/page/{name}", include_in_schema=False)
    async def page_file(name: str) -> Response:
        return page.file_response(folder, name)

    @app.get("/docs", include_in_schema=False)
    async def docs() -> Response:
        return page.docs_response("")

    @app.get("/docs/{name}", include_in_schema=False)
    async def docs_file(name: str) -> Response:
        return page.docs_response(name)


def _body(kind: type[schemas.ConvertArguments | schemas.ExplainArguments]) -> dict[str, Any]:
    """The schema of the body of a request, which henkan reads itself: it limits the size, and refuses invalid JSON."""
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": kind.model_json_schema()}}}}


def _schema(app: FastAPI, settings: ServeSettings) -> dict[str, Any]:
    """The OpenAPI schema."""
    if app.openapi_schema is None:
        schema = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
        if settings.token is not None:
            schema.setdefault("components", {})["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
            for path in ("/v1/convert", "/v1/explain", "/v1/models", "/metrics"):
                for operation in schema["paths"][path].values():
                    operation["security"] = [{"token": []}]
        app.openapi_schema = schema
    return app.openapi_schema
