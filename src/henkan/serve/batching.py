"""The queue of texts to convert, and the thread that converts them in batches."""

from __future__ import annotations

import time
from bisect import bisect_right
from collections import OrderedDict, deque
from collections.abc import Callable, Hashable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import accumulate
from math import ceil
from threading import Condition, Thread
from typing import Any, Protocol

from henkan.errors import HenkanError
from henkan.inference.conversion import Conversion, Request, json_fields
from henkan.text.escaping import json_line

WORK_OF_A_TEXT = 16
"""The work of a text is its length plus this, times the beam width."""

BATCH_SECONDS = 0.05
"""Time that a batch may take, roughly, so that a small request need not wait for long."""

MIN_BATCH_WORK = 4000
MAX_BATCH_JOBS = 1024
LONGEST_WAIT = 60  # seconds, in Retry-After


class Converts(Protocol):
    """What converts texts, such as `henkan.inference.converter.Converter`."""

    def convert(self, texts: Sequence[str], request: Request) -> list[Conversion]:
        """Convert texts."""


class Busy(Exception):  # noqa: N818  (not an error)
    """There is too much queued work.

    Attributes:
        seconds: after which it will be done, at the present speed.
    """

    def __init__(self, seconds: int) -> None:
        super().__init__(seconds)
        self.seconds = seconds


class Job:
    """Texts of one request, which are converted in one or several batches.

    Args:
        converter: what converts them.
        request: how.
        key: jobs with the same key are converted together: they have the same converter, and equal requests.
        texts: the texts.
        call: instead of converting texts, call this function.
        weight: factor of the work.

    Attributes:
        done: called on the thread of the queue when the job is done or has failed.
        parts: the results so far, as JSON.
        failed: index and reason of the first text that cannot be converted, or None.
        value: what `call` has returned.
        error: why the job has failed, or None; its other texts are not converted.
        cancelled: whether nobody waits for it any more.
    """

    def __init__(
        self,
        converter: Converts,
        request: Request,
        key: Hashable,
        texts: Sequence[str],
        call: Callable[[], Any] | None = None,
        weight: int = 1,
    ) -> None:
        self.converter, self.request, self.key, self.texts, self.call = converter, request, key, texts, call
        self._work = [0, *accumulate((len(text) + WORK_OF_A_TEXT) * request.beam * weight for text in texts)]
        self.done: Callable[[], object] = bool
        self._begun = 0
        self.parts: list[str] = []
        self.failed: tuple[int, str] | None = None
        self.value: Any = None
        self.error: Exception | None = None
        self.cancelled = False

    @property
    def work(self) -> int:
        """The work that is left."""
        return self._work[-1] - self._work[self._begun]

    def take(self, room: int) -> Slice:
        """Take the next texts whose work is at most `room`, and at least one."""
        begin = self._begun
        end = bisect_right(self._work, self._work[begin] + room) - 1
        self._begun = min(max(end, begin + 1), len(self.texts))
        return Slice(self, begin, self._begun, self._work[self._begun] - self._work[begin])

    def add(self, begin: int, conversions: Sequence[Conversion]) -> None:
        """Add results."""
        if self.failed is None:
            failed = ((begin + k, each.reason or "") for k, each in enumerate(conversions) if each.failed)
            self.failed = next(failed, None)
        self.parts.append(", ".join(json_line(json_fields(each)) for each in conversions))

    @property
    def complete(self) -> bool:
        """Whether all its texts have been taken."""
        return self._begun == len(self.texts)


@dataclass(frozen=True)
class Slice:
    """Some texts of a job, from `begin` to `end`, and their work."""

    job: Job
    begin: int
    end: int
    work: int

    @property
    def texts(self) -> Sequence[str]:
        """The texts."""
        return self.job.texts[self.begin : self.end]


