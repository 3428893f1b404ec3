"""Server processes: one, or several that share the listening socket."""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from types import FrameType
from typing import Any

import uvicorn
from uvicorn.supervisors import multiprocess

from henkan.serve.lifecycle import Lifecycle
from henkan.serve.listening import SETTLE_SECONDS, bind, emptied, is_loopback, refuse_new, url_of
from henkan.serve.models import Models, freeze
from henkan.serve.settings import METRICS_VARIABLE, ServeSettings, name_of

OPEN_FILES = 65_536
SWITCH_INTERVAL = 1e-3
"""Seconds after which the thread that converts yields to the one that answers. With Python's 5 ms, more requests are
answered, but one in a hundred waits longer; with less, time is lost by switching."""

START_SECONDS = 600
LOG: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "%(asctime)s henkan: %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "loggers": {
        "henkan.serve": {"handlers": ["stderr"], "level": "INFO", "propagate": False},
        "uvicorn.error": {"handlers": ["stderr"], "level": "ERROR", "propagate": False},
    },
}

logger = logging.getLogger("henkan.serve")


class ServerConfig(uvicorn.Config):
    """uvicorn's configuration with the settings of henkan; it is sent to the worker processes.

    Args:
        settings: the settings.
        models: models that are already loaded; None: the process loads them when it starts.
    """

    def __init__(self, settings: ServeSettings, models: Models | None = None) -> None:
        self.settings, self.models, self.lifecycle = settings, models, Lifecycle()
        super().__init__(
            "henkan.serve",
            http="henkan.serve.protocol:Connection",
            ws="none",
            lifespan="on",
            workers=settings.workers,
            log_config=LOG,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            factory=True,
            timeout_keep_alive=settings.limits.idle_seconds,
            timeout_worker_healthcheck=60,
        )

    def load_app(self) -> Any:
        """Return a function that creates the application."""
        from henkan.serve.application import create_app

        return partial(create_app, self.settings, self.lifecycle, self.models)


class Server(uvicorn.Server):
    """A server process. After SIGTERM or SIGINT it finishes all requests on established connections.

    Args:
        config: the configuration.
        alone: whether no other process accepts connections from the same socket.
    """

    config: ServerConfig

    def __init__(self, config: ServerConfig, *, alone: bool) -> None:
        super().__init__(config)
        self._alone = alone
        self._signals = 0

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to accept connections."""
        sys.setswitchinterval(SWITCH_INTERVAL)
        self.config.lifecycle.connections = self.server_state.connections
        await super().startup(sockets)
        freeze()
        if self._alone and sockets:
            _announce(self.config.settings, sockets[0])

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Finish the requests on all connections that have been established."""
        self.config.lifecycle.stopping = True
        listening = [sock for server in self.servers for sock in server.sockets]
        if self._alone and refuse_new(sockets or []):
            await asyncio.sleep(SETTLE_SECONDS)
        await emptied(listening)
        await super().shutdown(sockets)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Handle signals. Unlike uvicorn, a server that has finished its requests exits with status 0."""
        handlers: dict[signal.Signals, Any] = {signal.SIGTERM: self.handle_exit, signal.SIGINT: self.handle_exit}
        if not self._alone:
            handlers[signal.SIGINT] = signal.SIG_IGN  # Ctrl-C is sent to all processes; the first one handles it
        before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002
        """Handle a signal: the first one stops the server when all requests are finished, the second one at once."""
        self._signals += 1
        if self._signals > 1:
            logger.info("stopped at once; requests that were not finished are lost")
            os._exit(128 + sig)
        if self._alone:
            logger.info("stopping: finishing the requests on open connections; a second signal stops at once")
        self.config.lifecycle.stopping = True
        self.should_exit = True


class Worker(multiprocess.Process):
    """A worker process with the server above."""

    _server: uvicorn.Server | None

    @property
    def server(self) -> uvicorn.Server:
        """The server of this process."""
        if self._server is None:
            assert isinstance(self.config, ServerConfig)
            self._server = Server(self.config, alone=False)
        return self._server

    def target(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve; this runs in the worker."""
        self.parent_conn.close()  # so that the other end notices when the first process has ended
        super().target(sockets)

    def always_pong(self) -> None:
        """Answer the first process, and stop when it has been killed."""
        with suppress(EOFError, OSError):
            super().always_pong()
        assert isinstance(self.config, ServerConfig)
        self.config.lifecycle.stopping = True
        self.server.should_exit = True


