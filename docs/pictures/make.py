"""Draw the pictures of the chapters from calculations like those in the text.

    python docs/pictures/make.py               all (1 minute: three of them train models)
    python docs/pictures/make.py lstm time     the named ones

writes NAME.en.svg and NAME.ja.svg to the folder of this file. Text is kept as text and rendered in the reader's font.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from henkan.batching.batch import source_batches
from henkan.batching.encoded_pairs import EncodedPairs
from henkan.config import ModelConfig
from henkan.engine.numpy import NumpyEngine
from henkan.inference.explanation import explain
from henkan.model import PlainTargets, Sizes, draw_weights
from henkan.model.edit_actions import COPY, DELETE, END, EditActions
from henkan.nn import (
    Adam,
    LossTargets,
    Parameters,
    affine,
    clip_by_global_norm,
    embedding,
    lstm,
    numerical_gradient,
    one_cycle,
    output_loss,
)
from henkan.text.vocabulary import Vocabulary
from henkan.training.fitted_model import load_model

HERE = Path(__file__).parent
BLUE, RED, GREEN, GREY, LIGHT = "#30609c", "#b8443c", "#3d7d4a", "#777777", "#e8eef5"
Words = Callable[[str, str], str]
"""(English, Japanese) -> the text in the language of the picture."""


def ids(say: Words) -> Figure:
    """Chapter 1: a batch, symbols and ids."""
    sources, targets = ["1+2", "12+34", "5"], ["3", "46", "5"]
    s, t = Vocabulary.of(sources, boundary=False), Vocabulary.of(targets, boundary=True)
    ids, codec = s.encode_all(sources), PlainTargets(t)
    pairs = EncodedPairs(ids, codec.encode(ids, t.encode_all(targets)), start=codec.start, reverse=True)
    batch = pairs.batch(np.arange(3))
    figure = Figure(figsize=(7.2, 3.3), layout="constrained")
    axes = figure.subplots(1, 3)
    tables = (
        (say("sources, reversed", "ソース（反転）"), batch.sources.ids, batch.sources.valid, s, "S"),
        (say("decoder's inputs", "Decoder への入力"), batch.targets.inputs, batch.targets.valid, t, "T"),
        (say("decoder's targets", "Decoder の正解"), batch.targets.ids, batch.targets.valid, t, "T"),
    )
    for axis, (title, numbers, valid, vocabulary, letter) in zip(axes, tables, strict=True):
        axis.set(xlim=(-0.5, 2.5), ylim=(4.5, -0.5), xticks=[0, 1, 2], yticks=range(len(numbers)), aspect="equal")
        axis.set_title(title, fontsize=11)
        axis.set_xlabel("N")
        axis.set_ylabel(letter, rotation=0, labelpad=10)
        axis.spines[:].set_visible(False)
        axis.tick_params(length=0)
        for (step, n), number in np.ndenumerate(numbers):
            inside = valid[step, n]
            axis.add_patch(_square(n, step, LIGHT if inside else "#ffffff"))
            symbol = vocabulary.decode([number]) or say("end", "終") * (numbers is tables[2][1])
            symbol = symbol or say("begin", "始")
            size = 12 if len(symbol) == 1 else 10
            axis.text(n, step - 0.12, symbol if inside else "", ha="center", va="center", fontsize=size)
            axis.text(n, step + 0.3, number, ha="center", va="center", fontsize=8, color=BLUE if inside else "#bbbbbb")
    return figure


def layers(say: Words) -> Figure:
    """Chapter 2: error of central differences against step size."""
    generator = np.random.default_rng(0)
    arrays = generator.normal(size=(3, 2)), generator.normal(size=(2, 4)), np.zeros(4)
    figure = Figure(figsize=(6.4, 3.4), layout="constrained")
    axis = figure.subplots()
    steps = np.logspace(-10, 0, 41)
    for kind, color in (("float32", RED), ("float64", BLUE)):
        x, W, b = (array.astype(kind) for array in arrays)
        y, backward = affine(x, W, b)
        _, true, _ = backward(np.tanh(y))

        def loss(x: Any = x, W: Any = W, b: Any = b) -> float:
            return float(np.log(np.cosh(affine(x, W, b)[0])).sum(dtype=x.dtype))

        errors = [np.abs(numerical_gradient(loss, W, step) - true).max() / np.abs(true).max() for step in steps]
        axis.loglog(steps, errors, color=color, label=kind)
    axis.axvline(1e-5, color=GREY, linestyle=":")
    axis.annotate("gradient_check", (1e-5, 2), fontsize=9, ha="left", xytext=(4, 0), textcoords="offset points")
    axis.set_xlabel("ε")
    axis.set_ylabel(say("largest relative error", "相対誤差の最大値"))
    axis.legend(frameon=False)
    return simplify(figure)


def lstm_step(say: Words) -> Figure:
    """Chapter 3: the values of one LSTM step."""
    generator = np.random.default_rng(3)
    H = 4
    row, Wh = 1.5 * generator.normal(size=(1, 4 * H)), generator.normal(size=(H, 4 * H))
    h, c = generator.uniform(-1, 1, size=(1, H)), generator.normal(size=(1, H))
    hs, cs, _ = lstm((row, np.array([[0]])), (h, c), Wh)
    a = row + h @ Wh
    sigmoid = 1 / (1 + np.exp(-a))
    parts = {
        "$h_{t-1}$": h,
        "$c_{t-1}$": c,
        "$i$": sigmoid[:, :H],
        "$f$": sigmoid[:, H : 2 * H],
        "$g$": np.tanh(a[:, 2 * H : 3 * H]),
        "$o$": sigmoid[:, 3 * H :],
        "$c_t$": cs[1],
        "$h_t$": hs[1],
    }
    figure = Figure(figsize=(6.4, 4), layout="constrained")
    axis = figure.subplots()
    numbers = np.concatenate(list(parts.values()))
    image = axis.imshow(numbers, cmap="RdBu", vmin=-2, vmax=2, aspect="auto")
    for (y, x), number in np.ndenumerate(numbers):
        axis.text(x, y, f"{number:.2f}", ha="center", va="center", color="w" if abs(number) > 1.1 else "k")
    names = ["h(t-1)", "c(t-1)", "i", "f", "g", "o", "c(t)", "h(t)"]
    axis.set_yticks(range(len(parts)), names)
    axis.set_xticks(range(H), [say(f"unit {k}", f"ユニット {k}") for k in range(1, H + 1)])
    axis.tick_params(length=0)
    for line in (1.5, 5.5):
        axis.axhline(line, color="k", linewidth=1.5)
    figure.colorbar(image, shrink=0.8)
    return figure


def through_time(say: Words) -> Figure:
    """Chapter 4: norm of the gradient against the number of steps back in time."""
    T, N, H = 40, 64, 32
    figure = Figure(figsize=(6.4, 3.4), layout="constrained")
    axis = figure.subplots()
    for bias, color in ((0, RED), (1, BLUE), (2, GREEN)):
        generator = np.random.default_rng(0)
        Wh = generator.normal(size=(H, 4 * H)) / H**0.5
        rows = generator.normal(size=(T * N, 4 * H))
        rows[:, H : 2 * H] += bias
        places, zero = np.arange(T * N).reshape(T, N), np.zeros((N, H))
        norms = []
        for back in range(T + 1):  # only the last `back` steps
            _, _, backward = lstm((rows, places[T - back :]), (zero, zero), Wh)
            d = backward(None, generator.normal(size=(N, H)), None)
            norms.append(np.sqrt((d.dh0**2).sum() + (d.dc0**2).sum()))
        axis.semilogy(
            np.array(norms) / norms[0], color=color, label=f"{say('forget bias', '忘却ゲートのバイアス')} {bias}"
        )
    axis.set_xlabel(say("steps back", "さかのぼった時刻の数"))
    axis.set_ylabel(say("norm of the gradient, relative", "勾配のノルム（はじめを 1 とする）"))
    axis.set_ylim(bottom=1e-8)
    axis.legend(frameon=False)
    return simplify(figure)


def learning(say: Words) -> Figure:
    """Chapter 5: sixty updates of the smallest model."""
    figure = Figure(figsize=(7.2, 3.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    for name, color, schedule in (
        ("one-cycle", BLUE, lambda step: one_cycle(step, 60, 0.02, 0.2)),
        (say("constant 0.001", "0.001 で一定"), RED, lambda _: 0.001),
        (say("constant 0.02", "0.02 で一定"), GREEN, lambda _: 0.02),
    ):
        rates = [schedule(step) for step in range(60)]
        left.plot(_successors(rates), color=color, label=name)
        right.plot(rates, color=color)
    left.set(xlabel=say("update", "更新回数"), ylabel=say("loss", "損失"), ylim=(0, 2.5))
    right.set(xlabel=say("update", "更新回数"), ylabel=say("learning rate", "学習率"))
    left.legend(frameon=False)
    return simplify(figure)


def _successors(rates: list[float]) -> list[float]:
    generator, V, D = np.random.default_rng(0), 10, 8
    numbers, valid = np.arange(V)[None], np.ones((1, V), bool)
    weights = Parameters({"E": (V, D), "W": (D, V), "b": (V,)}, np.float64)
    weights["E"][...] = generator.normal(size=(V, D))
    gradients, losses = weights.zeros(), []
    adam = Adam(weights.vector.size, weights.vector.dtype, beta2=0.98)
    for rate in rates:
        x, embedding_backward = embedding(numbers, weights["E"])
        targets = LossTargets((numbers + 1) % V, valid)
        loss, output_backward = output_loss(x, weights["W"], weights["b"], targets)
        dx, gradients["W"][...], gradients["b"][...], _ = output_backward()
        gradients["E"][...] = embedding_backward(dx)
        clip_by_global_norm(gradients.vector, 5.0)
        adam.update(weights.vector, gradients.vector, rate)
        losses.append(loss)
    return losses


class Sums:
    """The sums of chapter 6, and models that learn them."""

    def __init__(self, *, reverse: bool = True, peeky: bool = True) -> None:
        sums = [(a, b) for a in range(20) for b in range(20)]
        order = np.random.default_rng(0).permutation(len(sums))
        sources = [f"{sums[k][0]}+{sums[k][1]}" for k in order]
        targets = [str(sum(sums[k])) for k in order]
        self.s, self.t = Vocabulary.of(sources, boundary=False), Vocabulary.of(targets, boundary=True)
        self.reverse = reverse
        self.train = self._encoded(sources[:360], targets[:360])
        self.test = self._encoded(sources[360:], targets[360:]).batch(np.arange(40))
        config = ModelConfig(reverse=reverse, peeky=peeky, embedding_size=8, hidden_size=32)
        self.engine = NumpyEngine(config, Sizes(len(self.s), len(self.t)))
        self.engine.set_weights(draw_weights(self.engine.architecture.specs, "orthogonal", 0))

    def _encoded(self, sources: list[str], targets: list[str]) -> EncodedPairs:
        ids, codec = self.s.encode_all(sources), PlainTargets(self.t)
        symbols = codec.encode(ids, self.t.encode_all(targets))
        return EncodedPairs(ids, symbols, start=codec.start, reverse=self.reverse)

    def learn(self, steps: int) -> Iterator[int]:
        """Make updates, yielding the number of each."""
        generator, step = np.random.default_rng(1), 0
        while step < steps:
            for batch in self.train.batches(32, generator):
                self.engine.train_step([batch], one_cycle(step, steps, 0.02, 0.2))
                step += 1
                yield step

    def probabilities(self, source: str, target: str | None) -> tuple[Any, list[int]]:
        """Return the probabilities of all symbols at each step and the most probable symbols.

        The decoder's inputs are those of the target, or without one the model's own predictions.
        """
        [(_, batch)] = source_batches([self.s.encode(source)], len(self.s), reverse=self.reverse, size=1)
        encoded = self.engine.encode(batch)
        memory, state = encoded.memory, encoded.state
        given = None if target is None else [*self.t.encode(target), 0]
        symbol, columns, taken = 0, [], []
        for step in range(3):
            output = self.engine.step(memory, state, np.array([symbol]))
            state = output.state
            columns.append(np.exp(output.log_probabilities[0]))
            taken.append(int(columns[-1].argmax()))
            symbol = taken[-1] if given is None else given[step]
            if symbol == 0:
                break
        return np.array(columns).T, taken


def seq2seq(say: Words) -> Figure:
    """Chapter 6: probabilities of all symbols with teacher forcing and with greedy search."""
    figure = Figure(figsize=(7.2, 5.6), layout="constrained")
    axes = figure.subplots(2, 2, sharey=True)
    for row, steps in zip(axes, (60, 960), strict=True):
        sums = Sums()
        for _ in sums.learn(steps):
            pass
        names = [say("end", "終"), *sums.t.symbols]
        for axis, target in zip(row, ("22", None), strict=True):
            columns, taken = sums.probabilities("17+5", target)
            axis.imshow(columns, cmap="Blues", vmin=0, vmax=1, aspect="auto")
            for step, symbol in enumerate(taken):
                number = columns[symbol, step]
                axis.text(step, symbol, f"{number:.2f}", ha="center", va="center", color="w" if number > 0.5 else "k")
            given = ["22"[k - 1] if target else names[taken[k - 1]] for k in range(1, columns.shape[1])]
            axis.set_xticks(range(columns.shape[1]), [say("begin", "始"), *given])
            axis.set_yticks(range(len(names)), names)
            axis.tick_params(length=0)
            how = say("teacher forcing", "教師強制") if target else say("greedy", "貪欲法")
            axis.set_title(f"{how}{say(f', {steps} updates', f'（{steps} 回更新）')}", fontsize=11)
            axis.set_xlabel(say("given at this step", "この時刻の入力"))
    return figure


def peeking(say: Words) -> Figure:
    """Chapter 7: loss of four models during training."""
    figure = Figure(figsize=(6.8, 3.6), layout="constrained")
    axis = figure.subplots()
    for name, reverse, peeky, color in (
        (say("plain", "工夫なし"), False, False, GREY),
        (say("reversed", "反転"), True, False, RED),
        (say("Peeky", "覗き見"), False, True, GREEN),
        (say("reversed + Peeky", "反転+覗き見"), True, True, BLUE),
    ):
        sums = Sums(reverse=reverse, peeky=peeky)
        curve = [(step, sums.engine.loss(sums.test)) for step in sums.learn(960) if step % 24 == 0]
        axis.semilogy(*zip(*curve, strict=True), color=color, label=name)
    axis.set_xlabel(say("update", "更新回数"))
    axis.set_ylabel(say("loss on the sums held out", "取り分けた足し算の損失"))
    axis.legend(frameon=False)
    return simplify(figure)


def attention(say: Words) -> Figure:
    """Chapter 8: attention weights and saliency."""
    figure = Figure(figsize=(7.2, 3.2), layout="constrained")
    axes = figure.subplots(1, 2, sharey=True)
    for axis, by, title in (
        (axes[0], "attention", "Attention"),
        (axes[1], "saliency", say("saliency", "顕著性（saliency）")),
    ):
        heat_map(axis, "hen'kan'", by, say)
        axis.set_title(title, fontsize=11)
        axis.set_xlabel(say("source", "ソース"))
    axes[0].set_ylabel(say("answer", "答え"))
    return figure


def heat_map(axis: Any, source: str, by: str, say: Words) -> None:
    """Draw the weights of the source symbols for each predicted symbol of the kana model."""
    explained = explain(load_model(HERE.parent / "models" / "kana").converter, source, by=by)
    axis.imshow([choice.weights for choice in explained.choices], cmap="Blues", vmin=0, vmax=1, aspect="auto")
    axis.set_xticks(range(len(explained.symbols)), explained.symbols)
    names = [choice.symbol or say("end", "終") for choice in explained.choices]
    axis.set_yticks(range(len(names)), names)
    axis.tick_params(length=0)


class Nouns:
    """The transducer of chapter 9, which forms the plurals of invented nouns, after 60 updates."""

    def __init__(self) -> None:
        nouns = [*dict.fromkeys(self._draw(np.random.default_rng(0)))]
        plurals = [noun + "to" if noun.endswith("o") else noun[:-2] + "n" for noun in nouns]
        self.s, self.t = Vocabulary.of(nouns[:30], boundary=False), Vocabulary.of(plurals[:30], boundary=True)
        sources, targets = self.s.encode_all(nouns[:30]), self.t.encode_all(plurals[:30])
        self.codec = EditActions(self.s, self.t)
        self.codec.learn(sources, targets)
        pairs = EncodedPairs(sources, self.codec.encode(sources, targets), start=self.codec.start, reverse=False)
        config = ModelConfig(architecture="transducer", reverse=False, peeky=False, bidirectional=True, hidden_size=32)
        self.engine = NumpyEngine(config, Sizes(len(self.s), self.codec.size))
        self.engine.set_weights(draw_weights(self.engine.architecture.specs, "orthogonal", 0))
        generator, updates = np.random.default_rng(1), 60
        for epoch in range(updates // 3):
            for step, batch in enumerate(pairs.batches(10, generator), 3 * epoch):
                self.engine.train_step([batch], one_cycle(step, updates, 0.01, 0.2))

    @staticmethod
    def _draw(generator: np.random.Generator) -> Iterator[str]:
        for _ in range(300):
            count = generator.integers(1, 4)
            stem = (generator.choice([*"bdfgklmnprstvz"]) + generator.choice([*"aeiou"]) for _ in range(count))
            yield "".join(stem) + generator.choice([*"klmnst"]) + generator.choice(["o", "ra"])

    def greedy(self, noun: str) -> Iterator[tuple[int, int, float]]:
        """Yield the pointer, the most probable action and its probability at each step."""
        [(_, batch)] = source_batches([self.s.encode(noun)], len(self.s), reverse=False, size=1)
        encoded = self.engine.encode(batch)
        action, state = self.codec.start, encoded.state
        while True:
            output = self.engine.step(encoded.memory, state, np.array([action]))
            action, state = int(output.log_probabilities[0].argmax()), output.state
            yield int(state.pointer[0]), action, float(np.exp(output.log_probabilities[0, action]))
            if action == END:
                return


def transducer(say: Words) -> Figure:
    """Chapter 9: pointer and actions for two nouns."""
    figure = Figure(figsize=(7.2, 4.2), layout=ConstrainedLayoutEngine(wspace=0.06))
    nouns, words = Nouns(), ("naso", "tekra")
    axes = figure.subplots(1, 2, width_ratios=[len(word) + 1 for word in words])
    for axis, word in zip(axes, words, strict=True):
        steps = [*nouns.greedy(word)]
        axis.plot([pointer for pointer, *_ in steps], range(len(steps)), color=GREY, zorder=0.5)
        written = []
        for step, (pointer, action, probability) in enumerate(steps):
            name, color = _action(nouns, action, [*word, ""][pointer], say)
            axis.add_patch(_square(pointer, step, color))
            axis.text(pointer, step - 0.14, name, ha="center", va="center", fontsize=8.5)
            axis.text(pointer, step + 0.26, f"{probability:.2f}", ha="center", va="center", fontsize=8)
            ids = nouns.codec.decode(nouns.s.encode(word), [action for _, action, _ in steps[: step + 1]])
            written.append(nouns.t.decode(ids))
        axis.set(xlim=(-0.5, len(word) + 0.5), ylim=(6.5, -0.5))
        axis.set_xticks(range(len(word) + 1), [*word, say("end", "終")])
        axis.set_yticks(range(len(steps)), written)
        axis.xaxis.tick_top()
        axis.tick_params(length=0)
        axis.set_xlabel(say("source, with the pointer", "ソースとポインタ"))
        axis.spines[:].set_visible(False)
    axes[0].set_ylabel(say("written after each step", "各時刻までに書いたもの"))
    return figure


def _action(nouns: Nouns, action: int, source: str, say: Words) -> tuple[str, str]:
    """Name and color of an edit action at a source symbol."""
    symbol = nouns.t.decode([int(nouns.codec.actions.writes[action])])
    if nouns.codec.actions.inserts[action]:
        return say(f"insert {symbol}", f"挿入 {symbol}"), "#fde3b0"
    return {
        COPY: (say("copy", "コピー"), "#d6e6f5"),
        DELETE: (say("delete", "削除"), "#e4e4e4"),
        END: (say("end", "終了"), "#ffffff"),
    }.get(action, (f"{source} → {symbol}", "#f3d1e4"))


def _square(x: float, y: float, color: str) -> Any:
    from matplotlib.patches import Rectangle

    return Rectangle((x - 0.46, y - 0.46), 0.92, 0.92, facecolor=color, edgecolor="#cccccc")


def simplify(figure: Figure) -> Figure:
    """Add a light grid and remove the top and right spines."""
    for axis in figure.axes:
        axis.grid(alpha=0.3)
        axis.spines[["top", "right"]].set_visible(False)
    return figure


PICTURES: dict[str, Callable[[Words], Figure]] = {
    "ids": ids,
    "layers": layers,
    "lstm": lstm_step,
    "time": through_time,
    "learning": learning,
    "seq2seq": seq2seq,
    "peeking": peeking,
    "attention": attention,
    "transducer": transducer,
}


def draw(name: str, folder: Path) -> None:
    """Write a picture in both languages."""
    for place, language in enumerate(("en", "ja")):

        def say(*words: str, place: int = place) -> str:
            return words[place]

        save(lambda say=say: PICTURES[name](say), folder / f"{name}.{language}.svg")


def save(drawing: Callable[[], Figure], path: Path) -> None:
    """Write a picture; the bytes are the same every time."""
    settings = {
        "svg.fonttype": "none",
        "svg.hashsalt": "henkan",
        "font.family": "sans-serif",
        "axes.unicode_minus": False,
    }
    with rc_context(settings), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")  # the reader's fonts have the glyphs
        drawing().savefig(path, metadata={"Date": None, "Creator": None})


if __name__ == "__main__":
    for name in sys.argv[1:] or PICTURES:
        draw(name, HERE)