class Queue:
    """Jobs, and the thread that does them.

    Jobs with the same key are done together, and keys take turns. A batch has some texts of each of its jobs, so a
    small job need not wait until a large one is done.

    Args:
        limit: queued work from which on jobs are refused.
        report: called with the number of texts and the seconds of each batch.
    """

    def __init__(self, limit: int, report: Callable[[int, float], object]) -> None:
        self._limit, self._report = limit, report
        self._jobs: OrderedDict[Hashable, deque[Job]] = OrderedDict()
        self._ready = Condition()
        self._stopped = False
        self.work = 0
        self.speed = 0.0  # work per second
        self._thread = Thread(target=self._run, name="henkan-queue", daemon=True)
        self._thread.start()

    def check(self) -> None:
        """Check that there is room for another job.

        Raises:
            Busy: if not.
        """
        if self.work >= self._limit:
            raise Busy(min(LONGEST_WAIT, max(1, ceil(self.work / self.speed))) if self.speed else 1)

    def put(self, job: Job) -> None:
        """Queue a job.

        Raises:
            Busy: if there is too much queued work.
        """
        with self._ready:
            self.check()
            self.work += job.work
            self._jobs.setdefault(job.key, deque()).append(job)
            self._ready.notify()

    def stop(self) -> None:
        """Do what is queued, and end the thread."""
        with self._ready:
            self._stopped = True
            self._ready.notify()
        self._thread.join()

    def _run(self) -> None:
        while True:
            with self._ready:
                while not self._jobs and not self._stopped:
                    self._ready.wait()
                if not self._jobs:
                    return
                slices = self._take()
            if not slices:  # all jobs were cancelled or have failed
                continue
            start = time.perf_counter()
            self._do(slices)
            seconds = time.perf_counter() - start
            work, texts = sum(each.work for each in slices), sum(each.end - each.begin for each in slices)
            if slices[0].job.call is None:
                self._learn_speed(work, seconds)
                self._report(texts, seconds)
            for each in slices:
                if each.job.complete or each.job.error is not None:
                    with suppress(RuntimeError):  # the event loop has been closed
                        each.job.done()

    def _learn_speed(self, work: int, seconds: float) -> None:
        """Update the mean speed. Small batches, which are slow for their work, count less."""
        share = work / (work + MIN_BATCH_WORK)
        now = work / max(seconds, 1e-6)
        self.speed = now if not self.speed else (1 - share) * self.speed + share * now

    def _take(self) -> list[Slice]:
        """Take the next batch, some texts of each of the jobs with the next key."""
        key, jobs = next(iter(self._jobs.items()))
        waiting: list[Job] = []
        while jobs and len(waiting) < MAX_BATCH_JOBS:
            job = jobs.popleft()
            if job.cancelled or job.error is not None:
                self.work -= job.work
            else:
                waiting.append(job)
        room = max(MIN_BATCH_WORK, int(self.speed * BATCH_SECONDS))
        slices: list[Slice] = []
        for place, job in enumerate([*waiting[:1], *sorted(waiting[1:], key=lambda job: job.work)]):
            if room <= 0:
                break
            slices.append(job.take(max(1, room // (len(waiting) - place))))
            room -= slices[-1].work
        self.work -= sum(each.work for each in slices)
        jobs.extendleft(job for job in reversed(waiting) if not job.complete)
        del self._jobs[key]
        if jobs:
            self._jobs[key] = jobs  # behind the other keys
        return slices

    def _do(self, slices: Sequence[Slice]) -> None:
        """Do a batch. An error that is not expected ends only the jobs that cause it."""
        first = slices[0].job
        try:
            if first.call is not None:
                first.value = first.call()
                return
            texts = [text for each in slices for text in each.texts]
            conversions = first.converter.convert(texts, first.request)
        except Exception as error:
            if len(slices) > 1 and not isinstance(error, HenkanError):
                for each in slices:
                    self._do([each])
                return
            for each in slices:
                each.job.error = error
            return
        start = 0
        for each in slices:
            end = start + each.end - each.begin
            try:
                each.job.add(each.begin, conversions[start:end])
            except Exception as error:  # such as MemoryError: the thread must go on, or no request is answered again
                each.job.error = error
            start = end
