"""A signal stops the server, and no request on an established connection is lost."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest

from henkan.serve.listening import emptied
from serving import request_bytes, response

WORKERS = pytest.mark.parametrize("workers", [1, 2])
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="new connections cannot be refused by a packet filter")


@WORKERS
def test_connections_in_the_listen_queue_are_answered(start, workers):
    server = start("--workers", workers, "--grace", 1)
    server.signal_all(signal.SIGSTOP)  # from now on, only the kernel accepts connections
    connections = [server.connect() for _ in range(100)]
    for each in connections[:80]:
        each.sendall(request_bytes(["ab"]))
    server.process.send_signal(signal.SIGTERM)
    server.signal_all(signal.SIGCONT)
    server.wait_for("stopping: finishing the requests")
    for each in connections[80:]:  # established, but their requests come only now
        each.sendall(request_bytes(["ab"]))
    for each in connections:
        status, headers, body = response(each)
        assert status == 200
        assert json.loads(body)["results"][0]["prediction"] == "AB"
        if workers == 1:
            assert headers["connection"] == "close"
        assert each.recv(1) == b""
        each.close()
    assert server.end() == 0
    assert "stopped" in server.log[-1]


@WORKERS
def test_open_connections_have_time_for_one_more_request(start, workers):
    server = start("--workers", workers, "--grace", 3)
    used, partial, silent = server.connect(), server.connect(), server.connect()
    used.sendall(request_bytes(["ab"]))
    assert "connection" not in response(used)[1]
    partial.sendall(request_bytes(["ab"])[:30])
    time.sleep(0.2)
    server.process.send_signal(signal.SIGTERM)
    server.wait_for("stopping: finishing the requests")
    time.sleep(1)
    used.sendall(request_bytes(["cb"]))
    partial.sendall(request_bytes(["ab"])[30:])
    for each, prediction in ((used, "CB"), (partial, "AB")):
        status, headers, body = response(each)
        assert (status, headers["connection"]) == (200, "close")
        assert json.loads(body)["results"][0]["prediction"] == prediction
        each.close()
    assert silent.recv(1) == b""
    silent.close()
    assert server.end() == 0


def test_the_rest_of_a_refused_body_does_not_delay_the_end(start):
    server = start("--grace", 3, "--max-body", 100_000)
    connection = server.connect()
    head = b"POST /v1/convert HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 400000\r\n\r\n"
    connection.sendall(head + b"x" * 200_000)
    assert response(connection)[0] == 413
    server.process.send_signal(signal.SIGTERM)
    server.wait_for("stopping: finishing the requests")
    time.sleep(1)  # now connections have been told
    connection.sendall(b"x" * 200_000)
    assert server.end() == 0
    connection.close()


def test_established_connections_are_waited_for():
    async def check():
        with socket.create_server(("127.0.0.1", 0)) as listening:
            listening.setblocking(False)
            with socket.create_connection(listening.getsockname()):
                waiting = asyncio.create_task(emptied([listening]))
                await asyncio.sleep(0.05)
                assert not waiting.done()
                accepted, _ = await asyncio.get_running_loop().sock_accept(listening)
                accepted.close()
                await asyncio.wait_for(waiting, 60)

    asyncio.run(check())


@LINUX
def test_new_connections_are_not_established(start):
    server = start("--grace", 2)
    held = server.connect()
    server.process.send_signal(signal.SIGTERM)
    server.wait_for("stopping: finishing the requests")
    time.sleep(0.2)
    with pytest.raises(OSError):  # noqa: PT011  (refused, or without an answer)
        server.connect().sendall(b"x")
    held.sendall(request_bytes(["ab"], path="/v1/convert"))
    assert response(held)[0] == 200
    held.close()
    assert server.end() == 0


def test_readiness_ends_first(start):
    server = start("--grace", 5)
    several = [server.connect() for _ in range(2)]
    ask = b"GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n"
    several[0].sendall(ask)
    assert response(several[0])[0] == 200
    server.process.send_signal(signal.SIGTERM)
    server.wait_for("stopping: finishing the requests")
    several[0].sendall(ask)
    status, headers, body = response(several[0])
    assert (status, headers["connection"]) == (503, "close")
    assert b"is stopping" in body
    several[1].sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
    assert response(several[1])[0] == 200
    for each in several:
        each.close()
    assert server.end() == 0


@WORKERS
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_nothing_is_lost_under_load(start, workers, number):
    server = start("--workers", workers, "--grace", 1)
    counts, lock, stopping = {"answered": 0, "lost": 0, "refused": 0}, threading.Lock(), threading.Event()

    def client():
        connection = None
        while True:
            if connection is None:
                try:
                    connection = server.connect()
                except OSError:
                    with lock:
                        counts["refused"] += 1
                    return
            try:
                connection.sendall(request_bytes(["ab", "c"] * 20))
                answer = response(connection)
            except OSError:
                answer = None
            with lock:
                counts["answered" if answer and answer[0] == 200 else "lost"] += 1
            if answer is None or answer[1].get("connection") == "close":
                connection.close()
                connection = None
                if stopping.is_set():
                    return

    threads = [threading.Thread(target=client) for _ in range(16)]
    for thread in threads:
        thread.start()
    time.sleep(1)
    stopping.set()
    if workers > 1 and number == signal.SIGINT:
        server.signal_all(number)  # as Ctrl-C does
    else:
        server.process.send_signal(number)
    assert server.end() == 0
    for thread in threads:
        thread.join(120)
    assert counts["lost"] == 0
    assert counts["answered"] > 50


@WORKERS
def test_a_second_signal_stops_at_once(start, workers):
    server = start("--workers", workers, "--grace", 600)
    held = server.connect()
    held.sendall(request_bytes(["ab"]))
    assert response(held)[0] == 200
    server.process.send_signal(signal.SIGTERM)
    server.wait_for("stopping: finishing the requests")
    time.sleep(1)
    assert server.stop() == (143 if workers == 1 else 1)
    assert "stopped at once" in "".join(server.log)
    held.close()


def test_workers_stop_if_the_first_process_is_killed(start):
    server = start("--workers", 2)
    workers = server.processes()[1:]
    connection = server.connect()
    connection.sendall(request_bytes(["ab"]))
    assert response(connection)[0] == 200
    connection.close()
    server.process.kill()
    server.process.wait(60)
    end = time.monotonic() + 60
    while any(is_running(process) for process in workers):
        assert time.monotonic() < end
        time.sleep(0.1)


def is_running(process):
    shown = subprocess.run(["ps", "-o", "stat=", "-p", str(process)], capture_output=True, text=True).stdout.strip()
    return shown != "" and not shown.startswith("Z")


def test_a_worker_that_dies_is_replaced(start):
    server = start("--workers", 2)
    *_, worker = server.processes()
    os.kill(worker, signal.SIGKILL)
    server.wait_for("worker process .* died and was replaced")
    for _ in range(4):
        connection = server.connect()
        connection.sendall(request_bytes(["ab"]))
        assert response(connection)[0] == 200
        connection.close()
    assert server.stop() == 0
