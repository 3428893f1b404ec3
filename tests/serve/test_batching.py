"""Jobs are converted together, in turns, and an error ends only the jobs that cause it."""

import threading
import time
from dataclasses import dataclass, field, replace

import pytest

from henkan.errors import SettingsError
from henkan.inference.conversion import Conversion, Request
from henkan.serve.batching import MIN_BATCH_WORK, WORK_OF_A_TEXT, Busy, Job, Queue

REQUEST = Request()
WAIT = 60


@dataclass
class Capitals:
    """A converter that keeps its calls, and waits until it is allowed to go on."""

    calls: list = field(default_factory=list)
    allowed: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(1000))

    def convert(self, texts, request):  # noqa: ARG002
        self.allowed.acquire(timeout=WAIT)
        self.calls.append(list(texts))
        if "bad" in texts:
            raise ValueError("bad")
        if "impossible" in texts:
            raise SettingsError("not possible")
        return [Conversion(text, text.upper(), 0.0, reason="unknown" if text == "?" else None) for text in texts]


@pytest.fixture
def queue():
    created = Queue(10**9, lambda *_: None)
    yield created
    created.stop()


def put(queue, converter, texts, key="key"):
    """Queue a job; return it and an event that is set when it is done."""
    job, event = Job(converter, REQUEST, key, texts), threading.Event()
    job.done = event.set
    queue.put(job)
    return job, event


def blocked(queue):
    """A converter that is converting a first text until it is allowed to go on."""
    converter = Capitals()
    converter.allowed = threading.Semaphore(0)
    _, first = put(queue, converter, ["first"])
    end = time.monotonic() + WAIT
    while queue.work and time.monotonic() < end:
        time.sleep(0.001)
    return converter, first


def release(converter):
    converter.allowed.release(1000)


def test_waiting_jobs_are_converted_together(queue):
    converter, first = blocked(queue)
    jobs = [put(queue, converter, texts) for texts in (["a", "b"], ["c"], ["d"])]
    other, other_done = put(queue, converter, ["e"], key="other")
    release(converter)
    assert first.wait(WAIT)
    assert all(event.wait(WAIT) for _, event in jobs)
    assert other_done.wait(WAIT)
    assert [sorted(call) for call in converter.calls] == [["first"], ["a", "b", "c", "d"], ["e"]]
    assert ['"prediction": "A"' in job.parts[0] for job, _ in jobs] == [True, False, False]
    assert '"prediction": "E"' in other.parts[0]
    assert queue.work == 0


def test_a_small_job_does_not_wait_until_a_large_one_is_done(queue):
    converter, _ = blocked(queue)
    large, large_done = put(queue, converter, ["x" * 100] * 1000)
    _, small_done = put(queue, converter, ["a"])
    converter.allowed.release(2)  # the first text, and one batch
    assert small_done.wait(WAIT)
    assert not large_done.is_set()
    assert 0 < len(converter.calls[1]) < 2 + MIN_BATCH_WORK / (100 + WORK_OF_A_TEXT) * 10
    release(converter)
    assert large_done.wait(WAIT)
    assert "".join(large.parts).count('"prediction"') == 1000


def test_keys_take_turns(queue):
    converter, _ = blocked(queue)
    queue.speed = 1.0  # so that batches are small
    _, one_done = put(queue, converter, ["x" * 1000] * 100, key="one")
    _, two_done = put(queue, converter, ["y"], key="two")
    converter.allowed.release(3)
    assert two_done.wait(WAIT)
    assert not one_done.is_set()
    release(converter)
    assert one_done.wait(WAIT)


def test_an_unexpected_error_ends_only_its_job(queue):
    converter, _ = blocked(queue)
    good, good_done = put(queue, converter, ["a"])
    bad, bad_done = put(queue, converter, ["bad"])
    release(converter)
    assert good_done.wait(WAIT)
    assert bad_done.wait(WAIT)
    assert good.error is None
    assert isinstance(bad.error, ValueError)
    assert '"prediction": "A"' in good.parts[0]


