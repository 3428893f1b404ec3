"""Settings and limits of the server."""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib.util import find_spec
from math import inf
from pathlib import Path

from henkan.config import EngineConfig
from henkan.errors import SettingsError

PACKAGES = ("fastapi", "uvicorn", "prometheus_client", "fastapi_swagger", "interegular")
"""What the extra `serve` installs, by the names of the modules."""

METRICS_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
"""Variable with the folder in which several processes keep their metrics; prometheus-client reads it on import."""

LONGEST_TIME = 86_400.0
"""Seconds that a time limit may have."""


@dataclass(frozen=True)
class Limits:
    """What a request may ask for, and how much the server accepts.

    The work of a text is (its characters + `WORK_OF_A_TEXT`) x beam width.

    Attributes:
        texts: number of texts in a request.
        length: characters of a text.
        explained_length: characters of a text, and of an answer, to explain.
        body: bytes of the body of a request.
        beam: beam width.
        work: work of a request.
        queue: queued work from which on requests are refused.
        allowed: number of allowed predictions in a request.
        pattern_length: characters of a pattern.
        pattern_states: states of the automaton of a pattern.
        waiting_constraints: number of constraints that wait to be compiled.
        connections: number of connections from which on requests are refused.
        request_seconds: seconds within which a request must arrive, from its first byte; the first request of a
            connection, from the connection.
        idle_seconds: seconds after which a connection without requests is closed.
        grace_seconds: seconds that a connection has for one more request when the server stops.
    """

    texts: int = 1000
    length: int = 1000
    explained_length: int = 200
    body: int = 8 * 2**20
    beam: int = 50
    work: int = 1_000_000
    queue: int = 250_000
    allowed: int = 100_000
    pattern_length: int = 200
    pattern_states: int = 1000
    waiting_constraints: int = 16
    connections: int = 1000
    request_seconds: float = 30.0
    idle_seconds: float = 75.0
    grace_seconds: float = 5.0

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            check_limit(name, value, name)


def check_limit(name: str, value: float, argument: str) -> None:
    """Check the value of a limit.

    Args:
        name: an attribute of `Limits`.
        value: its value.
        argument: what the error calls it.

    Raises:
        SettingsError: if it is out of range.
    """
    longest = LONGEST_TIME if name.endswith("_seconds") else inf
    if not 0 < value <= longest:
        wanted = "above 0" if longest == inf else f"above 0 and at most {longest:,.0f}"
        raise SettingsError(f"{argument} must be a number {wanted}, not {value:g}", argument=argument)


@dataclass(frozen=True)
class ServeSettings:
    """How to serve models.

    Attributes:
        models: the model folders. The name of a model is that of its folder; the first is the default.
        host, port: where to listen; port 0 is any free one.
        workers: number of processes.
        reload: whether to load a model again when its folder changes.
        allow_origin: origins whose pages may send requests (CORS); "*" is any.
        token: what requests must have as bearer token; None: nothing.
        lexicon: file of pairs in which texts are looked up before a model predicts, or None.
        access_log: whether to log each request.
        engine: settings of the compute engine.
        limits: limits.
        page: folder with the page at `/`; None: that of henkan.

    Raises:
        SettingsError: if a value is out of range, or two models have the same name.
    """

    models: tuple[Path, ...]
    host: str = "127.0.0.1"
    port: int = 8000
    workers: int = 1
    reload: bool = False
    allow_origin: tuple[str, ...] = ()
    token: str | None = None
    lexicon: Path | None = None
    access_log: bool = False
    engine: EngineConfig = field(default_factory=EngineConfig)
    limits: Limits = field(default_factory=Limits)
    page: Path | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.port <= 65535:
            raise SettingsError(f"port must be a number from 0 to 65535, not {self.port}", argument="port")
        if self.workers < 1:
            raise SettingsError(f"workers must be at least 1, not {self.workers}", argument="workers")
        names = [name_of(folder) for folder in self.models]
        for name in names:
            if names.count(name) > 1:
                raise SettingsError(f"two models have the name {name}; rename one of their folders")


def name_of(folder: Path) -> str:
    """The name of a model: that of its folder."""
    return folder.name or folder.resolve().name


def check_installed() -> None:
    """Check that the packages of the server are installed.

    Raises:
        SettingsError: if one is missing.
    """
    missing = [name for name in PACKAGES if find_spec(name) is None]
    if missing:
        raise SettingsError(
            f"the server needs packages that are not installed ({', '.join(missing)}); pip install 'henkan[serve]'"
        )
