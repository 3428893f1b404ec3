"""Constraints in requests: their limits, and their compilation on a thread of its own."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor

from henkan.errors import SettingsError
from henkan.inference.constraint import Constraint
from henkan.serve.errors import ApiError
from henkan.serve.models import ServedModel
from henkan.serve.schemas import ConvertArguments
from henkan.serve.settings import Limits

MAX_KEPT = 16  # constraints that are kept
MAX_KEPT_CHARACTERS = 20_000_000  # of the allowed predictions of all of them
MAX_CELLS = 10_000_000  # allowed predictions x the longest of them

Key = tuple[ServedModel, tuple[str, ...] | None, str | None, str | None]


class Constraints:
    """Compiles constraints for the models, one at a time, and keeps those that were used last.

    While one is compiled, other requests are answered.

    Args:
        limits: the limits of the server.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._kept: OrderedDict[Key, Constraint] = OrderedDict()
        self._executor = ThreadPoolExecutor(1, "henkan-constraints")
        self._waiting = 0

    async def get(self, model: ServedModel, arguments: ConvertArguments) -> Constraint | None:
        """The constraint of a request, compiled for the model; None if it has none.

        Raises:
            ApiError: if it is too large, cannot be compiled, or too many others are waiting.
        """
        if arguments.allow is None and arguments.pattern is None and arguments.symbols is None:
            return None
        self._check(arguments)
        allow = None if arguments.allow is None else tuple(arguments.allow)
        key = (model, allow, arguments.pattern, arguments.symbols)
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        if self._waiting >= self._limits.waiting_constraints:
            raise ApiError(
                429,
                "too many constraints are waiting to be compiled; try again later",
                headers={"Retry-After": str(self._waiting)},
            )
        self._waiting += 1
        try:
            constraint = Constraint(allow, arguments.pattern, arguments.symbols, self._limits.pattern_states)
            await asyncio.get_running_loop().run_in_executor(self._executor, model.converter.prepare, constraint)
        except SettingsError as error:
            raise ApiError.of(error, "pattern" if arguments.pattern is not None else None) from None
        finally:
            self._waiting -= 1
        self._keep(key, constraint)
        return constraint

    def _check(self, arguments: ConvertArguments) -> None:
        limits, allow = self._limits, arguments.allow or ()
        for name in ("pattern", "symbols"):
            given = getattr(arguments, name)
            limit = limits.pattern_length if name == "pattern" else limits.length
            if given is not None and len(given) > limit:
                raise ApiError(
                    422, f"{name} has {len(given):,} characters; at most {limit:,} are allowed, shorten it", name
                )
        if len(allow) > limits.allowed:
            raise ApiError(
                413,
                f"allow has {len(allow):,} predictions; at most {limits.allowed:,} are allowed, give fewer",
                "allow",
            )
        if len(allow) * (1 + max(map(len, allow), default=0)) > MAX_CELLS:
            raise ApiError(413, "allow has too many predictions of this length; give fewer or shorter ones", "allow")

    def _keep(self, key: Key, constraint: Constraint) -> None:
        model = key[0]
        for other in [each for each in self._kept if each[0].name == model.name and each[0] is not model]:
            del self._kept[other]  # of a model that has been replaced, which would stay in memory
        self._kept[key] = constraint
        while len(self._kept) > 1 and (
            len(self._kept) > MAX_KEPT or sum(map(_characters, self._kept.values())) > MAX_KEPT_CHARACTERS
        ):
            self._kept.popitem(last=False)

    def stop(self) -> None:
        """End the thread."""
        self._executor.shutdown(wait=False)


def _characters(constraint: Constraint) -> int:
    return sum(map(len, constraint.allow or ()))
