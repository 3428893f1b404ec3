"""Slow, broken and many clients."""

import json
import time

from serving import request_bytes, response

TEXT = ["ab"]


def error(answer):
    """The message of an answer."""
    return json.loads(answer[2])["error"]["message"]


def metrics(connection):
    """The lines of the metrics."""
    connection.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
    return response(connection)[2].decode().splitlines()


def test_slow_clients_get_408_and_others_are_served(start):
    server = start("--request-timeout", 1.5, "--max-connections", 500)
    slow = [server.connect() for _ in range(200)]
    for number, each in enumerate(slow):
        each.sendall(request_bytes(TEXT)[: 20 if number % 2 else -3])  # in the head, or in the body
    quick = server.connect()
    for _ in range(20):
        quick.sendall(request_bytes(TEXT))
        status, _, body = response(quick)
        assert status == 200
        assert json.loads(body)["results"][0]["prediction"] == "AB"
    for each in slow:
        answer = response(each)
        assert answer[0] == 408
        assert answer[1]["connection"] == "close"
        assert "did not arrive in time" in error(answer)
        assert each.recv(1) == b""
        each.close()
    quick.close()


def test_one_byte_at_a_time_does_not_extend_the_time(start):
    server = start("--request-timeout", 1)
    slow, begin = server.connect(), time.monotonic()
    slow.settimeout(0.1)
    for byte in request_bytes(TEXT):
        try:
            slow.sendall(bytes([byte]))
            answer = slow.recv(1000)
            break
        except TimeoutError:
            assert time.monotonic() - begin < 60
    assert answer.startswith(b"HTTP/1.1 408 ")
    slow.close()


def test_connections_without_requests_are_closed(start):
    server = start("--request-timeout", 1, "--idle-timeout", 1)
    silent, used = server.connect(), server.connect()
    used.sendall(request_bytes(TEXT))
    assert response(used)[0] == 200
    assert used.recv(1) == b""
    assert silent.recv(1) == b""
    silent.close()
    used.close()


def test_a_request_that_begins_with_the_last_one_must_arrive_in_time(start):
    server = start("--request-timeout", 1, "--idle-timeout", 600)
    for rest in (10, -3):  # in the head, or in the body
        connection = server.connect()
        connection.sendall(request_bytes(TEXT) + request_bytes(TEXT)[:rest])
        assert response(connection)[0] == 200
        connection.sendall(request_bytes(TEXT)[rest : rest + 1])
        assert response(connection)[0] == 408
        assert connection.recv(1) == b""
        connection.close()


def test_the_time_of_a_request_begins_after_the_rest_of_a_refused_one(start):
    server = start("--request-timeout", 1, "--max-body", 100_000)
    head = b"POST /v1/convert HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 400000\r\n\r\n"
    complete, partial = server.connect(), server.connect()
    for each, size in ((complete, 400_000), (partial, 200_000)):
        each.sendall(head + b"x" * size)
        assert response(each)[0] == 413
    assert partial.recv(1) == b""  # it has been answered, so there is no 408
    time.sleep(0.5)
    complete.sendall(request_bytes(TEXT)[:30])
    time.sleep(0.5)
    complete.sendall(request_bytes(TEXT)[30:])
    assert response(complete)[0] == 200
    for each in (complete, partial):
        each.close()


def test_what_is_not_http_gets_a_sentence(start):
    server = start()
    for sent, status in [
        (b"hello\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 300_000, 431),
    ]:
        connection = server.connect()
        connection.sendall(sent)
        answer = response(connection)
        assert answer[0] == status
        assert "send a valid HTTP/1.1 request" in error(answer)
        connection.close()


def test_huge_bodies_get_413_while_they_are_sent(start):
    server = start("--max-body", 100_000)
    chunk = b"20000\r\n" + b"x" * 0x20000 + b"\r\n"
    head = b"POST /v1/convert HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    declared = head + b"Content-Length: 400000\r\n\r\n" + b"x" * 400_000
    chunked = head + b"Transfer-Encoding: chunked\r\n\r\n" + chunk * 3 + b"0\r\n\r\n"
    connection = server.connect()
    for sent in (declared, chunked, declared):  # on one connection: the rest of a body is discarded
        connection.sendall(sent)
        answer = response(connection)
        assert answer[0] == 413
        assert "the body has more than 100,000 bytes" in error(answer)
    connection.sendall(request_bytes(TEXT))
    assert response(connection)[0] == 200
    connection.close()
    endless, sent = server.connect(), 0
    endless.sendall(head + b"Transfer-Encoding: chunked\r\n\r\n")
    try:
        for _ in range(1000):
            endless.sendall(chunk)
            sent += len(chunk)
    except OSError:
        pass
    assert sent < 100_000_000  # it was cut off
    endless.close()


def test_a_client_that_waits_for_100_continue_is_answered_at_once(start):
    server = start("--max-body", 1000)
    head = b"POST /v1/convert HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nExpect: 100-continue\r\n"
    connection = server.connect()
    connection.sendall(head + b"Content-Length: 400000\r\n\r\n")
    assert response(connection)[0] == 413
    connection.close()


def test_too_many_connections_get_503(start):
    server = start("--max-connections", 5)
    several = [server.connect() for _ in range(5)]
    for each in several:
        each.sendall(request_bytes(TEXT))
        assert response(each)[0] == 200
    assert "henkan_connections 5.0" in metrics(several[0])
    one_more = server.connect()
    one_more.sendall(request_bytes(TEXT))
    answer = response(one_more)
    assert answer[0] == 503
    assert "there are more than 5 connections; try again later" in error(answer)
    assert answer[1]["retry-after"] == "1"
    alive = server.connect()
    alive.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")  # the process works, so it must not be restarted
    assert response(alive)[0] == 200
    alive.close()
    several[0].close()
    one_more.close()
    end = time.monotonic() + 60
    while True:  # until the server has noticed
        again = server.connect()
        again.sendall(request_bytes(TEXT))
        status = response(again)[0]
        again.close()
        if status == 200:
            break
        assert time.monotonic() < end
    for each in several[1:]:
        each.close()


def test_a_client_that_gives_up_does_not_disturb_others(start):
    server = start("--max-queue", 10_000_000)
    many = [server.connect() for _ in range(20)]
    for each in many:
        each.sendall(request_bytes(["abc" * 200] * 300))
    for each in many[::2]:
        each.close()
    for each in many[1::2]:
        status, _, body = response(each)
        assert status == 200
        assert len(json.loads(body)["results"]) == 300
        each.close()
    connection = server.connect()
    [total] = [line.split()[1] for line in metrics(connection) if line.startswith("henkan_batch_texts_sum")]
    connection.close()
    assert 3000 <= float(total) < 5000  # of 6,000 texts, those of closed connections are not converted
    assert "Traceback" not in "".join(server.log)


def test_a_pattern_that_blows_up_does_not_stop_other_requests(start):
    server = start("--max-states", 20_000)
    bomb, other = server.connect(), server.connect()
    body = json.dumps({"texts": TEXT, "pattern": "(?:.*A.{9}|.*B.{9}|.*C.{9}|.*AB.{9}){3}"}).encode()
    head = (
        f"POST /v1/convert HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    bomb.sendall(head.encode() + body)
    other.sendall(request_bytes(TEXT))
    assert response(other)[0] == 200
    answer = response(bomb)
    assert answer[0] == 422
    assert "is too complex" in error(answer)
    bomb.close()
    other.close()
