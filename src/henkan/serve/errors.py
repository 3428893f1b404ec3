"""Errors as answers: `{"error": {"message": ..., "argument": ...}}`."""

from __future__ import annotations

import json
from collections.abc import Mapping

from fastapi import Request, Response
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from henkan.errors import HenkanError

PHRASES = {
    404: "there is nothing at this address; see /docs for what there is",
    405: "this address does not support the method {method}; see /docs",
}


class ApiError(Exception):
    """A request that is not fulfilled.

    Args:
        status: status of the answer.
        message: one sentence that says what is wrong and what to do.
        argument: the argument of the request that is wrong, or None.
        headers: headers of the answer.
    """

    def __init__(
        self, status: int, message: str, argument: str | None = None, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status, self.message, self.argument = status, message, argument
        self.headers = dict(headers or {})

    @classmethod
    def of(cls, error: HenkanError, argument: str | None = None) -> ApiError:
        """The answer to a request with an invalid argument."""
        return cls(422, str(error), error.message.argument or argument)

    @property
    def body(self) -> bytes:
        """The body of the answer."""
        return error_body(self.message, self.argument)

    def response(self) -> Response:
        """The answer."""
        return Response(self.body, self.status, self.headers, "application/json")


def error_body(message: str, argument: str | None = None) -> bytes:
    """The body of an answer to a request that is not fulfilled."""
    return json.dumps({"error": {"message": message, "argument": argument}}).encode()


async def answer_api_error(_request: Request, error: Exception) -> Response:
    """Answer a request that is not fulfilled."""
    assert isinstance(error, ApiError)
    return error.response()


async def answer_http_error(request: Request, error: Exception) -> Response:
    """Answer a request to an unknown address, or with a wrong method."""
    assert isinstance(error, HTTPException)
    message = PHRASES.get(error.status_code, str(error.detail)).format(method=request.method)
    return ApiError(error.status_code, message, headers=error.headers).response()


async def answer_disconnect(_request: Request, error: Exception) -> Response:
    """Nobody reads this answer: the client has closed the connection. The status is that of nginx."""
    assert isinstance(error, ClientDisconnect)
    return Response(status_code=499)


async def answer_bug(_request: Request, _error: Exception) -> Response:
    """Answer after an error in henkan, which uvicorn logs."""
    return ApiError(500, "the server failed to answer this request; its log has the reason").response()
