"""Connections: time limits for slow clients, errors in JSON, and what happens to them when the server stops."""

from __future__ import annotations

import asyncio
import socket
import sys
from contextlib import suppress
from http import HTTPStatus
from typing import TYPE_CHECKING

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from henkan.serve.errors import error_body

if TYPE_CHECKING:
    from henkan.serve.process import ServerConfig

DISCARDED = 8
"""How many times the largest body a client may send after the answer, before its connection is closed."""


class Connection(H11Protocol):
    """A connection, as in uvicorn, with these differences.

    - A request must arrive within a time limit. Otherwise it is answered with 408, and the connection is closed.
    - When the server stops, an open connection has some seconds for one more request.
    - Errors are JSON.
    """

    config: ServerConfig

    def connection_made(self, transport: asyncio.Transport) -> None:
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self._deadline: asyncio.TimerHandle | None = None
        self._received = 0  # bytes since the last answer
        limits = self.config.settings.limits
        self._wait(limits.grace_seconds if self.config.lifecycle.stopping else limits.request_seconds)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the time limit."""
        self._wait(None)
        super().connection_lost(exc)

    @property
    def _begun(self) -> bool:
        """Whether a part of a request has arrived."""
        return self._received > 0 or self.conn.their_state is h11.SEND_BODY

    def data_received(self, data: bytes) -> None:
        """Read a part of a request, or the rest of one that was answered before its end."""
        limits, first, discarding = self.config.settings.limits, self._received == 0, self.conn.our_state is h11.DONE
        self._received += len(data)
        if self._received > DISCARDED * limits.body:
            self.transport.abort()
            return
        if first and self.conn.their_state is h11.IDLE:
            self._wait(limits.request_seconds)
        super().data_received(data)
        if self.conn.their_state is h11.SEND_BODY:
            self._acknowledge()
        if self.conn.their_state not in (h11.IDLE, h11.SEND_BODY):  # the request is complete
            self._wait(None)
        elif discarding and self.conn.our_state is not h11.DONE:
            self._received = len(self.conn.trailing_data[0])
            self._wait_for_next()

    def _acknowledge(self) -> None:
        """Acknowledge the head at once: many clients send the body only then, and Linux would wait for 40 ms."""
        sock = self.transport.get_extra_info("socket")
        if sock is not None and hasattr(socket, "TCP_QUICKACK"):
            with suppress(OSError):
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)

    def on_response_complete(self) -> None:
        """Begin to wait for the next request, or for the rest of this one."""
        self._received = len(self.conn.trailing_data[0])
        super().on_response_complete()
        if self.conn.our_state is not h11.DONE and self.conn.their_state in (h11.IDLE, h11.SEND_BODY):
            self._wait_for_next()

    def _wait_for_next(self) -> None:
        """Set the time limit for the next request, of which a part may have come with the last one."""
        limits, stopping = self.config.settings.limits, self.config.lifecycle.stopping
        if self._begun:
            self._wait(limits.request_seconds)
        else:
            self._wait(limits.grace_seconds if stopping else limits.idle_seconds)

    def shutdown(self) -> None:
        """The server stops: wait for one more request, whose answer closes the connection."""
        if self.conn.our_state is h11.DONE or (self.conn.our_state is h11.IDLE and not self._begun):
            self._wait(self.config.settings.limits.grace_seconds)

    def _wait(self, seconds: float | None) -> None:
        """Set the time limit for the next request; None removes it."""
        if self._deadline is not None:
            self._deadline.cancel()
        self._deadline = None if seconds is None else self.loop.call_later(seconds, self._too_late)

    def _too_late(self) -> None:
        """Answer a request that has not arrived completely, unless it has been answered; close the connection."""
        if self.transport.is_closing():
            return
        if self._begun and self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            self._answer(HTTPStatus.REQUEST_TIMEOUT, "the request did not arrive in time; send it faster")
        self.transport.close()

    def send_400_response(self, msg: str) -> None:
        """Answer what is not HTTP, or has too large a head, and close the connection."""
        error = sys.exception()
        status = error.error_status_hint if isinstance(error, h11.RemoteProtocolError) else 400
        reason = f" ({error})" if error is not None else ""
        self._answer(HTTPStatus(status), f"{msg.rstrip('.')}{reason}; send a valid HTTP/1.1 request")
        self.transport.close()

    def _answer(self, status: HTTPStatus, message: str) -> None:
        """Write an answer that does not come from the application."""
        if self.cycle is not None and not self.cycle.response_complete:  # the application need not answer any more
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        body = error_body(message)
        head = (
            f"HTTP/1.1 {status.value} {status.phrase}\r\ncontent-type: application/json\r\n"
            f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
