"""A server as a process of its own, and HTTP as it is sent."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress

WAIT = 30
"""Seconds to wait for a server that hangs."""


class RunningServer:
    """A server as a process of its own.

    Attributes:
        process: the process.
        port: its port.
        log: the lines it has printed.
    """

    def __init__(self, arguments, environment, cwd):
        self.log = []
        self.process = subprocess.Popen(
            [sys.executable, "-m", "henkan", "serve", *map(str, arguments)],
            stderr=subprocess.PIPE,
            text=True,
            cwd=cwd,
            env={**os.environ, "PYTHONUTF8": "1", **environment},
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.port = 0

    def started(self):
        """Wait until it accepts connections."""
        self.port = int(self.wait_for(r"serving .* at http://.*:(\d+)/")[1])
        return self

    def _read(self):
        for line in self.process.stderr:
            self.log.append(line)

    def wait_for(self, pattern):
        """Wait for a line of the log."""
        end = time.monotonic() + WAIT
        while time.monotonic() < end:
            for line in [*self.log]:
                found = re.search(pattern, line)
                if found:
                    return found
            assert self.process.poll() is None, "".join(self.log)
            time.sleep(0.02)
        raise AssertionError("".join(self.log))

    @property
    def url(self):
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    def connect(self):
        """Open a connection."""
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=WAIT)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def stop(self, number=signal.SIGTERM):
        """Send a signal and return the exit status."""
        self.process.send_signal(number)
        return self.end()

    def kill(self):
        """Kill the process and its workers."""
        for process in self.processes():
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        self.process.wait(WAIT)
        self._reader.join(WAIT)

    def processes(self):
        """The identifiers of the process and its workers."""
        shown = subprocess.run(["ps", "-o", "pid=", "--ppid", str(self.process.pid)], capture_output=True, text=True)
        return [self.process.pid, *map(int, shown.stdout.split())]

    def signal_all(self, number):
        """Send a signal to the process and its workers."""
        for process in self.processes():
            os.kill(process, number)

    def end(self):
        """Wait for the end and return the exit status."""
        status = self.process.wait(WAIT)
        self._reader.join(WAIT)
        return status


def request_bytes(texts, *headers, path="/v1/convert"):
    """A request as it is sent."""
    body = json.dumps({"texts": texts}).encode()
    head = [f"POST {path} HTTP/1.1", "Host: x", "Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*head, *headers, "", ""]).encode() + body


def response(connection):
    """Read one answer: status, headers, body; None if the connection was closed before it."""
    content = b""
    while b"\r\n\r\n" not in content:
        part = connection.recv(65536)
        if not part:
            assert content == b""
            return None
        content += part
    head, _, body = content.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
    while len(body) < int(headers["content-length"]):
        body += connection.recv(65536)
    return int(first.split()[1]), headers, body
