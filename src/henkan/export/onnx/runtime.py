"""Converts texts with an exported file in ONNX Runtime."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from onnxruntime import InferenceSession, SessionOptions

from henkan.export.onnx.metadata import KEY, parse
from henkan.text.arrays import Array
from henkan.text.tokenizer import Tokenizer

BATCH_SIZE = 256


class OnnxPrediction(NamedTuple):
    """One of the predictions for a text.

    Attributes:
        text: the prediction; None if the model cannot read the source: it has unknown symbols, or is too long.
        log_probability: in nats; minus infinity without a prediction.
    """

    text: str | None
    log_probability: float


class OnnxModel:
    """An exported model.

    Args:
        content: the contents of the file, or its path.
        threads: number of threads; 0: as many as ONNX Runtime chooses.
    """

    def __init__(self, content: bytes | str, threads: int = 0) -> None:
        options = SessionOptions()
        options.intra_op_num_threads = threads
        self.session = InferenceSession(content, options, providers=["CPUExecutionProvider"])
        contents = parse(self.session.get_modelmeta().custom_metadata_map[KEY])
        source, self.target = contents["source"], contents["target"]
        names = ("unit", "normalization", "case", "features", "tag_separator", "sort_tags")
        self.source_tokenizer = Tokenizer(**{name: source[name] for name in names})
        self.target_tokenizer = Tokenizer(self.target["unit"], self.target["normalization"])
        self.source = source
        self.ids = {symbol: id for id, symbol in enumerate(source["symbols"]) if symbol}

    def encode(self, text: str) -> list[int] | None:
        """The ids of a text; None if the model cannot read it."""
        symbols = list(self.source_tokenizer.tokenize(text))
        if self.source["longest"] is not None and len(symbols) > self.source["longest"]:
            return None
        if not self.source["unknown"]:
            return None if any(symbol not in self.ids for symbol in symbols) else [self.ids[each] for each in symbols]
        return [self.ids.get(symbol, self._unknown(symbol, symbols)) for symbol in symbols]

    def _unknown(self, symbol: str, symbols: Sequence[str]) -> int:
        """An unknown symbol that can be copied has an id of its own, which depends on its first position."""
        separator = self.target_tokenizer.separator
        if not self.source["copies_unknown"] or self.source_tokenizer.is_tag(symbol) or symbol == separator:
            return 0
        return len(self.source["symbols"]) + symbols.index(symbol)

    def convert(self, texts: Sequence[str]) -> list[list[OnnxPrediction]]:
        """The predictions for each text, best first."""
        results = []
        for start in range(0, len(texts), BATCH_SIZE):
            results += self._convert(texts[start : start + BATCH_SIZE])
        return results

    def predict(self, texts: Sequence[str]) -> list[str | None]:
        """The best prediction for each text."""
        return [predictions[0].text for predictions in self.convert(texts)]

    def _convert(self, texts: Sequence[str]) -> list[list[OnnxPrediction]]:
        read = [self.encode(text) for text in texts]
        outputs, lengths, logs = self.run([ids or [] for ids in read])
        return [
            [OnnxPrediction(None, -np.inf)]
            if ids is None
            else [
                OnnxPrediction(self._text(text, outputs[n, k, : lengths[n, k]].tolist()), float(logs[n, k]))
                for k in range(logs.shape[1])
                if np.isfinite(logs[n, k])
            ]
            for n, (text, ids) in enumerate(zip(texts, read, strict=True))
        ]

    def run(self, sources: Sequence[Sequence[int]]) -> tuple[Array, Array, Array]:
        """Run the graph; see `henkan.export.onnx.build.build` for the outputs."""
        lengths = np.array([len(ids) for ids in sources], np.int64)
        ids = np.zeros((len(sources), lengths.max(initial=0)), np.int64)
        for row, source in enumerate(sources):
            ids[row, : len(source)] = source
        outputs, output_lengths, logs = self.session.run(None, {"ids": ids, "lengths": lengths})
        return outputs, output_lengths, logs

    def _text(self, text: str, ids: Sequence[int]) -> str:
        symbols, tokenizer = self.target["symbols"], self.source_tokenizer
        V = len(symbols)
        read = tokenizer.tokenize(text) if any(id >= V for id in ids) else ()
        written = [symbols[id] if id < V else read[id - V] for id in ids]
        hidden = self.target_tokenizer.separator
        return self.target_tokenizer.join(each for each in written if each != hidden and not tokenizer.is_tag(each))