def test_an_error_of_the_request_ends_all_that_share_it(queue):
    converter, _ = blocked(queue)
    jobs = [put(queue, converter, [text]) for text in ("a", "impossible")]
    release(converter)
    for job, event in jobs:
        assert event.wait(WAIT)
        assert isinstance(job.error, SettingsError)


def test_a_failing_job_is_not_continued(queue):
    converter = Capitals()
    job, done = put(queue, converter, ["bad", *["x" * 1000] * 100])
    assert done.wait(WAIT)
    _, other_done = put(queue, converter, ["a"])
    assert other_done.wait(WAIT)
    assert isinstance(job.error, ValueError)
    assert queue.work == 0
    assert sum(map(len, converter.calls)) < 102


def test_a_failed_job_is_not_continued_though_its_request_has_been_answered(queue):
    converter, _ = blocked(queue)
    queue.speed = 1.0  # so that batches are small
    bad, bad_done = put(queue, converter, ["bad", *["x" * 5000] * 3], key="one")
    _, other_done = put(queue, converter, ["a"], key="two")
    converter.allowed.release(2)  # the first text, and the bad one
    assert bad_done.wait(WAIT)
    bad.cancelled = False  # as the request sets it when it is answered, while the other job is converted
    release(converter)
    assert other_done.wait(WAIT)
    queue.stop()
    assert converter.calls == [["first"], ["bad"], ["a"]]
    assert queue.work == 0


def test_results_that_cannot_be_written_end_only_their_job(queue):
    class Odd(Capitals):
        def convert(self, texts, request):
            found = super().convert(texts, request)
            return [replace(each, prediction=object()) if each.source == "odd" else each for each in found]

    converter = Odd()
    odd, odd_done = put(queue, converter, ["odd"])
    assert odd_done.wait(WAIT)
    assert isinstance(odd.error, TypeError)
    good, good_done = put(queue, converter, ["a"])
    assert good_done.wait(WAIT)
    assert good.error is None


def test_a_cancelled_job_is_not_converted(queue):
    converter, _ = blocked(queue)
    cancelled, _ = put(queue, converter, ["a"])
    _, kept_done = put(queue, converter, ["b"])
    cancelled.cancelled = True
    release(converter)
    assert kept_done.wait(WAIT)
    assert converter.calls == [["first"], ["b"]]
    assert queue.work == 0


def test_the_first_text_that_fails_is_known(queue):
    job, done = put(queue, Capitals(), ["a", "?", "?"])
    assert done.wait(WAIT)
    assert job.failed == (1, "unknown")


def test_a_text_that_fails_in_a_later_batch_has_its_place_in_the_request(queue):
    converter = Capitals()
    job, done = put(queue, converter, ["x" * MIN_BATCH_WORK, "a", "?"])
    assert done.wait(WAIT)
    assert len(converter.calls) > 1
    assert job.failed == (2, "unknown")


def test_too_much_queued_work_is_refused():
    queue = Queue(100, lambda *_: None)
    converter, _ = blocked(queue)
    put(queue, converter, ["x" * 200])  # a large job is accepted as long as the limit is not reached
    queue.speed = 10.0
    with pytest.raises(Busy) as busy:
        put(queue, converter, ["a"])
    assert busy.value.seconds == 22  # 216 / 10
    queue.speed = 0.01
    with pytest.raises(Busy) as busy:
        queue.check()
    assert busy.value.seconds == 60
    release(converter)
    queue.stop()
    assert queue.work == 0


def test_stopping_finishes_what_is_queued(queue):
    converter, _ = blocked(queue)
    _, done = put(queue, converter, ["a"] * 500)
    release(converter)
    queue.stop()
    assert done.is_set()


def test_a_call_has_a_value_or_an_error(queue):
    job = Job(Capitals(), REQUEST, object(), ["a"], lambda: 5, weight=3)
    assert job.work == 3 * (1 + WORK_OF_A_TEXT)
    done = threading.Event()
    job.done = done.set
    queue.put(job)
    assert done.wait(WAIT)
    assert job.value == 5
    failing = Job(Capitals(), REQUEST, object(), ["a"], lambda: 1 / 0)
    done = threading.Event()
    failing.done = done.set
    queue.put(failing)
    assert done.wait(WAIT)
    assert isinstance(failing.error, ZeroDivisionError)
