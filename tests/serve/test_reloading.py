"""A model that is replaced is loaded without losing a request, and a damaged one is not."""

import json
import shutil
import threading

from henkan import Seq2Seq
from henkan.serve import ServeSettings
from henkan.serve.models import Models
from serving import request_bytes, response


def ask(server):
    """The prediction for "ab", from a new connection."""
    connection = server.connect()
    connection.sendall(request_bytes(["ab"]))
    status, _, body = response(connection)
    connection.close()
    assert status == 200
    return json.loads(body)["results"][0]["prediction"]


def metric(server, line):
    """Whether the metrics have a line."""
    connection = server.connect()
    connection.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
    body = response(connection)[2]
    connection.close()
    return line.encode() in body.splitlines()


def test_without_the_option_no_model_is_loaded_again(model):
    for reload in (False, True):
        models = Models(ServeSettings((model,), reload=reload))
        models.start(lambda *_: None)
        watching = [each for each in threading.enumerate() if each.name == "henkan-reload"]
        assert len(watching) == int(reload)
        models.stop()
        for each in watching:
            each.join(60)
            assert not each.is_alive()


def test_a_damaged_model_is_reported_once(model, tmp_path):
    shutil.copytree(model, tmp_path / "words")
    models, reports = Models(ServeSettings((tmp_path / "words",))), []
    models.start(lambda *report: reports.append(report))
    before = models.default
    (tmp_path / "words" / "weights.safetensors").write_bytes(b"damaged")
    for _ in range(2):
        models.reload_if_changed("words")
    assert reports == [("words", "ok"), ("words", "failed")]
    assert models.default is before


def test_a_replaced_model_is_loaded_while_requests_go_on(start, model, words, tmp_path):
    folder = tmp_path / "words"
    shutil.copytree(model, folder)
    server = start("--reload", models=[folder])
    predictions, ended = [], threading.Event()

    def client():
        while not ended.is_set():
            predictions.append(ask(server))

    threads = [threading.Thread(target=client) for _ in range(3)]
    for thread in threads:
        thread.start()
    backwards = [target[::-1] for target in words[1]]
    settings = {"epochs": 80, "batch_size": 8, "hidden_size": 32, "embedding_size": 8}
    Seq2Seq(recipe="modern", **settings).fit(words[0], backwards).save(folder, force=True)
    server.wait_for("loaded the changed model words")
    ended.set()
    for thread in threads:
        thread.join(60)
    assert predictions[0] == "AB"
    assert ask(server) == "BA"
    assert set(predictions) <= {"AB", "BA"}
    assert metric(server, 'henkan_model_loads_total{model="words",result="ok"} 2.0')

    (folder / "weights.safetensors").write_bytes(b"damaged")
    server.wait_for("the changed model words was not loaded, the old one remains: .*damaged or was modified")
    assert ask(server) == "BA"
    assert metric(server, 'henkan_model_loads_total{model="words",result="failed"} 1.0')
    assert server.stop() == 0
