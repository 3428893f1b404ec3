"""Models in other processes and threads: copies, forked children, and threads that outlive the main thread."""

import copy
import os
import pickle
import subprocess
import sys
from itertools import product

import pytest

import henkan
from henkan import Seq2Seq, Step

SMALL = {"epochs": 1, "hidden_size": 8, "embedding_size": 8}
WORDS = ["".join(letters) for letters in product("abc", repeat=3)]

POOLS = """
import multiprocessing, sys
import henkan
if __name__ == "__main__":
    model = henkan.Seq2Seq(epochs=1).fit(["ab", "ba"], ["AB", "BA"])
    expected = model.predict(["ab", "ba"])
    with multiprocessing.get_context(sys.argv[1]).Pool(2) as pool:
        assert pool.map(model.predict, [["ab", "ba"]] * 4) == [expected] * 4
"""
FORK_IN_CALLBACK = """
import os, sys, warnings
import henkan
warnings.simplefilter("ignore")  # Python warns of forks in a process with threads
words, statuses = ["abc", "b", "ca"] * 500, []

def fork(event):
    if isinstance(event, henkan.Step) and event.step <= 3:
        child = os.fork()
        if child == 0:
            model = henkan.Seq2Seq(epochs=1).fit(words[:9], words[:9])
            os._exit(0 if len(model.predict(words)) == len(words) else 2)
        statuses.append(os.waitpid(child, 0)[1])

henkan.Seq2Seq(epochs=1).fit(words[:300], words[:300], callback=fork)
assert statuses == [0] * 3
"""
FORK_DURING_PREDICTION = """
import os, sys, threading, warnings
import henkan
warnings.simplefilter("ignore")
model, words = henkan.load(sys.argv[1]), ["abc", "b", "ca"] * 400
expected = model.predict(words)
for _ in range(5):
    thread = threading.Thread(target=model.predict, args=[words * 8])
    thread.start()
    child = os.fork()
    if child == 0:
        os._exit(0 if model.predict(words) == expected else 1)
    assert os.waitpid(child, 0)[1] == 0
    thread.join()
"""
FORK_DURING_TRAINING = """
import os, threading, warnings
import henkan
warnings.simplefilter("ignore")
words = ["abc", "b", "ca"] * 20

def train():
    for seed in range(2):
        henkan.Seq2Seq(epochs=1, hidden_size=256, seed=seed).fit(words, words)

thread = threading.Thread(target=train)
thread.start()
while thread.is_alive():
    child = os.fork()
    if child == 0:
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    thread.join(0.01)
"""
AFTER_THE_MAIN_THREAD = """
import sys, threading, time
import henkan
model, words = henkan.load(sys.argv[1]), ["abc", "b", "ca"] * 400

def work():
    threading.main_thread().join()
    time.sleep(0.2)
    henkan.Seq2Seq(epochs=1).fit(words[:50], words[:50])
    print(len(model.predict(words)))

threading.Thread(target=work).start()
"""


def run(code, *arguments):
    return subprocess.check_output([sys.executable, "-c", code, *map(str, arguments)], text=True, timeout=300)


@pytest.mark.parametrize("kind", ["fitted", "ensemble", "with checkpoint", "loaded"])
def test_models_can_be_copied(kind, tmp_path, folder):
    model = henkan.load(folder) if kind == "loaded" else Seq2Seq(ensemble=1 + (kind == "ensemble"), **SMALL)
    if kind != "loaded":
        checkpoint = tmp_path / "run" if kind == "with checkpoint" else None
        model.fit(WORDS, WORDS, dev=(WORDS, WORDS), checkpoint=checkpoint)
    expected = model.convert(WORDS, confidence=True, beam=2)
    assert pickle.loads(pickle.dumps(expected)) == expected
    for copied in (copy.copy(model), copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert copied.convert(WORDS, confidence=True, beam=2) == expected


def test_copies_of_an_untrained_model_train_the_same():
    model = Seq2Seq(**SMALL)
    copied = pickle.loads(pickle.dumps(model)).fit(WORDS, WORDS)
    assert copied.convert(WORDS) == model.fit(WORDS, WORDS).convert(WORDS)


def test_a_copied_model_can_be_trained_and_does_not_change_the_original(words):
    model = Seq2Seq(epochs=2).fit(*words)
    expected = model.convert(words[0])
    copied = copy.deepcopy(model)
    copied.fit(words[0], words[0])
    assert model.convert(words[0]) == expected != copied.convert(words[0])


def test_events_can_be_pickled(words):
    events = []
    Seq2Seq(epochs=1).fit(*words, callback=events.append)
    copied = pickle.loads(pickle.dumps(events))
    steps = [event for event in events if isinstance(event, Step)]
    assert [event for event in copied if isinstance(event, Step)] == steps


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_a_pool_of_processes_predicts(method, tmp_path):
    script = tmp_path / "script.py"
    script.write_text(POOLS)
    subprocess.run([sys.executable, script, method], check=True, timeout=300)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the operating system has no fork")
def test_forked_children_do_not_hang(folder):
    run(FORK_IN_CALLBACK)
    run(FORK_DURING_PREDICTION, folder)
    run(FORK_DURING_TRAINING)


def test_a_thread_finishes_after_the_main_thread(folder):
    assert run(AFTER_THE_MAIN_THREAD, folder) == "1200\n"


def test_a_thread_that_computes_may_fork_itself():
    """For example, in a signal handler. The fork waits for all other threads only."""
    run(
        "import os\n"
        "from henkan.engine.workers import WORKERS\n"
        "with WORKERS.computing():\n"
        "    child = os.fork()\n"
        "    if child == 0:\n"
        "        os._exit(0)\n"
        "    assert os.waitpid(child, 0)[1] == 0\n"
    )
