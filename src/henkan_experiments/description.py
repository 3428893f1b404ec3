"""The experiments as a section of the report; every word of comparison is made from the numbers."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from henkan_experiments.words import (
    BY_PEEKING,
    BY_REVERSAL,
    CLEAR,
    PICTURES,
    Found,
    both_in,
    bullets,
    compared,
    give_or_take,
    listed,
    name_of,
    name_of_label,
    percent,
    picture,
    span,
    table,
)

TITLE = "## Why does it work? Three small experiments"
INTRODUCTION = (
    TITLE,
    "All sums that are asked here have two numbers of three digits, so that each place of a source means the same; "
    "none was learnt from, nor its mirror image. The models are those by the modern recipe, each in the state that the "
    "tool keeps: after its best epoch.",
)
ONE_TRAINING = (
    "Each row is one trained model: ± is a standard error over sums, and says nothing of how another training would "
    "have come out."
)
TRAININGS = "Each row is the mean of {} trainings; ± is a standard error over trainings and sums together."
KNOWN = 0.5  # accuracy from which on a symbol is known often enough; a digit is guessed in a tenth
FEW = " Of so few trainings that error itself is little known: take the words for hints."
ENOUGH = 5
CALLED_DIFFERENT = f"Two numbers are called different where they are more than {CLEAR:g} standard errors apart."
SALIENCY = (
    "The gradient of the true answer's log-probability with respect to a source symbol's embedding says how fast the "
    "one changes with the other; its norm is the symbol's saliency. The norm shrinks as a model grows sure, so "
    "models are compared by each symbol's share of it, sum by sum. Both numbers of a sum weigh the same, and which of "
    "them comes first was drawn."
)
SALIENCY_COLUMNS = (
    '"Symbols read after" is how many symbols on average are read after one, each counted by its share (3 if all had '
    'the same); "number read last" is that number\'s part of the saliency of all digits (half if both had the same); '
    '"norm" is the mean norm, in nats per unit of embedding.'
)
FADING = (
    "h is the decoder's first hidden state: the encoder's last. A ridge regression, fitted to other sums, reads h off "
    "the decoder's state (hidden and cell) after each step along the true answer; the table has the share of h's "
    'variance that it gets right. "Symbols alone" is what the symbols written so far tell of h without any state. A '
    "Peeky decoder is given h anew at each step: what can be read there need not have been kept."
)
SWAPPING = (
    "That h can be read does not mean that the decoder uses it. So the decoder was also begun with the first state of "
    "another sum while it looked, by peeking or attention, at its own; and the other way round: mixtures that no "
    "training has shown it. It was given the true symbols so far and asked for the next. Counted are the symbols in "
    "which the two answers differ; the table has how often the true one was still the most probable, for the first, "
    "second, third and fourth symbol."
)
PROBES = (
    "A linear probe (linear discriminant analysis) is fitted to h, and then reads each digit and each carry off the h "
    "of {sums:,} sums that it was not fitted to. The control is fitted to labels in shuffled order: what it gets right "
    "is chance. The answer's thousands are the carry out of the hundreds."
)
PROBES_LIMITS = (
    "What no linear probe finds may be in h in another form. What one finds, the decoder need not use; and with "
    "attention it can look the digits up without h."
)


def describe_experiments(results: Found, pictures: Collection[str] = PICTURES) -> str:
    """The section in Markdown.

    Args:
        results: what `run_experiments` found of at least one model.
        pictures: names of those files that lie beside the report; others are not shown.
    """
    counts = results["trainings"].values()
    least, most = min(counts), max(counts)
    trainings = TRAININGS.format(most if least == most else f"{least} to {most}") if most > 1 else ONE_TRAINING
    few = FEW if 1 < most < ENOUGH else ""
    paragraphs = [*INTRODUCTION, f"{trainings} {CALLED_DIFFERENT}{few}"]
    for describe, name in zip((_saliency, _fading, _probes, _length), PICTURES, strict=True):
        paragraphs += describe(results[name.removesuffix(".svg")], [name] if name in pictures else [])
    return "\n\n".join(paragraph.rstrip("\n") for paragraph in paragraphs) + "\n"


def _saliency(found: Found, pictures: Sequence[str]) -> Iterable[str]:
    yield "### How much of each source symbol reaches the answer"
    yield f"{SALIENCY} ({min(numbers['first']['n'] for numbers in found.values()):,} sums.)"
    yield from map(picture("Shares of saliency by position, and by distance from the end of reading"), pictures)
    header = ["model", *"HTU+HTU", "norm", "symbols read after", "number read last"]
    for part, what in (("first", "the answer's first symbol"), ("answer", "all digits of the answer, on average")):
        yield f"Shares of the saliency for {what} (hundreds H, tens T, units U):"
        yield table(header, [_saliency_row(model, numbers[part]) for model, numbers in found.items()])
    yield SALIENCY_COLUMNS
    by_reversal = [_nearness(found, *pair) for pair in both_in(BY_REVERSAL, found)]
    yield bullets([*by_reversal, *(_of_the_later(model, numbers) for model, numbers in found.items())])


def _saliency_row(model: str, numbers: Found) -> list[str]:
    return [
        name_of(model),
        *percent(*numbers["shares"]),
        f"{sum(numbers['norms']) / len(numbers['norms']):.2g}",
        give_or_take(numbers["distance"], numbers["distance_error"], share=False),
        give_or_take(numbers["later"], numbers["later_error"]),
    ]


def _nearness(found: Found, without: str, with_: str) -> str:
    """Whether reversal brings what counts nearer to the end of reading."""
    said = []
    for part, what in (("first", "the first symbol"), ("answer", "the whole answer")):
        one, two = found[without][part], found[with_][part]
        errors = two["distance_error"], one["distance_error"]
        words = "nearer to the end", "farther from it", "no clear difference"
        word = compared(two["distance"], one["distance"], *errors, *words)
        said.append(f"for {what} {one['distance']:.2f} without reversal and {two['distance']:.2f} with it ({word})")
    return f"from {name_of(without)} to {name_of(with_)}, the mean number of symbols read after: {'; '.join(said)}."


def _of_the_later(model: str, numbers: Found) -> str:
    first, last = numbers["first"], "first" if numbers["reverse"] else "second"
    word = compared(first["later"], 0.5, first["later_error"], 0, "less than half", "more than half", "about half")
    return (
        f"{name_of(model)} reads the {last} number last, which has {word} of the digits' saliency for the first symbol "
        f"({first['later']:.1%})."
    )


def _fading(found: Found, pictures: Sequence[str]) -> Iterable[str]:
    yield "### How fast h fades in the decoder's state"
    yield FADING
    caption = "What can be read of h after each step, and how often the decoder is right with another sum's state"
    yield from map(picture(caption), pictures)
    steps = range(1, 5)
    header = ["model", *[f"step {t}" for t in steps], "hidden state alone, step 4", "symbols alone, step 4"]
    rows = [
        [
            name_of(model),
            *[give_or_take(numbers["state"][t], numbers["state_error"][t]) for t in steps],
            give_or_take(numbers["hidden"][4], numbers["hidden_error"][4]),
            give_or_take(numbers["symbols"][4], numbers["symbols_error"][4]),
        ]
        for model, numbers in found.items()
    ]
    yield table(header, rows)
    pairs = both_in(BY_PEEKING, found)
    if pairs:
        yield bullets(_readable(found, *pair) for pair in pairs)
    yield SWAPPING
    header = ["model", "symbols counted", "undisturbed", "begun with another's state", "looking at another"]
    conditions = ("undisturbed", "other_state", "other_view")
    yield table(header, [_swapping_row(model, numbers, conditions) for model, numbers in found.items()])
    yield bullets(_fourth_symbol(model, numbers) for model, numbers in found.items())


def _readable(found: Found, without: str, with_: str) -> str:
    """How much of h can be read with peeking and without."""
    one, two = found[without], found[with_]
    said = []
    for t in (1, 4):
        errors, words = (two["state_error"][t], one["state_error"][t]), ("less", "more", "no clear difference")
        word = compared(two["state"][t], one["state"][t], *errors, *words)
        said.append(f"after step {t} {two['state'][t]:.1%} with peeking and {one['state'][t]:.1%} without ({word})")
    changes = [100 * (numbers["state"][4] - numbers["state"][1]) for numbers in (one, two)]
    return (
        f"{name_of(with_)} beside {name_of(without)}: {', '.join(said)}. From step 1 to step 4 that changes by "
        f"{changes[1]:+.1f} points with peeking and by {changes[0]:+.1f} without."
    )


def _swapping_row(model: str, numbers: Found, conditions: Sequence[str]) -> list[str]:
    cells = [" / ".join(percent(*numbers[condition]["accuracy"])) for condition in conditions]
    if _blind(numbers):
        cells[-1] = "nothing to look at"
    return [name_of(model), " / ".join(f"{count:.0f}" for count in numbers["counted"]), *cells]


def _blind(numbers: Found) -> bool:
    """Whether it makes no difference at all what a decoder looks at."""
    same: bool = numbers["other_view"] == numbers["undisturbed"]
    return same


def _fourth_symbol(model: str, numbers: Found) -> str:
    known, state, view = (numbers[part]["accuracy"][-1] for part in ("undisturbed", "other_state", "other_view"))
    if known is None:
        return f"{name_of(model)}: no two answers differ in their fourth symbol."
    told = f"{name_of(model)} has the fourth symbol right in {known:.1%} undisturbed, {state:.1%} with another's state"
    if _blind(numbers):
        return f"{told}. It has nothing else to go by."
    return f"{told}, {view:.1%} looking at another. {_rests(known, state, view)}"


def _rests(known: float, state: float, view: float) -> str:
    """What decides a symbol, by how much of its accuracy is left when the one or the other is another's."""
    little, much = 0.25 * known, 0.75 * known
    if known < KNOWN:
        return "That is too seldom to tell what it goes by."
    if state <= little and view >= much:
        return "There it goes by the first state."
    if view <= little and state >= much:
        return "There it goes by what it looks at, and no longer by the first state."
    return "Neither the first state nor what it looks at decides there alone."


