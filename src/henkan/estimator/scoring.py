"""Error rates of a trained model on pairs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Literal

from henkan.estimator.arguments import Entries, pairs_of
from henkan.estimator.stored_lexicon import WithLexicon
from henkan.inference.constraint import constraint_of
from henkan.inference.conversion import Request, Unknown

if TYPE_CHECKING:
    from henkan.evaluation.error_rates import Evaluation


class Scoring(WithLexicon):
    """A model whose predictions are compared with targets."""

    def score(
        self,
        sources: Iterable[str],
        targets: Iterable[str],
        *,
        lexicon: Entries | Literal["stored"] | None = "stored",
    ) -> float:
        """Compute the exact match: the fraction of distinct sources, from 0 to 1, that are predicted correctly.

        A prediction is correct if it equals the target. A source that occurs several times counts once, and any of its
        targets is correct. Sources are equal if they are equal after the Unicode normalization of the model. A source
        that the model cannot read counts as wrong. 1 minus the exact match is the word error rate. Sources in the
        lexicon of the model are predicted from it; to measure the model alone, pass `lexicon=None`.

        >>> model = Seq2Seq(epochs=50).fit(["ab", "ba"], ["AB", "BA"])
        >>> model.score(["ab", "ba"], ["AB", "AB"])
        0.5
        >>> model.score(["ab", "ab", "ba"], ["AB", "ab", "ba"])  # one of two sources
        0.5

        Args:
            sources, targets: n sources and their n targets.
            lexicon: as in `predict`.

        Raises:
            DataError: if the numbers of sources and targets differ, or they are not strings in an order.
            NotFittedError: if the model is not trained.
        """
        return self._evaluate(sources, targets, Request(lexicon=self._lexicon(lexicon))).exact_match

    def evaluate(
        self,
        sources: Iterable[str],
        targets: Iterable[str],
        *,
        unknown: Unknown = "use",
        beam: int = 1,
        allow: Iterable[str] | None = None,
        pattern: str | None = None,
        symbols: str | None = None,
        lexicon: Entries | Literal["stored"] | None = "stored",
    ) -> Evaluation:
        """Evaluate the model on pairs: exact match, symbol error rate, calibration and coverage, errors by length.

        Sources are counted as in `score`. `print` shows what `henkan evaluate` prints, and `to_dict` converts the
        evaluation to JSON values. `predictions` has the prediction for each source.

        >>> model = Seq2Seq(epochs=50).fit(["ab", "ba"], ["AB", "BA"])
        >>> evaluation = model.evaluate(["ab", "ba"], ["AB", "Ba"])
        >>> evaluation.exact_match, evaluation.symbol_error_rate, evaluation.confusions()
        (0.5, 0.25, [('a', 'A', 1)])

        Args:
            sources, targets: n sources and their n targets.
            unknown, beam, allow, pattern, symbols, lexicon: as in `predict`.

        Raises:
            DataError: if the numbers of sources and targets differ, or they are not strings in an order.
            NotFittedError: if the model is not trained.
            SettingsError: if an argument is invalid.
        """
        request = Request(
            unknown=unknown,
            beam=beam,
            confidence=True,
            constraint=constraint_of(allow, pattern, symbols),
            lexicon=self._lexicon(lexicon),
        )
        return self._evaluate(sources, targets, request)

    def _evaluate(self, sources: Iterable[str], targets: Iterable[str], request: Request) -> Evaluation:
        from henkan.evaluation.error_rates import evaluate  # predictions do not need it

        return evaluate(self._model().converter, pairs_of(sources, targets), request)
