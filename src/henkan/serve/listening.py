"""The listening socket: opening it, and closing it without losing a connection."""

from __future__ import annotations

import asyncio
import ctypes
import selectors
import socket
import struct
import sys
from collections.abc import Sequence
from contextlib import suppress
from ipaddress import ip_address

from henkan.errors import SettingsError

SO_ATTACH_FILTER = 26
SETTLE_SECONDS = 0.5
"""How long handshakes that have begun may take when the server stops."""

EMPTY_SECONDS = 10.0
"""How long the queue of established connections may take to be emptied."""

# Instructions of a packet filter. It sees a packet from its TCP header on; byte 13 has the flags, 2 is SYN.
FILTER = (
    (0x30, 0, 0, 13),  # load the byte 13
    (0x45, 0, 1, 2),  # if SYN is not set, skip the next
    (0x06, 0, 0, 0),  # drop the packet
    (0x06, 0, 0, 0xFFFFFFFF),  # accept the packet
)


def bind(host: str, port: int) -> socket.socket:
    """Open a socket and bind it to an address; it does not listen yet.

    Raises:
        SettingsError: if the host has no address, or the port cannot be used.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except (OSError, UnicodeError):
        raise SettingsError(
            f"host {host!r} has no address; give 127.0.0.1 for this machine alone, or 0.0.0.0 for all networks",
            argument="host",
        ) from None
    opened = socket.socket(family, kind, protocol)
    try:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.bind(address)
    except OSError as error:
        opened.close()
        if isinstance(error, PermissionError):
            reason = "choose one above 1023"
        else:
            reason = "stop the program that uses it, or choose another"
        raise SettingsError(
            f"port {port} of {host} cannot be used ({error.strerror}); {reason}", argument="port"
        ) from None
    opened.setblocking(False)
    opened.set_inheritable(True)
    return opened


def is_loopback(sock: socket.socket) -> bool:
    """Whether only programs on this machine can connect."""
    return ip_address(sock.getsockname()[0].partition("%")[0]).is_loopback


def url_of(host: str, sock: socket.socket) -> str:
    """The address to open in a browser."""
    address, port = sock.getsockname()[:2]
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(address, f"[{host}]" if ":" in host else host)  # noqa: S104
    return f"http://{shown}:{port}/"


def refuse_new(sockets: Sequence[socket.socket]) -> bool:
    """Drop the packets that ask for a new connection; established connections and begun handshakes go on.

    Closing a listening socket resets the established connections in its queue, so the queue must be emptied first,
    and meanwhile no new ones may come. Works on Linux.

    Returns:
        whether it worked.
    """
    if sys.platform != "linux":
        return False
    instructions = b"".join(struct.pack("HBBI", *each) for each in FILTER)
    buffer = ctypes.create_string_buffer(instructions)
    program = struct.pack("HP", len(FILTER), ctypes.addressof(buffer))
    try:
        for each in sockets:
            each.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, program)
    except OSError:
        return False
    return True


async def emptied(sockets: Sequence[socket.socket]) -> None:
    """Wait until the event loop has accepted all established connections."""
    loop = asyncio.get_running_loop()
    end = loop.time() + EMPTY_SECONDS
    with selectors.DefaultSelector() as selector:
        for each in sockets:
            with suppress(ValueError, OSError):  # closed
                selector.register(each, selectors.EVENT_READ)
        while selector.get_map() and selector.select(0) and loop.time() < end:
            await asyncio.sleep(0.001)