def _probes(found: Found, pictures: Sequence[str]) -> Iterable[str]:
    yield "### Where the digits and the carries live in h"
    by_label = next(iter(found.values()))
    yield PROBES.format(sums=next(iter(by_label.values()))["n"])
    yield from map(picture("How often a linear probe reads each digit and carry off h"), pictures)
    rows = []
    for label in by_label:
        each = [numbers[label] for numbers in found.values()]
        cells = [give_or_take(numbers["accuracy"], numbers["accuracy_error"]) for numbers in each]
        controls = span([numbers["shuffled"] for numbers in each])
        rows.append([name_of_label(label), *cells, controls, *percent(each[0]["majority"])])
    yield table(["", *map(name_of, found), "shuffled control", "most frequent label"], rows)
    yield bullets(_read_off(model, numbers) for model, numbers in found.items())
    yield PROBES_LIMITS


def _read_off(model: str, numbers: Found) -> str:
    sure = [f"the {name_of_label(label)}" for label, each in numbers.items() if each["accuracy"] >= 0.95]
    absent = [f"the {name_of_label(label)}" for label, each in numbers.items() if not _beyond_chance(each)]
    text = f"{name_of(model)}: read in at least 95 % of the sums are {listed(sure)}"
    return f"{text}; not clearly better than by chance {listed(absent)}." if absent else f"{text}."


