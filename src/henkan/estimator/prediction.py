"""Predictions of a trained model."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Literal

from henkan.estimator.arguments import Entries, pairs_of, text_of
from henkan.estimator.stored_lexicon import WithLexicon
from henkan.inference.alignment import Alignment, align
from henkan.inference.constraint import constraint_of
from henkan.inference.conversion import Conversion, Fallback, Request, Unknown
from henkan.inference.explanation import By, explain
from henkan.text.string_lists import string_list

if TYPE_CHECKING:
    from henkan.inference.explanation import Explanation


class Predicting(WithLexicon):
    """A model that predicts targets, and says how it did."""

    def predict(
        self,
        sources: Iterable[str],
        *,
        unknown: Unknown = "use",
        beam: int = 1,
        abstain_below: float | None = None,
        abstain_outside: bool = False,
        fallback: Fallback | None = None,
        allow: Iterable[str] | None = None,
        pattern: str | None = None,
        symbols: str | None = None,
        lexicon: Entries | Literal["stored"] | None = "stored",
    ) -> list[str]:
        """Predict the targets of sources.

        >>> model = Seq2Seq(epochs=50).fit(["ab", "ba"], ["AB", "BA"])
        >>> model.predict(["ba", "ab"])
        ['BA', 'AB']
        >>> model.predict(["ba", "ab"], allow=["AB"])
        ['AB', 'AB']

        Args:
            sources: n strings.
            unknown: what to do with symbols that were not in the training data. "use": read them as the unknown symbol.
                "copy": also copy them to the prediction where attention selects them; a transducer, or a model with
                copying, does so by itself, also with "use". "error": raise an error. "skip":
                predict "". For a model without an unknown symbol, "use" means "error".
            beam: beam width, from 1 to 1000; 1 is greedy search.
            abstain_below: confidence, from 0 to 1, below which the prediction is "", or that of `fallback`. None: never
                abstain.
            abstain_outside: whether to abstain for sources outside the training data, such as longer ones; see
                `Conversion.outside`.
            fallback: function source -> prediction that is called if the model abstains or no prediction is allowed,
                for example a dictionary lookup or a larger model.
            allow: the allowed predictions; None: all. Several constraints hold at once.
            pattern: a regular expression that a prediction must match from the first character to the last, such as
                r"\\d{4}-\\d{2}-\\d{2}"; None: any. `\\d`, `\\w` and `\\s` stand for ASCII characters. Needs
                henkan[patterns].
            symbols: the symbols that a prediction may contain, as a text that is split like a target; None: all.
            lexicon: known sources and the target or targets of each, such as `{"ab": "AB"}`. They are looked up before
                the model predicts: the first target is the prediction. Targets need not fulfil the constraints. Other
                sources are looked up in the lexicon of the model; see `lexicon`. "stored": only look them up there.
                None: use no lexicon.

        Returns:
            n predictions, in the order of the sources. The prediction for a source of whitespace alone is "", unless
            the training data had such sources, and so is that of a source for which no prediction is allowed.

        Raises:
            UnanswerableError: at the first source that the model cannot read, or for which there is not enough memory,
                unless `unknown` is "skip".
            DataError: if `sources` are not strings, or have no order.
            NotFittedError: if the model is not trained.
            SettingsError: if an argument is invalid.
        """
        request = Request(
            unknown=unknown,
            beam=beam,
            abstain_below=abstain_below,
            abstain_outside=abstain_outside,
            constraint=constraint_of(allow, pattern, symbols),
            lexicon=self._lexicon(lexicon),
        )
        return self._model().converter.predict(string_list(sources, "sources"), request, fallback)

    def convert(
        self,
        sources: Iterable[str],
        *,
        unknown: Unknown = "use",
        beam: int = 1,
        nbest: int = 1,
        confidence: bool = False,
        abstain_below: float | None = None,
        abstain_outside: bool = False,
        mass: float | None = None,
        allow: Iterable[str] | None = None,
        pattern: str | None = None,
        symbols: str | None = None,
        lexicon: Entries | Literal["stored"] | None = "stored",
    ) -> list[Conversion]:
        """Predict the targets of sources, with log-probabilities and optionally confidences and n-best lists.

        >>> model = Seq2Seq(epochs=50).fit(["ab", "ba"], ["AB", "BA"])
        >>> [conversion] = model.convert(["ab"], beam=2, nbest=2)
        >>> conversion.prediction, len(conversion.nbest)
        ('AB', 2)

        Unlike `predict`, this does not raise an error for a source that the model cannot read: the `reason` of its
        conversion says why it has no prediction.

        Args:
            sources: n strings.
            unknown, beam, abstain_below, abstain_outside, allow, pattern, symbols, lexicon: as in `predict`.
                Probabilities and confidences are those of the model without constraints. A prediction from the lexicon
                has none, and all its targets are in `nbest`.
            nbest: number of predictions for each source, at most `beam`.
            confidence: whether to compute the confidence: the estimated probability, from 0 to 1, that the prediction
                is correct. It is None for a source outside the training data if nothing supports an estimate.
            mass: probability, from 0 to 1, at which to stop: of the `nbest` predictions, only the first are returned
                whose probabilities add up to it, and at least one. The probabilities are calibrated as the confidence.
                None: all are returned.

        Returns:
            n conversions, in the order of the sources.

        Raises:
            DataError: if `sources` are not strings, or have no order.
            NotFittedError: if the model is not trained.
            SettingsError: if an argument is invalid.
        """
        request = Request(
            unknown=unknown,
            beam=beam,
            nbest=nbest,
            confidence=confidence,
            abstain_below=abstain_below,
            abstain_outside=abstain_outside,
            mass=mass,
            constraint=constraint_of(allow, pattern, symbols),
            lexicon=self._lexicon(lexicon),
        )
        return self._model().converter.convert(string_list(sources, "sources"), request)

    def align(
        self, sources: Iterable[str], targets: Iterable[str] | None = None, *, beam: int = 1, by: By | None = None
    ) -> list[Alignment]:
        """Align predictions, or given targets, with their sources, symbol by symbol.

        >>> model = Seq2Seq(epochs=50).fit(["ab", "ba"], ["AB", "BA"])
        >>> [alignment] = model.align(["ab"])
        >>> [link.symbol for link in alignment.links]
        ['A', 'B']

        Args:
            sources: n strings.
            targets: align these n targets instead of the predictions; None: the predictions.
            beam: beam width, from 1 to 1000; 1 is greedy search.
            by: which source symbol a symbol comes from: the one under the "pointer" of a transducer, or the one with
                the largest "attention" weight or "saliency"; None: the first of these that the model has.

        Returns:
            n alignments, in the order of the sources. One without a prediction has a `reason`.

        Raises:
            DataError: if the sources or targets are not strings, have no order, or their numbers differ.
            NotFittedError: if the model is not trained.
            SettingsError: if an argument is invalid.
        """
        texts, request = string_list(sources, "sources"), Request(beam=beam)
        given = None if targets is None else pairs_of(texts, targets).targets
        return align(self._model().converter, texts, given, request=request, by=by)

    def explain(self, source: str, answer: str | None = None, *, beam: int = 1, by: By | None = None) -> Explanation:
        """Explain a prediction symbol by symbol: probabilities, alternatives, and where each symbol comes from.

        The model itself is explained: its lexicon is not used. Of an ensemble of several kinds of models, the first is
        explained, and the confidence is that of the ensemble.

        >>> model = Seq2Seq(epochs=50).fit(["ab", "ba"], ["AB", "BA"])
        >>> explanation = model.explain("ab")
        >>> explanation.answer, [choice.symbol for choice in explanation.choices]
        ('AB', ['A', 'B', ''])

        Args:
            source: a string.
            answer: explain this target instead of the prediction; None: the prediction.
            beam: beam width, from 1 to 1000; 1 is greedy search.
            by: the weights of the source symbols: "attention", the "pointer" of a transducer, or "saliency", the norm
                of the gradient of a symbol's log-probability with respect to the embedding of the source symbol (see
                `henkan.model.saliency`), which all models have; None: the pointer or attention if the model has it.

        Returns:
            the explanation, which a notebook draws and `print` shows as a table.

        Raises:
            DataError: if the source or the answer is not a string.
            NotFittedError: if the model is not trained.
            SettingsError: if an argument is invalid, or the model does not have these weights.
            UnanswerableError: if the model cannot read the source or predict the answer.
        """
        text, target = text_of(source, "source"), None if answer is None else text_of(answer, "answer")
        return explain(self._model().converter, text, answer=target, beam=beam, by=by)

    def log_probability(self, sources: Iterable[str], targets: Iterable[str]) -> list[float]:
        """Compute the log-probability of each target given its source.

        >>> model = Seq2Seq(epochs=50).fit(["ab", "ba"], ["AB", "BA"])
        >>> right, wrong = model.log_probability(["ab", "ab"], ["AB", "BA"])
        >>> right > wrong
        True

        Args:
            sources, targets: n sources and their n targets.

        Returns:
            n log-probabilities in nats, including the end of the target. Minus infinity if the target has a symbol
            that was not in the training targets and that the model cannot copy from the source, or the model cannot
            read the source. nan if there is not enough memory for the pair.

        Raises:
            DataError: if the numbers of sources and targets differ, or they are not strings in an order.
            NotFittedError: if the model is not trained.
        """
        pairs = pairs_of(sources, targets)
        scores: list[float] = self._model().converter.score(pairs.sources, pairs.targets)[0].tolist()
        return scores

    def warm_up(self) -> None:
        """Load the compiled kernels now, and use them for every prediction from now on.

        By default, they are loaded as soon as the predictions are so many that loading repays. A server calls this when
        it starts: a single prediction then takes about a third of the time. Loading takes about a second; the first
        time on a machine, the kernels are compiled, which takes about ten. Without numba (`henkan[fast]`), this has no
        effect.

        >>> model = Seq2Seq(epochs=2).fit(["ab", "ba"], ["AB", "BA"])
        >>> model.warm_up()

        Raises:
            NotFittedError: if the model is not trained.
        """
        self._model().converter.warm_up()
