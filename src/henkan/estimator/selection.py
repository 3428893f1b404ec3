"""Compare models, estimate what more data would bring, and choose sources to label."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Literal

from henkan.errors import SettingsError
from henkan.estimator.arguments import Validation, count_of, pairs_of, validation_pairs
from henkan.estimator.model import Seq2Seq
from henkan.inference.conversion import Request
from henkan.text.string_lists import string_list

if TYPE_CHECKING:
    from henkan.evaluation.comparison import Comparison
    from henkan.selection.annotation.ranking import Ranking
    from henkan.selection.curve.learning_curve import LearningCurve


def compare(
    models: Mapping[str, Seq2Seq],
    sources: Iterable[str],
    targets: Iterable[str],
    *,
    beam: int = 1,
    lexicon: Literal["stored"] | None = "stored",
) -> Comparison:
    """Compare models on pairs: error rates with 95 % intervals, differences with paired tests, and where they differ.

    `print` shows what `henkan compare` prints, a notebook shows tables and charts, and `to_dict` converts the
    comparison to JSON values.

    >>> good = Seq2Seq(epochs=50).fit(["ab", "ba"], ["AB", "BA"])
    >>> poor = Seq2Seq(epochs=1).fit(["ab", "ba"], ["AB", "BA"])
    >>> comparison = compare({"good": good, "poor": poor}, ["ab", "ba"], ["AB", "BA"])
    >>> [evaluation.exact_match for evaluation in comparison.evaluations]
    [1.0, 0.0]

    Args:
        models: name -> trained model, two or more.
        sources, targets: n sources and their n targets.
        beam: beam width of all models; 1 is greedy search.
        lexicon: "stored": sources are first looked up in the lexicon of each model. None: use no lexicon.

    Raises:
        DataError: if the numbers of sources and targets differ, they are not strings in an order, or only some of the
            models read feature tags.
        NotFittedError: if a model is not trained.
        SettingsError: if there are fewer than two models, or an argument is invalid.
    """
    from henkan.evaluation.comparison import ComparedModel
    from henkan.evaluation.comparison import compare as compare_models

    if not isinstance(models, Mapping):
        raise SettingsError(
            "models must be a dictionary of names and models, such as {'small': model, 'large': other}, not "
            f"{type(models).__name__}"
        )
    compared = []
    for name, model in models.items():
        request = Request(beam=beam, lexicon=_trained(model)._lexicon(lexicon))
        compared.append(ComparedModel(str(name), model._model().converter, request))
    return compare_models(compared, pairs_of(sources, targets))


def learning_curve(
    model: Seq2Seq,
    sources: Iterable[str],
    targets: Iterable[str],
    *,
    dev: Validation,
    fractions: Sequence[float] = (1 / 16, 1 / 8, 1 / 4, 1 / 2, 1),
    seeds: int = 3,
    jobs: int = 1,
) -> LearningCurve:
    """Train on parts of the pairs, and estimate the exact match with twice as many pairs.

    `print` shows a table and the estimate, as `henkan curve` does. `to_dict` converts the result to JSON values.

    >>> words = [a + b for a in "abcdefgh" for b in "abcdefgh"]
    >>> pairs, dev = (words[:60], [word.upper() for word in words[:60]]), (words[60:], [w.upper() for w in words[60:]])
    >>> curve = learning_curve(Seq2Seq(epochs=1, hidden_size=8), *pairs, dev=dev, seeds=1)
    >>> [point.sources for point in curve.points]
    [15, 30, 60]

    Args:
        model: a model with the parameters to train with; it is not changed. The engine is that of NumPy, whatever the
            parameters say, and confidence outside the training data is not estimated.
        sources, targets: n sources and their n targets.
        dev: sources and targets of a validation set, on which all models are evaluated.
        fractions: sizes of the parts as fractions of the distinct sources, above 0 and at most 1. Parts of fewer than
            10 sources are left out.
        seeds: number of parts and models of each size.
        jobs: number of models to train at the same time, in processes of their own; 1: in this process. A script needs
            `if __name__ == "__main__":` for more.

    Raises:
        DataError: if the numbers of sources and targets differ, they are not strings in an order, all parts are too
            small, or sources of `dev` are also training sources.
        SettingsError: if an argument or a parameter of the model is invalid.
    """
    from henkan.selection.curve.learning_curve import learning_curve as measure

    pairs, validation = pairs_of(sources, targets), validation_pairs(dev)
    if validation is None:
        raise SettingsError("dev must be the sources and targets of a validation set, not None", argument="dev")
    return measure(
        pairs,
        validation,
        _model(model)._wanted(),
        fractions=_fractions(fractions),
        seeds=count_of(seeds, "seeds"),
        jobs=count_of(jobs, "jobs"),
    )


def _fractions(fractions: Sequence[float]) -> list[float]:
    """Return the sizes of the parts as a list, which `henkan.selection.learning_curve` checks further.

    Raises:
        SettingsError: if they are not numbers.
    """
    try:
        return [float(each) for each in fractions]
    except (TypeError, ValueError):
        raise SettingsError(f"fractions must be a list of numbers, not {fractions!r}", argument="fractions") from None


def rank_unlabelled(
    model: Seq2Seq, sources: Iterable[str], *, count: int = 100, labelled: Iterable[str] = ()
) -> Ranking:
    """Choose the unlabelled sources whose targets would teach a model most, as `henkan next` does.

    >>> model = Seq2Seq(epochs=2).fit(["ab", "ba", "aab"], ["AB", "BA", "AAB"])
    >>> ranking = rank_unlabelled(model, ["abx", "ab", "aab", "ba"], count=2, labelled=["ab", "ba", "aab"])
    >>> [proposal.source for proposal in ranking.proposals]
    ['abx']

    Args:
        model: a trained model.
        sources: unlabelled sources, with feature tags after a tab if the model reads them.
        count: number of sources to choose.
        labelled: sources that have targets already, such as those of the training pairs. They are left out, and
            sources like them are less valuable.

    Returns:
        the sources, the most valuable one first, with predictions to correct, confidences, and reasons.

    Raises:
        DataError: if sources are not strings in an order, none is left, or feature tags are missing or unexpected.
        NotFittedError: if the model is not trained.
        SettingsError: if `count` is not a whole number from 1.
    """
    from henkan.selection.annotation.ranking import rank

    fitted = _trained(model)._model()
    known = string_list(labelled, "labelled")
    return rank(fitted, string_list(sources, "sources"), count_of(count, "count"), known)


def _model(model: Seq2Seq) -> Seq2Seq:
    """Return a model.

    Raises:
        SettingsError: if it is something else.
    """
    if not isinstance(model, Seq2Seq):
        raise SettingsError(f"{model!r} is not a model; pass a Seq2Seq, or what `load` returns")
    return model


def _trained(model: Seq2Seq) -> Seq2Seq:
    """Return a model that is trained.

    Raises:
        NotFittedError: if it is not.
        SettingsError: if it is something else.
    """
    _model(model)._model()
    return model