def _beyond_chance(numbers: Found) -> bool:
    """Whether a probe is clearly better than its control and than always naming the most frequent label."""
    chance = max(numbers["shuffled"], numbers["majority"])
    error = (chance * (1 - chance) / numbers["n"]) ** 0.5
    return compared(numbers["accuracy"], chance, numbers["accuracy_error"], error, "", "better", "") == "better"


def _length(found: Found, pictures: Sequence[str]) -> Iterable[str]:
    yield "## Length: trained on up to three digits, asked with four"
    yield "The same models; each row is the mean of all trainings of one."
    header = [
        "model",
        "digits",
        "exact match",
        "right length",
        "last digit right",
        "right but for a digit left out (by chance)",
        "symbols in an answer",
        "mean confidence",
        "wrong answers with a confidence of at least 90 % (of how many in a training)",
    ]
    asked = [(model, digits, numbers) for model, each in found.items() for digits, numbers in each.items()]
    yield table(header, [_length_row(*each) for each in asked])
    yield from map(picture("Exact match, right length and confidence by the digits of the two numbers"), pictures)
    for digits in [each for each in next(iter(found.values())) if "4" in each]:
        yield " ".join(_failures(digits, {model: by_digits[digits] for model, by_digits in found.items()}))
    examples = [
        [name_of(model), each["source"], each["target"], each["answer"] or "(none)", *percent(each["confidence"])]
        for model, digits, numbers in asked
        if "4" in digits
        for each in numbers["examples"]
    ]
    if examples:
        yield "The first wrong answers of each, as they came from one training:"
        yield table(["model", "question", "true answer", "model's answer", "confidence"], examples)


