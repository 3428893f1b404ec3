"""What happens to every request: counting, the token, and refusing when there are too many connections."""

from __future__ import annotations

import hmac
import logging
import time
from dataclasses import dataclass

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from henkan.serve.errors import error_body
from henkan.serve.lifecycle import Lifecycle
from henkan.serve.metrics import Metrics
from henkan.serve.settings import ServeSettings

PATHS = ("/", "/v1/convert", "/v1/explain", "/v1/models", "/healthz", "/readyz", "/metrics", "/docs", "/openapi.json")
WITHOUT_TOKEN = ("/", "/healthz", "/readyz", "/docs", "/openapi.json")
"""Besides the files of the page and of the documentation: none of these says anything about the models."""

logger = logging.getLogger("henkan.serve")


def known_path(path: str) -> str:
    """The path as metrics name it."""
    if path in PATHS:
        return path
    first = path.split("/")[1] if path.startswith("/") else ""
    return f"/{first}/*" if first in ("page", "docs") else "other"


@dataclass
class Counted:
    """Counts requests, and tells connections to close when the server stops.

    Attributes:
        app: the application inside.
        metrics: the counts.
        lifecycle: the state of the server.
        log: whether to log each request.
    """

    app: ASGIApp
    metrics: Metrics
    lifecycle: Lifecycle
    log: bool

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        start, status = time.perf_counter(), 500

        async def counted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                if self.lifecycle.stopping:
                    message["headers"] = [*message.get("headers", ()), (b"connection", b"close")]
            await send(message)

        try:
            await self.app(scope, receive, counted)
        finally:
            path = known_path(scope["path"])
            self.metrics.requests.labels(path, status).inc()
            self.metrics.seconds.labels(path).observe(time.perf_counter() - start)
            if self.log:
                client = (scope.get("client") or ("?",))[0]
                logger.info("%s %s %s %d", client, scope["method"], path, status)


class Guarded:
    """Refuses requests without the token, and all requests while there are too many connections.

    Args:
        app: the application inside.
        settings: the settings of the server.
        lifecycle: the state of the server.
    """

    def __init__(self, app: ASGIApp, settings: ServeSettings, lifecycle: Lifecycle) -> None:
        self.app, self.lifecycle, self.connections = app, lifecycle, settings.limits.connections
        self.expected = None if settings.token is None else f"Bearer {settings.token}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        if scope["type"] == "http":
            path = scope["path"]
            if len(self.lifecycle.connections) > self.connections and path != "/healthz":
                message = f"there are more than {self.connections:,} connections; try again later"
                await _refuse(send, 503, message, (b"retry-after", b"1"), (b"connection", b"close"))
                return
            if self.expected is not None and not _is_open(path) and not self._has_token(scope):
                message = "the token is missing or wrong; send the header Authorization: Bearer TOKEN"
                await _refuse(send, 401, message, (b"www-authenticate", b'Bearer realm="henkan"'))
                return
        await self.app(scope, receive, send)

    def _has_token(self, scope: Scope) -> bool:
        given = [value for name, value in scope["headers"] if name == b"authorization"]
        scheme, _, token = (given[0] if len(given) == 1 else b"").partition(b" ")
        return hmac.compare_digest(scheme.capitalize() + b" " + token.strip(), self.expected or b"")


def _is_open(path: str) -> bool:
    return path in WITHOUT_TOKEN or path.startswith(("/page/", "/docs/"))


async def _refuse(send: Send, status: int, message: str, *headers: tuple[bytes, bytes]) -> None:
    body = error_body(message)
    common = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": [*common, *headers]})
    await send({"type": "http.response.body", "body": body})
