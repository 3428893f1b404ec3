import json
import os
import subprocess
import sys
from contextlib import suppress
from threading import Timer

import pytest

from henkan import Seq2Seq


def test_texts_are_read_from_arguments_and_standard_input(henkan, folder):
    assert henkan("predict", folder, "ab", "c").stdout == "AB\nC\n"
    assert henkan("predict", folder, input="ab\nc\n").stdout == "AB\nC\n"
    assert henkan("predict", folder, input="ab\r\nc").stdout == "AB\nC\n"
    assert henkan("predict", folder, input="").stdout == ""


def test_predictions_are_in_the_order_of_the_lines(henkan, folder, words):
    sources, targets = words
    assert henkan("predict", folder, input="\n".join(sources * 300)).stdout == "\n".join(targets * 300) + "\n"


def test_json_output_has_log_probability_and_confidence(henkan, folder):
    first, second = map(json.loads, henkan("predict", folder, "--json", "ab", "c").stdout.splitlines())
    assert set(first) == {"source", "prediction", "log_probability", "confidence"}
    assert 0.8 < first["confidence"] <= 1
    assert (first["source"], first["prediction"], second["prediction"]) == ("ab", "AB", "C")
    assert -0.2 < first["log_probability"] < 0


def test_unknown_error_stops_after_the_predictions_before_it(henkan, folder):
    done = henkan("predict", folder, "--unknown", "error", input="a\nb\nxyz\nc\n", status=2)
    assert done.stdout == "A\nB\n"
    assert done.stderr == (
        "henkan: line 3: unknown symbol 'x' in 'xyz'; correct it, or skip such texts with --unknown skip\n"
    )
    done = henkan("predict", folder, "--unknown", "error", "a", "語", status=2)
    assert "argument 2: unknown symbol '語'" in done.stderr


def test_unknown_symbols_are_used_and_reported(henkan, folder):
    done = henkan("predict", folder, "a", "xa", "b")
    lines = done.stdout.splitlines()
    assert (len(lines), lines[0], lines[2]) == (3, "A", "B")
    assert done.stderr == "note: texts with symbols that were not in the training data: 1 (see --unknown and --json)\n"
    result = json.loads(henkan("predict", folder, "--json", "xa").stdout)
    assert (result["prediction"], result["unknown"]) == (lines[1], ["symbol 'x'"])


def test_unknown_skip_leaves_the_prediction_empty(henkan, folder):
    assert henkan("predict", folder, "--unknown", "skip", input="a\nxyz\nc\n").stdout == "A\n\nC\n"
    lines = henkan("predict", folder, "--unknown", "skip", "--json", "xyz", "c").stdout.splitlines()
    assert json.loads(lines[0]) == {
        "source": "xyz", "prediction": None, "log_probability": None, "confidence": None,
        "reason": "unknown symbol 'x'", "unknown": ["symbol 'x'", "symbol 'y'", "symbol 'z'"],
    }  # fmt: skip
    assert json.loads(lines[1])["prediction"] == "C"


def test_invalid_utf8_stops_with_the_line_number(henkan, folder):
    done = henkan("predict", folder, input=b"a\n\xff\nb\n", status=2)
    assert done.stdout == b"A\n"
    assert b"line 2: not UTF-8" in done.stderr


def test_interactive_pipe_gets_each_prediction_at_once(folder):
    command = [sys.executable, "-m", "henkan", "predict", str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1) as process:
        for text in ("a", "bc", "cab"):
            process.stdin.write(text + "\n")
            process.stdin.flush()
            assert process.stdout.readline() == text.upper() + "\n"  # would block if the output were buffered
        process.stdin.close()
        assert process.wait() == 0


