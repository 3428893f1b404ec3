"""Worker processes that run trials, report their progress, and can be told to stop one early."""

from __future__ import annotations

import multiprocessing
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait

from henkan.errors import HenkanError
from henkan.selection.processes import LOST, prepare_worker
from henkan.selection.tuning.splits import Examples
from henkan.selection.tuning.trial import Expected, Progress, Trial, TrialResult, run_trial

SECONDS_BETWEEN = 0.5
"""How long to wait for messages before the display is updated."""


@dataclass(frozen=True)
class Stopped:
    """A trial has ended because it was told to."""


@dataclass(frozen=True)
class Failed:
    """A trial has ended without a result.

    Attributes:
        reason: why.
        error: the error, if the settings or the pairs caused it.
    """

    reason: str
    error: HenkanError | None = None


Message = Expected | Progress | TrialResult | Stopped | Failed


class TrialWorkers:
    """Processes of one thread each, which run one trial at a time. Use as a context manager.

    If this process dies, they end at the next update.

    Args:
        jobs: number of processes.
        examples: the pairs of all trials.
    """

    def __init__(self, jobs: int, examples: Examples) -> None:
        self.examples = examples
        self.workers = [_Worker(examples) for _ in range(jobs)]

    def __enter__(self) -> TrialWorkers:
        return self

    def __exit__(self, *_: object) -> None:
        for each in self.workers:
            each.end()

    @property
    def idle(self) -> bool:
        """Whether a process has nothing to do."""
        return any(each.key is None for each in self.workers)

    @property
    def running(self) -> Sequence[int]:
        """Keys of the trials that are running."""
        return [each.key for each in self.workers if each.key is not None]

    def start(self, key: int, trial: Trial) -> None:
        """Start a trial in an idle process.

        Args:
            key: identifies the trial in messages.
            trial: the trial.
        """
        worker = next(each for each in self.workers if each.key is None)
        worker.key = key
        worker.connection.send(trial)

    def stop(self, key: int) -> None:
        """Tell a trial to stop after its current update. Its last message is then `Stopped`, or what came before."""
        for each in self.workers:
            if each.key == key and each.process.is_alive():
                each.connection.send(None)

    def messages(self, seconds: float = SECONDS_BETWEEN) -> list[tuple[int, Message]]:
        """Wait for messages of running trials, and return them with the keys of their trials.

        All but `Expected` and `Progress` are the last message of a trial, and its process is then idle.

        Args:
            seconds: how long to wait at most.
        """
        busy = {each.connection: each for each in self.workers if each.key is not None}
        found = []
        for ready in wait(list(busy), seconds):
            worker = busy[ready]  # type: ignore[index]
            assert worker.key is not None
            key, message = worker.key, worker.receive()
            found.append((key, message))
            if isinstance(message, Expected | Progress):
                continue
            worker.key = None
            if message == Failed(LOST):
                self.workers[self.workers.index(worker)] = _Worker(self.examples)
        return found


class _Worker:
    """One process, and the connection to it."""

    def __init__(self, examples: Examples) -> None:
        self.key: int | None = None
        context = multiprocessing.get_context("spawn")  # see `henkan.selection.processes`
        self.connection, theirs = context.Pipe()
        self.process = context.Process(target=_serve, args=(theirs, examples), daemon=True)
        self.process.start()
        theirs.close()

    def receive(self) -> Message:
        try:
            message: Message = self.connection.recv()
        except (EOFError, OSError):
            self.end()
            return Failed(LOST)
        return message

    def end(self) -> None:
        self.connection.close()
        self.process.kill()
        self.process.join()


class _Told(Exception):  # noqa: N818
    """The trial was told to stop."""


def _serve(connection: Connection, examples: Examples) -> None:
    """Run the trials that are sent, until the connection is closed."""
    prepare_worker()
    try:
        while True:
            trial = connection.recv()
            if trial is None:  # the trial to stop had already ended
                continue
            connection.send(_answer(connection, examples, trial))
    except (EOFError, OSError):  # the process that needs the results has ended
        return


def _answer(connection: Connection, examples: Examples, trial: Trial) -> Message:
    def report(news: Expected | Progress) -> None:
        connection.send(news)

    def pause() -> None:
        if connection.poll():
            connection.recv()
            raise _Told

    try:
        return run_trial(examples, trial, report, pause)
    except _Told:
        return Stopped()
    except HenkanError as error:
        return Failed(str(error), error)
    except MemoryError:
        return Failed("not enough memory")
    except (EOFError, OSError):
        raise
    except Exception as error:  # a trial must not end the search
        return Failed(f"{type(error).__name__}: {error}")
