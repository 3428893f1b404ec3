"""The section on sums with longer numbers than in the training set."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from henkan_experiments.formatting import Results, enumerated, image, model_title, percent, table, value_range

HEADER = (
    "model",
    "digits",
    "exact match",
    "right length",
    "last digit right",
    "correct with a digit deleted (by chance)",
    "answer length",
    "mean confidence",
    "wrong answers with confidence of at least 90 % (of wrong answers per run)",
)


def describe_length(results: Results, pictures: Sequence[str]) -> Iterable[str]:
    """Paragraphs on `henkan_experiments.longer.longer_sums`, by model and length."""
    yield "## Length generalization: trained on up to three digits, evaluated on four"
    yield "The same models; each row is the mean over all training runs of a model."
    rows = [(model, digits, numbers) for model, by_digits in results.items() for digits, numbers in by_digits.items()]
    yield table(HEADER, [_row(*row) for row in rows])
    yield from map(image("Exact match, right length and confidence by the digits of the two numbers"), pictures)
    for digits in [each for each in next(iter(results.values())) if "4" in each]:
        yield " ".join(_failures(digits, {model: by_digits[digits] for model, by_digits in results.items()}))
    examples = [
        [model_title(model), each["source"], each["target"], each["answer"] or "(none)", *percent(each["confidence"])]
        for model, digits, numbers in rows
        if "4" in digits
        for each in numbers["examples"]
    ]
    if examples:
        yield "The first wrong answers of each model, from one training run:"
        yield table(["model", "question", "correct answer", "model's answer", "confidence"], examples)


def _row(model: str, digits: str, numbers: Results) -> list[str]:
    lengths = sorted(map(int, numbers["lengths"]))
    left_out, chance, confidence = percent(
        *(numbers[key] for key in ("digit_left_out", "digit_left_out_by_chance", "confidence"))
    )
    confident = _confident_share(numbers)
    return [
        model_title(model),
        digits,
        f"{numbers['exact_match']:.2%}",
        *percent(numbers["right_length"], numbers["last_symbol"]),
        f"{left_out} ({chance})" if "4" in digits else "-",
        " to ".join(dict.fromkeys(map(str, lengths[:1] + lengths[-1:]))) or "-",
        confidence,
        "-" if confident is None else f"{confident:.1%} of {numbers['wrong']:,.4g}",
    ]


def _confident_share(numbers: Results) -> float | None:
    """The share of wrong answers with a high confidence; None if no answer is wrong."""
    return numbers["sure_of_wrong"] / numbers["wrong"] if numbers["wrong"] else None


def _failures(digits: str, by_model: Mapping[str, Any]) -> Iterable[str]:
    """Sentences on how the models fail at one length."""
    n = next(iter(by_model.values()))["n"]
    best = max(by_model, key=lambda model: by_model[model]["exact_match"])
    exact = by_model[best]["exact_match"]
    first, second = digits.split("+")
    operands = f"two {first}-digit numbers" if first == second else f"a {first}-digit and a {second}-digit number"
    yield f"{n:,} sums of {operands}: " + (
        f"the best model, {model_title(best)}, answers {exact:.2%} correctly."
        if exact
        else "no model answers any of them correctly."
    )
    refused = [model_title(model) for model, numbers in by_model.items() if numbers["refused"] == n]
    if refused:
        yield f"They are too long for the padded sources of {enumerated(refused)}, so there is no answer."
    answering = [numbers for numbers in by_model.values() if numbers["lengths"]]
    if not answering:
        return
    longest, longest_target = (
        max(int(length) for numbers in answering for length in numbers[key]) for key in ("lengths", "true_lengths")
    )
    last_digit, left_out, chance = (
        value_range([numbers[key] for numbers in answering])
        for key in ("last_symbol", "digit_left_out", "digit_left_out_by_chance")
    )
    yield (
        f"The longest answer has {longest} symbols, the longest correct answer {longest_target}. The last digit is "
        f"right in {last_digit} of the answers. {left_out} of the answers would be correct if one digit were deleted "
        f"from each four-digit number ({chance} by chance: with the answer to another sum, if that answer has the same "
        "length and the same first and last digit)."
    )
    yield f"The mean confidence is {value_range([numbers['confidence'] for numbers in answering])}" + (
        f", and {value_range(shares)} of the wrong answers have a confidence of at least 90 %."
        if (shares := [share for share in map(_confident_share, answering) if share is not None])
        else "."
    )