def _length_row(model: str, digits: str, numbers: Found) -> list[str]:
    lengths = sorted(map(int, numbers["lengths"]))
    left_out, chance, confidence = percent(
        *(numbers[part] for part in ("digit_left_out", "digit_left_out_by_chance", "confidence"))
    )
    sure = _sure(numbers)
    return [
        name_of(model),
        digits,
        f"{numbers['exact_match']:.2%}",
        *percent(numbers["right_length"], numbers["last_symbol"]),
        f"{left_out} ({chance})" if "4" in digits else "-",
        " to ".join(dict.fromkeys(map(str, lengths[:1] + lengths[-1:]))) or "-",
        confidence,
        "-" if sure is None else f"{sure:.1%} of {numbers['wrong']:,.4g}",
    ]


def _sure(numbers: Found) -> float | None:
    """The share of the wrong answers that have a great confidence; None if none is wrong."""
    return numbers["sure_of_wrong"] / numbers["wrong"] if numbers["wrong"] else None


def _failures(digits: str, asked: Mapping[str, Any]) -> Iterable[str]:
    """What is to be said of one length."""
    n = next(iter(asked.values()))["n"]
    best = max(asked, key=lambda model: asked[model]["exact_match"])
    exact = asked[best]["exact_match"]
    yield f"Of {n:,} sums of a number of {digits.replace('+', ' digits and one of ')} digits," + (
        f" {exact:.2%} are answered rightly by the best model, {name_of(best)}."
        if exact
        else " none is answered rightly by any model."
    )
    refused = [name_of(model) for model, numbers in asked.items() if numbers["refused"] == n]
    if refused:
        yield f"They are too long for {listed(refused)} to be read at all, which is said instead of an answer."
    answers = [numbers for numbers in asked.values() if numbers["lengths"]]
    if not answers:
        return
    longest, wanted = (max(int(k) for each in answers for k in each[part]) for part in ("lengths", "true_lengths"))
    left_out, chance = (span([each[f"digit_left_out{part}"] for each in answers]) for part in ("", "_by_chance"))
    yield (
        f"The longest answer has {longest} symbols, the longest true one {wanted}. The last digit is right in "
        f"{span([each['last_symbol'] for each in answers])} of the answers; {left_out} are right for what "
        f"remains when one digit is left out of each number of four ({chance} by chance: if each sum had the answer to "
        "another, as long and with the same first and last digit)."
    )
    doubts = [share for share in map(_sure, answers) if share is not None]
    yield (
        f"Do they say so? Their mean confidence is {span([each['confidence'] for each in answers])}"
        + (f", and {span(doubts)} of their wrong answers have one of at least 90 %." if doubts else ".")
    )
