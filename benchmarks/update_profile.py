"""Where the time of an update goes, by thread: compiled calls, the rest of a shard, and what one thread does.

    python benchmarks/update_profile.py
    python benchmarks/update_profile.py --attention       # sizes of the recipe `words`

One process with henkan's fused kernels; medians over all updates.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from threading import get_ident
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np

from measuring import environment, machine, table
from training_speed import BATCHES, WARM, chosen, make_batches

COMPILED = ("layer_forward", "layer_backward", "lstm_forward", "lstm_backward", "output_loss", "adam_update")


class Span(NamedTuple):
    """A call: its name, its thread, and when it began and ended, in seconds."""

    name: str
    thread: int
    begin: float
    end: float

    def contains(self, other: Span) -> bool:
        """Whether the other call was part of this one."""
        return self.thread == other.thread and self.begin <= other.begin and other.end <= self.end


def recorded(name: str, function: Callable[..., Any], spans: list[Span]) -> Callable[..., Any]:
    """A function that also records its calls."""

    def call(*arguments: Any, **more: Any) -> Any:
        begin = time.perf_counter()
        try:
            return function(*arguments, **more)
        finally:
            spans.append(Span(name, get_ident(), begin, time.perf_counter()))

    return call


def record(sizes: dict[str, int]) -> list[list[Span]]:
    """The calls of each update."""
    import contestants
    from henkan.engine import numpy as engine
    from henkan.nn.kernels import fused

    spans: list[Span] = []
    kernels = {name: recorded(name, getattr(fused, name), spans) for name in COMPILED}
    engine.choose_kernels = lambda: SimpleNamespace(**(vars(fused) | kernels))
    run_all = engine.WORKERS.map
    engine.WORKERS.map = lambda function, items: run_all(recorded("shard", function, spans), items)
    update = contestants.henkan(sizes, make_batches(sizes), "fused")
    update, updates = recorded("update", update, spans), []
    for k in range(WARM + 3 * BATCHES):
        spans.clear()
        update(k % BATCHES)
        updates.append(list(spans))
    return updates[WARM:]


def main() -> None:
    """Record updates and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--long", action="store_true", help="20 + 20 steps, embedding 128, hidden 256, batch 64")
    parser.add_argument("--attention", action="store_true", help="sizes of the recipe `words`")
    arguments = parser.parse_args()
    os.environ.update(environment(arguments.threads))
    os.environ.pop("OPENBLAS_CORETYPE", None)
    rows: dict[str, list[float]] = {}
    for spans in record(chosen(arguments)):
        whole = spans[-1]
        shards = sorted((span for span in spans if span.name == "shard"), key=lambda span: span.begin)
        compiled = [span for span in spans if span.name in COMPILED]
        for number, shard in enumerate(shards, start=1):
            inside = sum(span.end - span.begin for span in compiled if shard.contains(span))
            rows.setdefault(f"shard {number} begins after", []).append(shard.begin - whole.begin)
            rows.setdefault(f"shard {number}", []).append(shard.end - shard.begin)
            rows.setdefault(f"shard {number}: compiled calls", []).append(inside)
        rows.setdefault("after the last shard: sum of gradients, Adam", []).append(
            whole.end - max(shard.end for shard in shards)
        )
        rows.setdefault("update", []).append(whole.end - whole.begin)
    print(f"{machine()}; {arguments.threads} threads")
    table(["part", "ms"], [[name, f"{np.median(values) * 1e3:.2f}"] for name, values in rows.items()])


if __name__ == "__main__":
    main()
