"""Profile of an update, and how its time grows with the sizes.

    python benchmarks/cost.py --picture docs/pictures/cost.png

The profile uses one thread and the article's sizes. Each kernel is timed, and the time that its matrix products would
take at the peak of the core (`product.py`) is computed. The growth is measured with random strings
and all threads: starting from embedding size 32, hidden size 128, batch size 128, 10 + 10 steps and 32 symbols, one
size varies at a time. Seconds per epoch, including batching, are measured for several numbers of pairs.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from measuring import machine, table, write
from product import peak
from training_speed import ARTICLE, BATCHES, WARM, flops, make_batches

BASE = {"T": 10, "N": 128, "H": 128, "V": 32}
SIZES = {
    "T": (5, 10, 20, 40, 80),
    "N": (16, 32, 64, 128, 256, 512),
    "H": (32, 64, 128, 256, 512),
    "V": (8, 32, 128, 512, 2048),
}
NAMES = {"T": "T, source and target steps each", "N": "N, pairs in a batch", "H": "H, hidden size", "V": "V, symbols"}
PAIRS = (1_000, 3_000, 10_000, 30_000, 100_000)


def profile() -> tuple[float, list[tuple[str, float, float]]]:
    """Milliseconds per update, and its parts: (name, milliseconds, estimated milliseconds of matrix products)."""
    import contestants
    import henkan.engine.numpy as engine
    from henkan.nn.kernels import fused

    spent: dict[str, float] = {}

    def timed(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            clock = time.perf_counter()
            result = function(*arguments, **named)
            spent[name] = spent.get(name, 0.0) + time.perf_counter() - clock
            return result

        return call

    kernels = SimpleNamespace(
        **{name: timed(name, function) for name, function in vars(fused).items() if callable(function)}
    )
    kernels.FUSED, kernels.VECTORS = True, fused.VECTORS
    engine.choose_kernels = lambda: kernels
    os.environ["HENKAN_THREADS"] = "1"
    batches = make_batches(ARTICLE)
    update = contestants.henkan(ARTICLE, batches, "fused")
    for k in range(WARM):
        update(k)
    spent.clear()
    rate = peak()
    clock = time.perf_counter()
    for k in range(BATCHES):
        update(k)
    total = (time.perf_counter() - clock) / BATCHES * 1e3
    N, H, V = (ARTICLE[letter] for letter in "NHV")
    steps = flops(batches, ARTICLE) / 6 - N * H * (4 * H + V) - 2 * V * ARTICLE["D"] * 4 * H  # recurrent products only
    steps -= statistics.fmean(batch[4].sum() for batch in batches) * H * V
    recurrent, valid = 2 * steps / rate / 1e6, statistics.fmean(batch[4].sum() for batch in batches)
    products = {
        "lstm_forward": recurrent,
        "lstm_backward": 2 * recurrent,
        "output_loss": 6 * valid * H * V / rate / 1e6,
        "adam_update": 0.0,
    }
    parts = [(name, spent[name] / BATCHES * 1e3, product) for name, product in products.items()]
    rest = total - sum(part for _, part, _ in parts)
    peeking = 6 * N * H * (4 * H + V) / rate / 1e6
    return total, [*parts, ("everything else: Peeky inputs, embeddings, reductions, Python", rest, peeking)]


def update_time(T: int, N: int, H: int, V: int) -> float:
    """Milliseconds per update with random strings."""
    from henkan.batching.batch import Batch, Sources, Targets
    from henkan.config import ModelConfig
    from henkan.engine.base import Execution
    from henkan.engine.numpy import NumpyEngine
    from henkan.model import Sizes, draw_weights

    ids, full, valid = np.random.default_rng(0).integers(1, V, size=(3, T, N)), np.full(T, N), np.ones((T, N), bool)
    batch = Batch(Sources(ids[0], full), Targets(ids[1], ids[2], valid, full))
    config = ModelConfig(embedding_size=32, hidden_size=H)
    engine = NumpyEngine(config, Sizes(V, V))
    engine.set_weights(draw_weights(engine.architecture.specs, "orthogonal", 0))
    engine.prepare(batch)
    times, end = [], time.perf_counter() + 2
    with engine.session(Execution(threads=True)):
        while time.perf_counter() < end or len(times) < 10:
            clock = time.perf_counter()
            engine.train_step([batch], 1e-4)
            times.append(time.perf_counter() - clock)
    return statistics.median(times[2:]) * 1e3


def epoch_time(count: int) -> float:
    """Seconds per epoch for a number of pairs of random strings of 5 to 10 symbols."""
    from henkan import Epoch, Seq2Seq

    generator = np.random.default_rng(0)
    letters = np.array(list("abcdefghijklmnopqrstuvwxyz"))
    texts = ["".join(letters[generator.integers(26, size=length)]) for length in generator.integers(5, 11, size=count)]
    seconds: list[float] = []
    model = Seq2Seq(recipe="modern", epochs=2, hidden_size=128)
    model.fit(texts, texts, callback=lambda event: seconds.append(event.seconds) if isinstance(event, Epoch) else None)
    return seconds[-1]


def draw(path: Path, growth: dict[str, dict[int, float]], epochs: dict[int, float]) -> None:
    """Draw a log-log panel for each size, with a line of proportional (or quadratic) growth."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt
    from matplotlib import ticker

    figure, axes = plt.subplots(2, 3, figsize=(11, 6.4), layout="constrained")
    panels = [(NAMES[letter], points, "ms per update", 2 if letter == "H" else 1) for letter, points in growth.items()]
    panels.append(("pairs", epochs, "s per epoch", 1))
    for axis, (name, points, unit, power) in zip(axes.flat, panels, strict=False):
        x, y = np.array(list(points)), np.array(list(points.values()))
        axis.loglog(x, y, "o-", color="#2a6f97")
        line = y[-1] * (x / x[-1]) ** power
        axis.loglog(x, line, "--", color="#999999", label="quadratic" if power == 2 else "proportional")
        axis.set(xlabel=name, ylabel=unit, ylim=(y.min() / 1.5, y.max() * 1.5))
        axis.set_xticks(x, [f"{size:,}" for size in x])
        axis.xaxis.set_minor_locator(ticker.NullLocator())
        axis.yaxis.set_major_locator(ticker.LogLocator(subs=(1, 2, 5)))
        axis.yaxis.set_major_formatter(ticker.FormatStrFormatter("%g"))
        axis.yaxis.set_minor_locator(ticker.NullLocator())
        axis.grid(alpha=0.3)
        axis.legend(frameon=False)
    axes[1, 2].axis("off")
    figure.savefig(path, dpi=110)


