"""What requests are answered with."""

import gc
import json
import logging
import weakref
from copy import copy

import pytest

from henkan import Seq2Seq
from henkan.serve import ServeSettings
from henkan.serve.application import create_app
from henkan.serve.constraints import MAX_KEPT
from henkan.serve.models import load

CONVERT = "/v1/convert"


def error(answer, status):
    """The message and the argument of an answer that is an error."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    found = answer.json()["error"]
    assert set(found) == {"message", "argument"}
    assert found["message"]
    return found["message"], found["argument"]


def test_results_have_the_fields_of_predict(client, henkan, model):
    texts = ["ab", "c", "", "  ", "abcabc", "日本", "a\\b\n", "cba"]
    shown = henkan("predict", "--json", "--unknown", "skip", model, *texts).stdout.splitlines()
    answer = client.post(CONVERT, json={"texts": texts, "unknown": "skip"}).json()
    assert answer["model"] == "words"
    for mine, line in zip(answer["results"], shown, strict=True):
        expected = json.loads(line)
        for name in ("log_probability", "confidence"):
            one, other = mine.pop(name), expected.pop(name)
            assert (one is None and other is None) or one == pytest.approx(other, rel=1e-4)
        assert mine == expected


def test_options_are_those_of_predict(client, henkan, model):
    options = {"beam": 5, "nbest": 3, "mass": 0.9, "abstain_below": 0.1}
    arguments = [part for name, value in options.items() for part in (f"--{name.replace('_', '-')}", value)]
    shown = henkan("predict", "--json", *arguments, model, "ab", "cab").stdout.splitlines()
    results = client.post(CONVERT, json={"texts": ["ab", "cab"], **options}).json()["results"]
    for mine, line in zip(results, shown, strict=True):
        names = [each["prediction"] for each in mine["nbest"]]
        assert names == [each["prediction"] for each in json.loads(line)["nbest"]]
    free, abstained = (
        client.post(CONVERT, json={"texts": ["ab"], "abstain_below": below}).json()["results"][0] for below in (0, 1)
    )
    assert free["prediction"] == "AB"
    assert abstained["abstained"]
    assert "is below 1" in abstained["reason"]
    plain = client.post(CONVERT, json={"texts": ["ab"], "confidence": False}).json()["results"][0]
    assert plain["confidence"] is None
    arguments = {"texts": ["ab", "abcabcabc"], "abstain_outside": True}
    results = client.post(CONVERT, json=arguments).json()["results"]
    assert [each.get("abstained", False) for each in results] == [False, True]
    shares = [1.0, 0.1]
    many, few = (
        client.post(CONVERT, json={"texts": ["ab"], "beam": 5, "nbest": 5, "mass": mass}).json()["results"][0]["nbest"]
        for mass in shares
    )
    assert (len(many), len(few)) == (5, 1)


def test_only_equal_requests_are_converted_together(client, monkeypatch):
    queue, keys = client.app.state.service.queue, []
    put = queue.put
    monkeypatch.setattr(queue, "put", lambda job: (keys.append(job.key), put(job)))
    several = {"beam": 2, "nbest": 2}
    options = [
        {}, {"beam": 2}, several, {**several, "mass": 0.5}, {"confidence": False}, {"abstain_below": 0.5},
        {"abstain_outside": True}, {"unknown": "skip"}, {"pattern": "A*"}, {"symbols": "A"},
        {"pattern": "A*", "symbols": "A"}, {"allow": ["A"]},
    ]  # fmt: skip
    for each in options * 2:
        assert client.post(CONVERT, json={"texts": ["a"], **each}).status_code == 200
    assert len({*keys}) == len(options)
    assert keys[: len(options)] == keys[len(options) :]


def test_the_constraints_that_were_used_last_are_kept(client, monkeypatch):
    converter, prepared = client.app.state.service.models.default.converter, []
    prepare = converter.prepare
    monkeypatch.setattr(converter, "prepare", lambda each: (prepared.append(each.pattern), prepare(each)))
    for number in [*range(MAX_KEPT), 0, MAX_KEPT, 0, 1]:  # 1 is the one that was used least recently
        assert client.post(CONVERT, json={"texts": ["a"], "pattern": f"A{{0,{number}}}"}).status_code == 200
    assert prepared == [f"A{{0,{number}}}" for number in [*range(MAX_KEPT), MAX_KEPT, 1]]


@pytest.mark.parametrize(
    ("constraint", "prediction"),
    [
        ({"allow": ["CC", "B"]}, ("CC", "B")),
        ({"pattern": "A[AC]"}, ("AA", "AC")),
        ({"symbols": "A"}, ("A", "AA", "AAA")),
        ({"allow": ["AC", "CC"], "pattern": "C.", "symbols": "AC"}, ("CC",)),
    ],
)
def test_predictions_fulfil_constraints(client, constraint, prediction):
    for beam in (1, 3):
        [result] = client.post(CONVERT, json={"texts": ["ab"], "beam": beam, **constraint}).json()["results"]
        assert result["prediction"] in prediction


def test_a_text_without_an_allowed_prediction_gets_a_reason(client):
    [result] = client.post(CONVERT, json={"texts": ["ab"], "pattern": "A{300}"}).json()["results"]
    assert result["prediction"] is None
    assert result["disallowed"]
    assert "allow no prediction that the model can write within its length limit" in result["reason"]


def test_a_replaced_model_does_not_stay_in_memory(client, model):
    models = client.app.state.service.models
    old = weakref.ref(models.default)
    for _ in range(2):
        result = client.post(CONVERT, json={"texts": ["ab"], "pattern": "A[AC]"})
        assert result.status_code == 200
        models.by_name["words"] = load(ServeSettings((model,)), model)
    gc.collect()
    assert old() is None


INVALID = {
    "no JSON": (b"{", 400, "the body is not valid JSON", None),
    "empty": (b"", 400, 'send an object such as {"texts": ["abc"]}', None),
    "not UTF-8": (b'{"texts": ["\xff"]}', 400, "the body is not valid JSON", None),
    "repeated name": (b'{"texts": [], "texts": []}', 400, "repeated name", None),
    "NaN": (b'{"texts": [], "mass": NaN}', 400, "NaN is not a JSON number", None),
    "too deep": (b"[" * 100_000, 400, "nested too deeply", None),
    "a list": (b"[]", 422, "the body must be a JSON object with the arguments texts, model,", None),
    "no texts": (b"{}", 422, "texts is missing", "texts"),
    "texts is a string": (b'{"texts": "a"}', 422, "texts must be a list", "texts"),
    "a number as text": (b'{"texts": ["a", 1]}', 422, "texts[1] must be a string", "texts"),
    "null as text": (b'{"texts": [null]}', 422, "texts[0] must be a string", "texts"),
    "unknown argument": (b'{"texts": [], "width": 1}', 422, "there is no argument width; the arguments", "width"),
    "true as beam": (b'{"texts": [], "beam": true}', 422, "beam must be a whole number", "beam"),
    "float as beam": (b'{"texts": [], "beam": 1.5}', 422, "beam must be a whole number", "beam"),
    "beam 0": (b'{"texts": [], "beam": 0}', 422, "beam must be at least 1", "beam"),
    "wide beam": (b'{"texts": [], "beam": 51}', 422, "beam must be at most 50, not 51; choose a narrower", "beam"),
    "nbest": (b'{"texts": [], "nbest": 2}', 422, "nbest must be a whole number from 1 to the beam width", "nbest"),
    "mass": (b'{"texts": [], "mass": 0.5}', 422, "mass needs several predictions", "mass"),
    "percentage": (b'{"texts": [], "abstain_below": 80}', 422, "abstain_below must be at most 1", "abstain_below"),
    "unknown": (b'{"texts": [], "unknown": "x"}', 422, "unknown must be 'use', 'copy', 'skip' or 'error'", "unknown"),
    "model": (b'{"texts": [], "model": "x"}', 404, "there is no model 'x'; the models are words", "model"),
    "unknown symbol": (
        '{"texts": ["a", "語"], "unknown": "error"}'.encode(), 422, "texts[1]: unknown symbol '語' in '語'", "texts"
    ),
    "copy": (b'{"texts": ["a"], "unknown": "copy"}', 422, "only by a model with attention", None),
    "pattern": (b'{"texts": ["a"], "pattern": "("}', 422, "is not a regular expression", "pattern"),
    "allow nothing": (b'{"texts": ["a"], "allow": []}', 422, "allow is empty", "allow"),
    "allow the impossible": (b'{"texts": ["a"], "allow": ["xyz"]}', 422, "the constraints allow no prediction", None),
}  # fmt: skip


@pytest.mark.parametrize("case", INVALID)
def test_invalid_requests_get_a_sentence(client, case):
    body, status, message, argument = INVALID[case]
    found, name = error(client.post(CONVERT, content=body, headers={"Content-Type": "application/json"}), status)
    assert message in found
    assert name == argument
    assert "\n" not in found


def test_limits_are_answered_with_413(client_of):
    client = client_of({"texts": 3, "length": 5, "body": 1000, "work": 500, "allowed": 2, "pattern_length": 4})
    assert client.post(CONVERT, json={"texts": ["abcde"] * 3}).status_code == 200
    for arguments, message, argument in [
        ({"texts": ["a"] * 4}, "texts has 4 texts; at most 3 are allowed, send several requests", "texts"),
        ({"texts": ["a", "abcabc"]}, "texts[1] has 6 characters; at most 5 are allowed", "texts"),
        ({"texts": ["abc"] * 3, "beam": 10}, "this is too much work for one request", "texts"),
        ({"texts": ["a"], "allow": ["A", "B", "C"]}, "allow has 3 predictions; at most 2", "allow"),
        ({"texts": ["a"], "model": "x" * 1000}, "the body has more than 1,000 bytes", None),
    ]:
        found, name = error(client.post(CONVERT, json=arguments), 413)
        assert message in found
        assert name == argument
    found, name = error(client.post(CONVERT, json={"texts": ["a"], "pattern": "A{10}"}), 422)
    assert (found, name) == ("pattern has 5 characters; at most 4 are allowed, shorten it", "pattern")

    found, name = error(client.post(CONVERT, json={"texts": ["a"], "symbols": "A" * 6}), 422)
    assert (found, name) == ("symbols has 6 characters; at most 5 are allowed, shorten it", "symbols")

    def chunks():
        for _ in range(20):
            yield b" " * 100

    answer = client.post(CONVERT, content=chunks(), headers={"Content-Type": "application/json"})
    assert "the body has more than 1,000 bytes" in error(answer, 413)[0]


def test_by_default_a_request_may_hold_a_thousand_texts(client):
    answer = client.post(CONVERT, json={"texts": ["ab", "c"] * 500})
    predictions = [each["prediction"] for each in answer.json()["results"]]
    assert predictions == ["AB", "C"] * 500
    assert "at most 1,000 are allowed" in error(client.post(CONVERT, json={"texts": ["a"] * 1001}), 413)[0]


def test_a_list_of_long_predictions_is_refused(client):
    answer = client.post(CONVERT, json={"texts": ["a"], "allow": ["A"] * 1000 + ["A" * 10_000]})
    assert "too many predictions of this length" in error(answer, 413)[0]


def test_no_texts_get_no_results(client):
    assert client.post(CONVERT, json={"texts": []}).json() == {"model": "words", "results": []}


def test_unpaired_surrogates_are_answered(client):
    body = rb'{"texts": ["a\ud800", "ab"], "model": null}'
    answer = client.post(CONVERT, content=body, headers={"Content-Type": "application/json"})
    assert [each["source"] for each in answer.json()["results"]] == ["a\ud800", "ab"]
    for body in (
        rb'{"texts": [], "model": "\ud800"}',
        rb'{"texts": [], "\ud800": 1}',
        rb'{"texts":[],"pattern":"\ud800("}',
    ):
        answer = client.post(CONVERT, content=body, headers={"Content-Type": "application/json"})
        assert answer.status_code in (404, 422)


def test_patterns_that_blow_up_are_refused(client):
    for pattern in (
        "(.*a.{12})",
        "(.*a|b.{20})*",
        "((a{9}){9}){99}",
        "(?=.*A)(?=.*B)(?=.*C).{5,90}",
        "[\x00-\U0010ffff]*",
    ):
        found, argument = error(client.post(CONVERT, json={"texts": ["a"], "pattern": pattern}), 422)
        assert "is too complex; write a simpler or shorter one" in found
        assert argument == "pattern"


def test_other_content_is_refused(client):
    answer = client.post(CONVERT, content=b'{"texts": []}', headers={"Content-Type": "text/plain"})
    assert "send the header Content-Type: application/json" in error(answer, 415)[0]


def test_unknown_addresses_and_methods(client):
    assert "there is nothing at this address" in error(client.get("/v2"), 404)[0]
    answer = client.get(CONVERT)
    assert "does not support the method GET" in error(answer, 405)[0]
    assert answer.headers["allow"] == "POST"


def test_a_full_queue_is_answered_with_429(client_of):
    client = client_of({"queue": 1})
    service = client.app.state.service
    service.queue.work = 10  # as if others were waiting
    answer = client.post(CONVERT, json={"texts": ["a"]})
    assert "the queue is full; try again in 1 s" in error(answer, 429)[0]
    assert answer.headers["retry-after"] == "1"
    assert "henkan_queued_work 10.0" in client.get("/metrics").text.splitlines()
    service.queue.work = 0
    assert client.post(CONVERT, json={"texts": ["a"]}).status_code == 200


def test_too_many_waiting_constraints_are_answered_with_429(client):
    constraints = client.app.state.service.constraints
    constraints._waiting = 16  # as if others were compiled
    answer = client.post(CONVERT, json={"texts": ["a"], "pattern": "A*"})
    assert "too many constraints are waiting to be compiled" in error(answer, 429)[0]
    assert answer.headers["retry-after"] == "16"
    assert client.post(CONVERT, json={"texts": ["a"]}).status_code == 200
    constraints._waiting = 0
    assert client.post(CONVERT, json={"texts": ["a"], "pattern": "A*"}).status_code == 200


def test_tokens(client_of):
    client = client_of(token="secret")
    for headers in (
        {},
        {"Authorization": "Bearer wrong"},
        {"Authorization": "Basic secret"},
        {"Authorization": "secret"},
    ):
        for method, path in [("POST", CONVERT), ("POST", "/v1/explain"), ("GET", "/v1/models"), ("GET", "/metrics")]:
            answer = client.request(method, path, headers=headers)
            assert "send the header Authorization: Bearer TOKEN" in error(answer, 401)[0]
            assert answer.headers["www-authenticate"] == 'Bearer realm="henkan"'
    for scheme in ("Bearer", "bearer"):
        headers = {"Authorization": f"{scheme} secret"}
        assert client.post(CONVERT, json={"texts": ["a"]}, headers=headers).status_code == 200
    for path in ("/healthz", "/readyz", "/docs", "/openapi.json"):
        assert client.get(path).status_code == 200
    schema = client.get("/openapi.json").json()
    assert schema["components"]["securitySchemes"]["token"] == {"type": "http", "scheme": "bearer"}
    assert "security" not in schema["paths"]["/healthz"]["get"]


def test_other_origins_need_permission(client_of):
    headers = {
        "Origin": "https://a.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization, content-type",
    }
    allowed = client_of(allow_origin=("https://a.example",), token="t")
    answer = allowed.options(CONVERT, headers=headers)
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == "https://a.example"
    answer = allowed.post(CONVERT, json={"texts": []}, headers={"Origin": "https://a.example"})
    assert answer.status_code == 401
    assert answer.headers["access-control-allow-origin"] == "https://a.example"  # the page can read the error
    assert answer.headers["access-control-expose-headers"] == "Retry-After"
    other = allowed.options(CONVERT, headers={**headers, "Origin": "https://b.example"})
    assert "access-control-allow-origin" not in other.headers
    assert "access-control-allow-origin" not in client_of().options(CONVERT, headers=headers).headers


def test_models_are_described(client_of, model, tmp_path, words):
    other = tmp_path / "other"
    sources = [f"{word}\tN;PL" for word in words[0]]
    Seq2Seq(recipe="edits", epochs=1, ensemble=1, features=True).fit(sources, words[1]).save(other)
    client = client_of(models=(model, other))
    first, second = client.get("/v1/models").json()["models"]
    assert (first["name"], first["default"], second["name"], second["default"]) == ("words", True, "other", False)
    assert (first["architecture"], first["members"], first["by"]) == ("encoder-decoder", 1, "saliency")
    assert (second["architecture"], second["by"], second["copying"]) == ("transducer", "pointer", True)
    assert first["symbols"] == {"source": ["a", "b", "c"], "target": ["A", "B", "C"]}
    assert (first["tags"], first["calibrated"], second["tags"], second["calibrated"]) == (None, False, ";", False)
    assert first["parameters"] > 1000
    assert first["limits"] == {
        "texts": 1000, "length": 1000, "explained_length": 200, "beam": 50, "pattern_length": 200, "allowed": 100_000
    }  # fmt: skip
    assert first["metrics"]["pairs"] == 39
    assert client.post(CONVERT, json={"texts": ["a"], "model": "other"}).json()["model"] == "other"


def test_explanations_are_those_of_the_command(client, henkan, model):
    for extra, options in [
        ({}, []),
        ({"answer": "BB"}, ["--answer", "BB"]),
        ({"by": "saliency"}, ["--by", "saliency"]),
    ]:
        mine = client.post("/v1/explain", json={"text": "ab", **extra}).json()
        expected = json.loads(henkan("explain", "--json", model, "ab", *options).stdout)
        assert mine.keys() == expected.keys()
        assert mine["answer"] == expected["answer"]
        for one, other in zip(mine["choices"], expected["choices"], strict=True):
            assert one["symbol"] == other["symbol"]
            assert one["probability"] == pytest.approx(other["probability"], rel=1e-3)
            assert one["weights"] == pytest.approx(other["weights"], abs=1e-3)
    assert "cannot predict" in error(client.post("/v1/explain", json={"text": "a", "answer": "x"}), 422)[0]
    assert "no attention" in error(client.post("/v1/explain", json={"text": "a", "by": "attention"}), 422)[0]
    for given, argument in (({"text": "a" * 201}, "text"), ({"text": "a", "answer": "A" * 201}, "answer")):
        message, name = error(client.post("/v1/explain", json=given), 413)
        assert f"{argument} has 201 characters; at most 200 are allowed" in message
        assert name == argument


def test_a_lexicon_answers_first(client_of, tmp_path):
    (tmp_path / "known.tsv").write_text("ab\tXY\nab\tZ\nq\tQ\n")
    client = client_of(lexicon=tmp_path / "known.tsv")
    known, other = client.post(CONVERT, json={"texts": ["ab", "c"], "beam": 2, "nbest": 2}).json()["results"]
    assert (known["prediction"], known["origin"], len(known["nbest"])) == ("XY", "lexicon", 2)
    assert (other["prediction"], other["origin"]) == ("C", "model")


def test_the_lexicon_of_a_model_answers_after_that_of_the_server(client_of, trained, tmp_path):
    model = copy(trained)
    model.add_to_lexicon(["ab", "cc", "zz"], ["one", "two", "three"])
    model.save(tmp_path / "known")
    (tmp_path / "known.tsv").write_text("ab\tfirst\n")
    for options, expected in (({}, ["one", "two", "B"]), ({"lexicon": tmp_path / "known.tsv"}, ["first", "two", "B"])):
        client = client_of(models=(tmp_path / "known",), **options)
        results = client.post(CONVERT, json={"texts": ["ab", "cc", "b"]}).json()["results"]
        assert [each["prediction"] for each in results] == expected
        assert [each["origin"] for each in results] == ["lexicon", "lexicon", "model"]
        assert client.get("/v1/models").json()["models"][0]["examples"] == ["ab", "cc", "zz"]


def test_the_page_and_its_files(client_of, tmp_path):
    (tmp_path / "index.html").write_text("<!doctype html><script src=/page/app.js></script>")
    (tmp_path / "app.js").write_text("1")
    (tmp_path / "style.css").write_text("p {}")
    (tmp_path / "notes.txt").write_text("private")
    client = client_of(page=tmp_path, token="t")
    for path, kind in [("/", "text/html"), ("/page/app.js", "text/javascript"), ("/page/style.css", "text/css")]:
        answer = client.get(path)
        assert answer.status_code == 200
        assert answer.headers["content-type"] == f"{kind}; charset=utf-8"
        policy = answer.headers["content-security-policy"]
        assert "default-src 'self'" in policy
        assert "frame-ancestors 'none'" in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
    for path in ("/page/notes.txt", "/page/none.js", "/page/..%2Fapp.js", "/page/.js"):
        error(client.get(path), 404)
    (tmp_path / "empty").mkdir()
    assert "has no page" in error(client_of(page=tmp_path / "empty").get("/"), 404)[0]


def test_the_documentation_needs_no_other_server(client):
    found = client.get("/docs")
    assert "http" not in found.text
    for path in ("/docs/swagger-ui.css", "/docs/swagger-ui-bundle.js", "/docs/start.js"):
        assert f'"{path[1:]}"' in found.text  # relative, so that a proxy may add a path
        assert client.get(path).status_code == 200
    assert 'url: "openapi.json"' in client.get("/docs/start.js").text
    assert "SwaggerUIBundle" in client.get("/docs/swagger-ui-bundle.js").text
    schema = client.get("/openapi.json").json()
    assert schema["openapi"].startswith("3.1")
    body = schema["paths"][CONVERT]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert {"texts", "beam", "allow", "pattern", "symbols", "abstain_below"} <= body["properties"].keys()


def test_metrics_count(client):
    client.post(CONVERT, json={"texts": ["a", "b", "c"]})
    client.post(CONVERT, json={})
    client.get("/anything")
    found = client.get("/metrics")
    assert found.headers["content-type"].startswith("text/plain; version=0.0.4")
    lines = found.text.splitlines()
    for line in (
        'henkan_requests_total{path="/v1/convert",status="200"} 1.0',
        'henkan_requests_total{path="/v1/convert",status="422"} 1.0',
        'henkan_requests_total{path="other",status="404"} 1.0',
        'henkan_request_seconds_count{path="/v1/convert"} 2.0',
        'henkan_texts_total{model="words"} 3.0',
        "henkan_batch_texts_sum 3.0",
        "henkan_queued_work 0.0",
        'henkan_model_loads_total{model="words",result="ok"} 1.0',
    ):
        assert line in lines


def test_an_error_in_henkan_is_logged_and_answered(client, monkeypatch, caplog):
    def fail(*_arguments):
        raise RuntimeError("broken")

    monkeypatch.setattr(client.app.state.service.models.default.converter, "convert", fail)
    with caplog.at_level(logging.ERROR):
        found = error(client.post(CONVERT, json={"texts": ["a"]}), 500)
    assert found == ("the server failed to answer this request; its log has the reason", None)
    monkeypatch.undo()
    assert client.post(CONVERT, json={"texts": ["a"]}).status_code == 200


def test_memory_that_runs_out_is_answered(client, monkeypatch):
    def fail(*_arguments):
        raise MemoryError

    monkeypatch.setattr(client.app.state.service.models.default.converter, "convert", fail)
    answer = client.post(CONVERT, json={"texts": ["a"]})
    assert "there is not enough memory" in error(answer, 503)[0]
    assert answer.headers["retry-after"] == "5"


def test_not_ready_before_the_models_are_loaded(model):
    from fastapi.testclient import TestClient

    client = TestClient(create_app(ServeSettings((model,))))  # not started
    assert "is stopping" in error(client.get("/readyz"), 503)[0]
    assert client.get("/healthz").json() == {"status": "ok"}
