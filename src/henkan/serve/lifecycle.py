"""The state of the server, which the connections and the application share."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Lifecycle:
    """The state of a server process.

    Attributes:
        ready: whether the models are loaded.
        stopping: whether a signal has asked the process to stop.
        connections: the open connections.
    """

    ready: bool = False
    stopping: bool = False
    connections: Collection[Any] = field(default_factory=set)
