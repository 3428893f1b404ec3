"""The section on the saliency of source symbols."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from henkan_experiments.formatting import (
    REVERSAL_PAIRS,
    Results,
    available_pairs,
    bullets,
    comparison,
    image,
    model_title,
    percent,
    table,
    with_error,
)

METHOD = (
    "The saliency of a source symbol is the norm of the gradient of the correct answer's log-probability with respect "
    "to the symbol's embedding. The norm decreases as a model becomes more confident, so models are compared by each "
    "symbol's share of the total, computed for each sum. The two numbers of a sum have the same distribution and are "
    "in random order. ({sums:,} sums.)"
)
COLUMNS = (
    '"Symbols read after" is the mean number of symbols that the encoder reads after a symbol, weighted by saliency '
    'share (3 if all shares were equal); "number read last" is that number\'s share of the saliency of all digits '
    '(50 % if both numbers had the same); "norm" is the mean norm, in nats per unit of embedding.'
)


def describe_saliency(results: Results, pictures: Sequence[str]) -> Iterable[str]:
    """Paragraphs on `henkan_experiments.experiments.saliency_by_position`, by model."""
    yield "### Saliency of the source symbols"
    yield METHOD.format(sums=min(numbers["first"]["n"] for numbers in results.values()))
    yield from map(image("Saliency shares by position, and by distance from the end of the encoder's input"), pictures)
    header = ["model", *"HTU+HTU", "norm", "symbols read after", "number read last"]
    for part, what in (("first", "the answer's first symbol"), ("answer", "all digits of the answer, on average")):
        yield f"Saliency shares for {what} (hundreds H, tens T, units U):"
        yield table(header, [_row(model, numbers[part]) for model, numbers in results.items()])
    yield COLUMNS
    by_reversal = [_distances(results, *pair) for pair in available_pairs(REVERSAL_PAIRS, results)]
    yield bullets([*by_reversal, *(_number_read_last(model, numbers) for model, numbers in results.items())])


def _row(model: str, numbers: Results) -> list[str]:
    return [
        model_title(model),
        *percent(*numbers["shares"]),
        f"{sum(numbers['norms']) / len(numbers['norms']):.2g}",
        f"{numbers['distance']:.2f} ± {numbers['distance_error']:.2f}",
        with_error(numbers["later"], numbers["later_error"]),
    ]


def _distances(results: Results, without: str, with_: str) -> str:
    """Whether reversal moves the salient symbols closer to the end of the encoder's input."""
    words = "closer to the end", "farther from the end", "no significant difference"
    clauses = []
    for part, what in (("first", "the first symbol"), ("answer", "the whole answer")):
        plain, reversed_ = results[without][part], results[with_][part]
        distances = reversed_["distance"], plain["distance"]
        word = comparison(distances, (reversed_["distance_error"], plain["distance_error"]), words)
        clauses.append(f"{distances[1]:.2f} without reversal and {distances[0]:.2f} with it for {what} ({word})")
    return f"{model_title(without)} and {model_title(with_)}, mean number of symbols read after: {'; '.join(clauses)}."


def _number_read_last(model: str, numbers: Results) -> str:
    first, last = numbers["first"], "first" if numbers["reverse"] else "second"
    words = "less than half", "more than half", "about half"
    word = comparison((first["later"], 0.5), (first["later_error"], 0), words)
    return (
        f"{model_title(model)} reads the {last} number last; that number has {word} of the digits' saliency for the "
        f"first symbol ({first['later']:.1%})."
    )