class Workers(multiprocess.Multiprocess):
    """The first of several processes: it starts the workers, replaces those that die, and stops them."""

    config: ServerConfig

    def init_processes(self) -> None:
        """Start the workers and wait until they accept connections."""
        multiprocess.Process = Worker  # by this name, uvicorn creates its workers
        super().init_processes()
        end = time.monotonic() + START_SECONDS
        for process in self.processes:
            while process.process.is_alive() and time.monotonic() < end and not self.signal_queue:
                if process.is_ready(timeout=0.5):
                    break
        if not self.signal_queue and all(process.process.is_alive() for process in self.processes):
            _announce(self.config.settings, self.sockets[0])

    def terminate_all(self) -> None:
        """Refuse new connections, then ask the workers to finish their requests."""
        logger.info("stopping: finishing the requests on open connections; a second signal stops at once")
        if refuse_new(self.sockets):
            time.sleep(SETTLE_SECONDS)
        super().terminate_all()

    def join_all(self) -> None:
        """Wait for the workers; a second signal kills them."""
        self.signal_queue.clear()
        while any(process.process.is_alive() for process in self.processes):
            for process in self.processes:
                process.process.join(0.1)
            if {signal.SIGTERM, signal.SIGINT} & {*self.signal_queue}:
                logger.info("stopped at once; requests that were not finished are lost")
                for process in self.processes:
                    process.process.kill()
                self.failed = True
                self.signal_queue.clear()
        self.failed |= any(process.exitcode != 0 for process in self.processes)

    failed = False
    """Whether a worker could not start, or was killed."""

    def keep_subprocess_alive(self) -> None:
        """Replace workers that have died; their open connections no longer count."""
        from prometheus_client.multiprocess import mark_process_dead

        before = {process.pid for process in self.processes}
        super().keep_subprocess_alive()
        for pid in before - {process.pid for process in self.processes}:
            logger.error("worker process %s died and was replaced", pid)
            mark_process_dead(pid)


def run(settings: ServeSettings) -> int:
    """Serve until a signal arrives. Return the exit status: 0 if all requests were finished.

    Raises:
        HenkanError: if a model cannot be loaded, or the address cannot be used.
    """
    _allow_open_files()
    sock = bind(settings.host, settings.port)
    try:
        if settings.workers == 1:
            server = Server(ServerConfig(settings, Models(settings)), alone=True)
            server.run([sock])
            logger.info("stopped")
            return 0
        return _run_workers(settings, sock)
    finally:
        sock.close()


def _run_workers(settings: ServeSettings, sock: socket.socket) -> int:
    Models(settings)  # tells what is wrong with a model before any process is started
    folder = tempfile.mkdtemp(prefix="henkan-metrics-")
    os.environ[METRICS_VARIABLE] = folder
    try:
        workers = Workers(ServerConfig(settings), [sock])
        workers.run()
        logger.info("stopped")
        return int(workers.failed)
    finally:
        del os.environ[METRICS_VARIABLE]
        shutil.rmtree(folder, ignore_errors=True)


def _announce(settings: ServeSettings, sock: socket.socket) -> None:
    names = ", ".join(map(name_of, settings.models))
    logger.info("serving %s at %s", names, url_of(settings.host, sock))
    if settings.token is None and not is_loopback(sock):
        logger.warning("note: other machines can use this server, and no token is required; set one, or use 127.0.0.1")


def _allow_open_files() -> None:
    """Raise the number of files that this process may open: each connection is one."""
    with suppress(ImportError, ValueError, OSError):
        import resource

        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
        if soft < wanted:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