def test_closed_output_pipe_is_not_an_error(folder):
    command = [sys.executable, "-m", "henkan", "predict", str(folder)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, **pipes) as process:
        process.stdin.write(b"a\n")
        process.stdin.flush()
        assert process.stdout.readline() == b"A\n"
        process.stdout.close()
        for _ in range(2):
            try:
                process.stdin.write(b"abc\n" * 10000)
                process.stdin.flush()
            except BrokenPipeError:
                break
        with suppress(BrokenPipeError):
            process.stdin.close()
        process.wait()
        assert process.stderr.read() == b""


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
@pytest.mark.parametrize("locale", [{}, {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}], ids=str)
def test_terminal_input_is_prompted_for(folder, locale):
    import pty

    leader, follower = pty.openpty()
    command = [sys.executable, "-m", "henkan", "predict", str(folder)]
    with subprocess.Popen(
        command, stdin=follower, stdout=follower, stderr=follower, env=os.environ | locale
    ) as process:
        os.close(follower)
        timeout = Timer(60, process.kill)  # a missing prompt must not block the tests
        timeout.start()
        unread = b""

        def until(text):
            nonlocal unread
            while text not in unread:
                unread += os.read(leader, 1024)  # raises at the end, on Linux
            unread = unread[unread.index(text) + len(text) :]

        for typed, answer in (
            (b"cab\r", b"CAB"),
            ("é\r".encode(), "(unknown: symbol 'é')".encode()),
            (b"\xff\r", b"is not UTF-8"),
            (b"ab\r", b"AB"),
        ):
            until(b"> ")
            os.write(leader, typed)
            until(answer)
        until(b"> ")
        os.write(leader, b"\x04")
        assert process.wait() == 0
        timeout.cancel()
    os.close(leader)


def test_damaged_and_missing_models_are_refused(refused, folder, tmp_path):
    assert "there is no such folder" in refused("predict", tmp_path / "none", "a")
    (folder / "vocabulary.json").unlink()
    assert "vocabulary.json cannot be read" in refused("predict", folder, "a")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_full_disk_is_reported_without_a_traceback(folder):
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "henkan", "predict", folder, "a"], stdout=full, stderr=subprocess.PIPE, timeout=60
        )
    assert done.returncode == 2
    assert done.stderr.startswith(b"henkan: No space left on device")


def test_long_texts_are_shortened_in_error_messages(henkan, folder):
    done = henkan("predict", folder, "--unknown", "error", input="?" * 300_000 + "\n", status=2)
    assert len(done.stderr) < 300


def test_nbest_prints_several_predictions_per_text(henkan, folder):
    lines = henkan("predict", folder, "--beam", "3", "--nbest", "2", "ab", "c").stdout.splitlines()
    rows = [line.split("\t") for line in lines]
    assert [row[0] for row in rows] == ["ab", "ab", "c", "c"]
    assert (rows[0][1], rows[2][1]) == ("AB", "C")
    assert float(rows[0][2]) > float(rows[1][2])
    result = json.loads(henkan("predict", folder, "--beam", "3", "--nbest", "2", "--json", "ab").stdout)
    assert [answer["prediction"] for answer in result["nbest"]] == [rows[0][1], rows[1][1]]


def test_invalid_options_are_refused(refused, folder):
    assert (
        refused("predict", folder, "--nbest", 2, "a")
        == "henkan: --nbest must be a whole number from 1 to the beam width, which is 1, not 2; choose a wider --beam"
    )
    assert "not 0; choose" not in refused("predict", folder, "--nbest", 0, "a")
    assert "--beam must be" in refused("predict", folder, "--beam", 0, "a")
    assert (
        refused("predict", folder, "--abstain-below", 80, "a")
        == "henkan: --abstain-below must be a probability from 0 to 1, not 80.0; divide a percentage by 100"
    )
    assert "only by a model with attention" in refused("predict", folder, "--unknown", "copy", "a")


def test_abstaining_leaves_the_prediction_empty(henkan, folder):
    done = henkan("predict", folder, "--abstain-below", "1", "ab", "c")
    assert done.stdout == "\n\n"
    assert henkan("predict", folder, "--abstain-below", "1", "--beam", 3, "--nbest", 2, "ab").stdout == "\n"
    assert "not calibrated" in done.stderr  # the model was trained without a validation set
    result = json.loads(henkan("predict", folder, "--abstain-below", "1", "--json", "ab").stdout)
    assert (result["prediction"], result["abstained"]) == (None, True)
    assert 0.8 < result["confidence"] < 1


