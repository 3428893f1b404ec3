"""The command `henkan serve`: its errors, and what it prints."""

import json
import shutil
import socket
import sys

import pytest

from serving import request_bytes, response


def test_a_port_in_use(refused, model):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        message = refused("serve", model, "--port", port)
    assert f"port {port} of 127.0.0.1 cannot be used (Address already in use)" in message
    assert message.endswith("stop the program that uses it, or choose another")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--host", "no.such.host.invalid"], "--host 'no.such.host.invalid' has no address; give 127.0.0.1"),
        (["--port", "70000"], "--port must be a number from 0 to 65535, not 70000"),
        (["--workers", "0"], "--workers must be at least 1, not 0"),
        (["--max-texts", "0"], "--max-texts must be a number above 0, not 0"),
        (["--request-timeout", "100000"], "--request-timeout must be a number above 0 and at most 86,400, not 100000"),
        (["--grace", "nan"], "--grace must be a number above 0 and at most 86,400, not nan"),
        (["--token-file", "none"], "none: cannot be read (No such file or directory); choose another --token-file"),
        (["--lexicon", "none.tsv"], "none.tsv"),
    ],
)
def test_wrong_options(refused, model, arguments, message):
    assert message in refused("serve", model, "--port", 0, *arguments)


def test_a_model_that_cannot_be_loaded(refused, model, tmp_path):
    for options in ([], ["--workers", 2]):
        assert "there is no such folder" in refused("serve", tmp_path / "none", "--port", 0, *options)
    copy = tmp_path / model.name
    copy.mkdir()
    assert "two models have the name words; rename one of their folders" in refused("serve", model, copy)


def test_the_extra_is_missing(refused, model, monkeypatch):
    monkeypatch.setattr("henkan.serve.settings.find_spec", lambda name: None if name == "uvicorn" else sys)
    assert refused("serve", model).endswith(
        "the server needs packages that are not installed (uvicorn); pip install 'henkan[serve]'"
    )


def test_the_token_comes_from_a_file_or_the_environment(start, tmp_path, refused, model):
    (tmp_path / "token").write_text("first\n")
    in_file, in_environment = start("--token-file", "token"), start(HENKAN_TOKEN="second")
    for server, token in ((in_file, "first"), (in_environment, "second")):
        connection = server.connect()
        connection.sendall(request_bytes(["ab"]))
        status, headers, body = response(connection)
        assert (status, headers["www-authenticate"]) == (401, 'Bearer realm="henkan"')
        assert "token is missing or wrong" in json.loads(body)["error"]["message"]
        connection.sendall(request_bytes(["ab"], f"Authorization: Bearer {token}"))
        assert response(connection)[0] == 200
        connection.close()
    (tmp_path / "token").write_text("two words")
    assert "token has no token; give printable ASCII characters without spaces" in refused(
        "serve", model, "--token-file", "token"
    )


def test_a_note_if_other_machines_can_connect_without_a_token(start):
    server = start("--host", "0.0.0.0")
    server.wait_for("note: other machines can use this server, and no token is required; set one, or use 127.0.0.1")
    assert server.log[0].rstrip().endswith(f"serving words at http://127.0.0.1:{server.port}/")
    silent = start("--host", "0.0.0.0", HENKAN_TOKEN="t")
    assert silent.stop() == 0
    assert "note:" not in "".join(silent.log)


def test_a_model_in_the_current_folder_has_the_name_of_the_folder(start, model, tmp_path):
    shutil.copytree(model, tmp_path, dirs_exist_ok=True)
    server = start(models=["."])
    assert f"serving {tmp_path.name} at" in server.log[0]


def test_requests_are_logged_only_on_demand(start):
    for options, expected in ([], 0), (["--access-log"], 1):
        server = start(*options)
        connection = server.connect()
        connection.sendall(request_bytes(["ab"]))
        assert response(connection)[0] == 200
        connection.close()
        assert server.stop() == 0
        assert "".join(server.log).count("127.0.0.1 POST /v1/convert 200") == expected


def test_metrics_are_those_of_all_workers(start):
    server = start("--workers", 2)
    for _ in range(30):
        connection = server.connect()
        connection.sendall(request_bytes(["ab"]))
        assert response(connection)[0] == 200
        connection.close()
    for _ in range(5):
        connection = server.connect()
        connection.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
        lines = response(connection)[2].decode().splitlines()
        connection.close()
        assert 'henkan_texts_total{model="words"} 30.0' in lines
        assert 'henkan_model_loads_total{model="words",result="ok"} 2.0' in lines
    assert server.stop() == 0