def main() -> None:
    """Measure and print tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--picture", type=Path, help="draw the growth into this file")
    parser.add_argument("--out", type=Path, help="write the results to this JSON file")
    arguments = parser.parse_args()
    os.environ.pop("OPENBLAS_CORETYPE", None)
    growth: dict[str, dict[int, float]] = {
        letter: {size: update_time(**(BASE | {letter: size})) for size in sizes} for letter, sizes in SIZES.items()
    }
    epochs = {count: epoch_time(count) for count in PAIRS}
    total, parts = profile()
    print(machine())
    rows = [[name, f"{ms:.2f}", f"{ms / total:.0%}", f"{product:.2f}"] for name, ms, product in parts]
    rows.append(["whole update", f"{total:.2f}", "100%", f"{sum(product for _, _, product in parts):.2f}"])
    table(["part (one thread)", "ms", "share", "ms of matrix products at the peak"], rows)
    for letter, points in growth.items():
        table([NAMES[letter], *map(str, points)], [["ms per update", *(f"{ms:.2f}" for ms in points.values())]])
    table(["pairs", *(f"{count:,}" for count in epochs)], [["s per epoch", *(f"{s:.2f}" for s in epochs.values())]])
    if arguments.picture:
        draw(arguments.picture, growth, epochs)
    write(arguments.out, profile=parts, base=BASE, growth=growth, epochs=epochs)


if __name__ == "__main__":
    main()
