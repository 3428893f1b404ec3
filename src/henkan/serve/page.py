"""Files that a browser gets: the page at `/`, and Swagger UI at `/docs`."""

from __future__ import annotations

import re
from importlib.resources import files
from importlib.resources.abc import Traversable

from fastapi import Response

from henkan.serve.errors import ApiError

TYPES = {
    "html": "text/html; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "svg": "image/svg+xml",
    "png": "image/png",
    "json": "application/json",
    "woff2": "font/woff2",
}
NAME = re.compile(r"\w[\w-]*(?:\.[\w-]+)*\.(\w+)", re.ASCII)
POLICY = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
DOCS_POLICY = POLICY.replace("img-src", "style-src 'self' 'unsafe-inline'; img-src")  # Swagger UI sets styles
# Addresses are relative, as those of the page: a proxy may serve henkan under a path of its own.
DOCS = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>henkan</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<link rel="stylesheet" href="docs/swagger-ui.css">
<div id="swagger-ui"></div>
<script src="docs/swagger-ui-bundle.js"></script>
<script src="docs/start.js"></script>
</html>
"""
START = """SwaggerUIBundle({
  url: "openapi.json", dom_id: "#swagger-ui", deepLinking: true, validatorUrl: null,
  presets: [SwaggerUIBundle.presets.apis], layout: "BaseLayout",
});
"""


def file_response(folder: Traversable, name: str, policy: str = POLICY) -> Response:
    """A file of a folder.

    Raises:
        ApiError: if there is no such file.
    """
    found = NAME.fullmatch(name)
    kind = TYPES.get(found[1]) if found else None
    if kind is None or not (folder / name).is_file():
        raise ApiError(404, "there is no such file")
    return Response((folder / name).read_bytes(), headers=_headers(policy), media_type=kind)


def page_response(folder: Traversable) -> Response:
    """The page.

    Raises:
        ApiError: if henkan was installed without it.
    """
    if not (folder / "index.html").is_file():
        raise ApiError(
            404, "this installation has no page to try the models; see /docs, or send requests to /v1/convert"
        )
    return file_response(folder, "index.html")


def page_folder() -> Traversable:
    """The folder with the page of henkan."""
    return files("henkan") / "web"


def docs_response(name: str) -> Response:
    """A file of Swagger UI, which comes from the package fastapi-swagger: FastAPI itself would load it from a CDN.

    Raises:
        ApiError: if there is no such file.
    """
    if name == "":
        return Response(DOCS, headers=_headers(DOCS_POLICY), media_type=TYPES["html"])
    if name == "start.js":
        return Response(START, headers=_headers(DOCS_POLICY), media_type=TYPES["js"])
    return file_response(files("fastapi_swagger") / "resources", name, DOCS_POLICY)


def _headers(policy: str) -> dict[str, str]:
    return {
        "Content-Security-Policy": policy,
        "Cache-Control": "no-cache",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }
