"""The section on how long h remains in the decoder's state."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from henkan_experiments.formatting import (
    PEEKY_PAIRS,
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
    "h is the decoder's initial hidden state, which is the encoder's last. A ridge regression, fitted to other sums, "
    "predicts h from the decoder's state (hidden and cell) after each step of teacher forcing; the table shows the "
    'explained share of the variance of h. "Symbols alone" is the share explained by the previous symbols of the '
    "answer, without any state. A Peeky decoder receives h at every step, so what can be read from its state was not "
    "necessarily kept there."
)
SWAPPING = (
    "That h can be read does not mean that the decoder uses it. In a second test the decoder therefore starts from the "
    "initial state of another sum, while its peeky or attention input is that of its own sum, or the other way round; "
    "no model was trained on such combinations. With teacher forcing, the table shows how often the correct symbol is "
    "the most probable one, for the first, second, third and fourth symbol. Only symbols in which the two answers "
    "differ are counted."
)
CONDITIONS = ("undisturbed", "other_state", "other_view")
KNOWN = 0.5  # accuracy from which on it makes sense to ask what a symbol depends on; chance is a tenth


def describe_fading(results: Results, pictures: Sequence[str]) -> Iterable[str]:
    """Paragraphs on `henkan_experiments.fading.fading`, by model."""
    yield "### How fast h fades in the decoder's state"
    yield METHOD
    caption = "Explained variance of h after each step, and accuracy with another sum's initial state"
    yield from map(image(caption), pictures)
    steps = range(1, 5)
    header = ["model", *[f"step {t}" for t in steps], "hidden state alone, step 4", "symbols alone, step 4"]
    rows = [
        [
            model_title(model),
            *[with_error(numbers["state"][t], numbers["state_error"][t]) for t in steps],
            with_error(numbers["hidden"][4], numbers["hidden_error"][4]),
            with_error(numbers["symbols"][4], numbers["symbols_error"][4]),
        ]
        for model, numbers in results.items()
    ]
    yield table(header, rows)
    pairs = available_pairs(PEEKY_PAIRS, results)
    if pairs:
        yield bullets(_readability(results, *pair) for pair in pairs)
    yield SWAPPING
    header = ["model", "symbols counted", "undisturbed", "other sum's state", "other sum's input"]
    yield table(header, [_swapping_row(model, numbers) for model, numbers in results.items()])
    yield bullets(_fourth_symbol(model, numbers) for model, numbers in results.items())


def _readability(results: Results, without: str, with_: str) -> str:
    """Explained variance of h with and without a Peeky decoder."""
    plain, peeky = results[without], results[with_]
    clauses = []
    for t in (1, 4):
        shares, errors = ((peeky[name][t], plain[name][t]) for name in ("state", "state_error"))
        word = comparison(shares, errors, ("lower", "higher", "no significant difference"))
        clauses.append(f"{shares[0]:.1%} and {shares[1]:.1%} after step {t} ({word})")
    changes = [100 * (numbers["state"][4] - numbers["state"][1]) for numbers in (peeky, plain)]
    return (
        f"{model_title(with_)} compared with {model_title(without)}: {', '.join(clauses)}. From step 1 to step 4 the "
        f"share changes by {changes[0]:+.1f} points with a Peeky decoder and by {changes[1]:+.1f} points without."
    )


def _swapping_row(model: str, numbers: Results) -> list[str]:
    cells = [" / ".join(percent(*numbers[condition]["accuracy"])) for condition in CONDITIONS]
    if _has_no_input(numbers):
        cells[-1] = "no such input"
    return [model_title(model), " / ".join(f"{count:.0f}" for count in numbers["counted"]), *cells]


def _has_no_input(numbers: Results) -> bool:
    """Whether the decoder has neither a peeky nor an attention input, so that swapping it changes nothing."""
    same: bool = numbers["other_view"] == numbers["undisturbed"]
    return same


def _fourth_symbol(model: str, numbers: Results) -> str:
    known, state, view = (numbers[condition]["accuracy"][-1] for condition in CONDITIONS)
    if known is None:
        return f"{model_title(model)}: no two answers differ in their fourth symbol."
    text = (
        f"{model_title(model)}: the fourth symbol is correct in {known:.1%} of the sums undisturbed, {state:.1%} with "
        "the other sum's state"
    )
    if _has_no_input(numbers):
        return f"{text}. The initial state is its only information about the source."
    return f"{text}, {view:.1%} with the other sum's input. {_dependence(known, state, view)}"


def _dependence(known: float, state: float, view: float) -> str:
    """What determines a symbol, by how much accuracy remains when the state or the input is another sum's."""
    low, high = 0.25 * known, 0.75 * known
    if known < KNOWN:
        return "The accuracy is too low to tell what the symbol depends on."
    if state <= low and view >= high:
        return "The symbol depends on the initial state."
    if view <= low and state >= high:
        return "The symbol depends on the peeky or attention input, and no longer on the initial state."
    return "Neither the initial state nor the peeky or attention input determines the symbol alone."
