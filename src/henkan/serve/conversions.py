"""Requests for conversions and explanations: checking, queueing and answering them."""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict, replace
from functools import partial
from typing import Any

from fastapi import Request as HttpRequest
from fastapi import Response
from starlette.requests import ClientDisconnect

from henkan.errors import HenkanError, UnanswerableError
from henkan.inference.conversion import Request
from henkan.inference.explanation import explain
from henkan.serve.batching import WORK_OF_A_TEXT, Busy, Job, Queue
from henkan.serve.constraints import Constraints
from henkan.serve.errors import ApiError
from henkan.serve.metrics import Metrics
from henkan.serve.models import Models, ServedModel
from henkan.serve.schemas import ConvertArguments, ExplainArguments, Given, arguments
from henkan.serve.settings import ServeSettings
from henkan.text.escaping import json_line

WATCH_AFTER = 0.05
"""Seconds after which a waiting request looks whether its client has closed the connection."""

LARGE_BODY = 100_000  # bytes; larger ones are parsed on another thread

EXPLAINING_WORK = 20
"""The work of an explanation is that of a conversion times this."""


class Service:
    """Answers requests with the models.

    Args:
        settings: the settings of the server.
        models: the models.
        metrics: the metrics of this process.
    """

    def __init__(self, settings: ServeSettings, models: Models, metrics: Metrics) -> None:
        self.limits, self.models, self.metrics = settings.limits, models, metrics
        self.queue = Queue(settings.limits.queue, metrics.batch)
        self.constraints = Constraints(settings.limits)

    def stop(self) -> None:
        """Finish the queued work and end the threads."""
        self.models.stop()
        self.constraints.stop()
        self.queue.stop()

    async def convert(self, http: HttpRequest) -> Response:
        """Answer `POST /v1/convert`."""
        given = await self._arguments(http, ConvertArguments)
        model = self._model(given.model)
        self._check_texts(given.texts, "texts")
        self._check_beam(given)
        try:
            request = Request(
                given.unknown, given.beam, given.nbest, given.confidence, given.abstain_below, given.abstain_outside,
                given.mass, None, model.lexicon,
            )  # fmt: skip
        except HenkanError as error:
            raise ApiError.of(error) from None
        constraint = await self.constraints.get(model, given)
        if constraint is not None:
            request = replace(request, constraint=constraint)
        key = (model, given.unknown, given.beam, given.nbest, given.confidence, given.abstain_below,
               given.abstain_outside, given.mass, id(constraint))  # fmt: skip
        job = Job(model.converter, request, key, given.texts)
        if given.texts:
            await self._wait(job, http)
        if job.failed is not None and given.unknown == "error":
            index, reason = job.failed
            raise ApiError(422, f"texts[{index}]: {UnanswerableError(given.texts[index], index, reason)}", "texts")
        self.metrics.texts.labels(model.name).inc(len(given.texts))
        body = f'{{"model": {json_line(model.name)}, "results": [{", ".join(job.parts)}]}}'
        return Response(body, media_type="application/json")

    async def explain(self, http: HttpRequest) -> Response:
        """Answer `POST /v1/explain`."""
        given = await self._arguments(http, ExplainArguments)
        model = self._model(given.model)
        for name in ("text", "answer"):
            _check_length(getattr(given, name) or "", self.limits.explained_length, name, name)
        request = Request(beam=1)
        call = partial(explain, model.converter, given.text, answer=given.answer, by=given.by)
        job = Job(model.converter, request, object(), [given.text], call, weight=EXPLAINING_WORK)
        await self._wait(job, http)
        return Response(json.dumps(asdict(job.value)), media_type="application/json")

    async def _arguments(self, http: HttpRequest, kind: type[Given]) -> Given:
        """Read the arguments of a request, unless there is too much queued work anyway."""
        content = http.headers.get("content-type", "").partition(";")[0].strip().lower()
        body = await _read_body(http, self.limits.body)
        if content != "application/json" and not content.endswith("+json"):
            raise ApiError(415, "the body must be JSON; send the header Content-Type: application/json")
        try:
            self.queue.check()
        except Busy as busy:
            raise _too_busy(busy) from None
        if len(body) > LARGE_BODY:
            return await asyncio.to_thread(arguments, kind, body)
        return arguments(kind, body)

    def _model(self, name: str | None) -> ServedModel:
        if name is None:
            return self.models.default
        if name not in self.models.by_name:
            known = ", ".join(self.models.by_name)
            raise ApiError(404, f"there is no model {name[:80]!r}; the models are {known}", "model")
        return self.models.by_name[name]

    def _check_texts(self, texts: list[str], argument: str) -> None:
        limits = self.limits
        if len(texts) > limits.texts:
            problem = f"{argument} has {len(texts):,} texts; at most {limits.texts:,} are allowed"
            raise ApiError(413, f"{problem}, send several requests", argument)
        longest = max(range(len(texts)), key=lambda index: len(texts[index]), default=0)
        if texts:
            _check_length(texts[longest], limits.length, f"{argument}[{longest}]", argument)

    def _check_beam(self, given: ConvertArguments) -> None:
        limits = self.limits
        if given.beam > limits.beam:
            raise ApiError(422, f"beam must be at most {limits.beam}, not {given.beam}; choose a narrower one", "beam")
        work = sum(len(text) + WORK_OF_A_TEXT for text in given.texts) * given.beam
        if work > limits.work:
            raise ApiError(
                413, "this is too much work for one request; send fewer or shorter texts, or choose a narrower beam",
                "texts",
            )  # fmt: skip

    async def _wait(self, job: Job, http: HttpRequest) -> None:
        """Queue a job and wait for it; a job whose client closes the connection is not done.

        Raises:
            ApiError: if there is too much queued work, or the job has failed.
            ClientDisconnect: if the client has closed the connection.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()
        job.done = partial(loop.call_soon_threadsafe, _finish, future)
        try:
            self.queue.put(job)
        except Busy as busy:
            raise _too_busy(busy) from None
        try:
            done, _ = await asyncio.wait([future], timeout=WATCH_AFTER)
            if not done:
                await _watch(future, http)
        finally:
            job.cancelled = not future.done()
        if job.cancelled:
            raise ClientDisconnect
        if isinstance(job.error, HenkanError):
            raise ApiError.of(job.error) from None
        if isinstance(job.error, MemoryError):
            message = "there is not enough memory for this request; send fewer or shorter texts"
            raise ApiError(503, message, headers={"Retry-After": "5"}) from None
        if job.error is not None:
            raise job.error


def _finish(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


async def _watch(future: asyncio.Future[None], http: HttpRequest) -> None:
    """Wait until a future is done or the client has closed the connection."""
    closed = asyncio.ensure_future(http.receive())  # the body has been read, so this is the end of the connection
    try:
        waiting: list[asyncio.Future[Any]] = [future, closed]
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    finally:
        closed.cancel()


async def _read_body(http: HttpRequest, limit: int) -> bytes:
    """Read the body of a request, and keep no more than the limit.

    Raises:
        ApiError: if it is larger. The server discards the rest, so that the client can read the answer.
        ClientDisconnect: if the client closes the connection.
    """
    too_large = ApiError(413, f"the body has more than {limit:,} bytes; send fewer texts, or several requests")
    declared = http.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > limit:
        raise too_large
    parts, size = [], 0
    async for part in http.stream():
        size += len(part)
        if size > limit:
            raise too_large
        parts.append(part)
    return b"".join(parts)


def _check_length(text: str, limit: int, name: str, argument: str) -> None:
    if len(text) > limit:
        raise ApiError(
            413, f"{name} has {len(text):,} characters; at most {limit:,} are allowed, shorten or divide it", argument
        )


def _too_busy(busy: Busy) -> ApiError:
    return ApiError(
        429, f"the queue is full; try again in {busy.seconds} s", headers={"Retry-After": str(busy.seconds)}
    )