def test_predictions_cut_off_at_the_length_limit_are_reported(henkan, words, tmp_path):
    model = Seq2Seq(recipe="words", epochs=1, hidden_size=8).fit(*words)
    model._fitted.converter.model.parameters["decoder.by"][0] = -1e3  # never predicts the end symbol
    model.save(tmp_path / "endless")
    done = henkan("predict", "endless", "ab")
    assert len(done.stdout.strip()) == 8
    assert "predictions cut off at the length limit: 1" in done.stderr
    assert json.loads(henkan("predict", "endless", "--json", "ab").stdout)["cut_off"] is True


@pytest.mark.parametrize(
    "locale",
    [
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"LC_ALL": "POSIX"},
    ],
    ids=str,
)
def test_arguments_are_utf8_in_every_locale(tmp_path, locale, monkeypatch):
    monkeypatch.setenv("HENKAN_KERNELS", "plain")  # which are loaded in less time
    model = Seq2Seq(recipe="words", epochs=60, hidden_size=16, target_symbols="·")
    model.fit(["é", "日", "e"], ["é·x", "本·語", "e"])
    model.save(tmp_path / "model")

    def run(*arguments, status=0, text=""):
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("LC_", "LANG"))}
        command = [sys.executable, "-m", "henkan", *map(os.fsencode, arguments)]
        done = subprocess.run(
            command, cwd=tmp_path, env=environment | locale, input=text.encode(), capture_output=True, check=False
        )
        assert done.returncode == status, done.stderr
        return (done.stdout if status == 0 else done.stderr).decode()

    assert run("predict", "model", "é", "日") == run("predict", "model", text="é\n日\n") == "é·x\n本·語\n"
    assert json.loads(run("explain", "model", "日", "--answer", "é·x", "--json"))["answer"] == "é·x"
    (tmp_path / "pairs.txt").write_text("é→é\n", encoding="utf-8")
    assert run("score", "model", "pairs.txt", "--delimiter", "→").endswith("\té\té\n")
    run("train", "pairs.txt", "--delimiter", "→", "--dev", "none", "--epochs", "1", "--target-symbols", "·", "--quiet")
    saved = json.loads((tmp_path / "models" / "pairs" / "config.json").read_text(encoding="utf-8"))
    assert "·" in json.dumps(saved, ensure_ascii=False)
    assert "is not UTF-8; convert it to UTF-8" in run("predict", "model", b"\xff", status=2)


def test_standard_input_in_another_encoding(henkan, folder):
    for encoding in ("utf-16", "utf-32-le", "shift_jis", "latin-1", "UTF8"):
        done = henkan("predict", folder, "--encoding", encoding, input="ab\r\nc\n".encode(encoding))
        assert done.stdout == b"AB\nC\n"
    done = henkan(
        "predict", folder, "--encoding", "utf-16", input="c\nab\n".encode("utf-16") + b"\x00\xdca\0", status=2
    )
    assert done.stdout == b"C\nAB\n"
    assert done.stderr == b"henkan: line 3: not utf-16 (character 1 of the line); choose another --encoding\n"
    done = henkan("predict", folder, "--encoding", "shift_jis", input=b"c\nb\xff\nab\n", status=2)
    assert (done.stdout, done.stderr[:25]) == (b"C\n", b"henkan: line 2: not shift")
    done = henkan("predict", folder, "--encoding", "utf-16", input="c\n".encode("utf-16") + b"a", status=2)
    assert (done.stdout, done.stderr[:26]) == (b"C\n", b"henkan: line 2: not utf-16")


def test_unknown_encodings_are_refused(refused, folder):
    for name in ("utf-9", "base64", ""):
        assert "--encoding must be a text encoding" in refused("predict", folder, "a", "--encoding", name)


def test_nbest_stops_at_a_probability_mass(henkan, refused, folder):
    def predictions(mass):
        done = henkan("predict", folder, "--beam", 5, "--nbest", 5, "--mass", mass, "ab")
        assert "confidence is not calibrated" in done.stderr
        return done.stdout.splitlines()

    assert len(predictions(0)) == len(predictions(0.5)) == 1
    assert len(predictions(1)) == 5
    assert refused("predict", folder, "--mass", 0.9, "ab") == (
        "henkan: --mass needs several predictions for each text, but nbest is 1; choose --beam 5 --nbest 5, for example"
    )
    assert "divide a percentage by 100" in refused("predict", folder, "--mass", 95, "ab")
