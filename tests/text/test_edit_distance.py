import random
import tracemalloc
from itertools import pairwise, product

import numpy as np
import pytest

from henkan.text import edit_distance
from henkan.text.edit_distance import SMOOTHING, EditDistance
from henkan.text.edit_lattice import DELETE, INSERT, MATCH
from henkan.text.vocabulary import Vocabulary


def encode(sources, targets):
    """Return the ids of both sides, the target id of each source symbol, and the number of target symbols."""
    source, target = Vocabulary.of(sources, boundary=False), Vocabulary.of(targets, boundary=True)
    same = np.array([target.id_of(symbol) for symbol in source.symbols_by_id], int)
    return source.encode_all(sources), target.encode_all(targets), same, len(target)


def every_edit_sequence(x, y):
    """Yield all sequences of edits (kind, source id, target id) that turn x into y."""
    if not x and not y:
        yield []
    if y:
        yield from ([(INSERT, -1, y[0]), *rest] for rest in every_edit_sequence(x, y[1:]))
    if x:
        yield from ([(DELETE, x[0], -1), *rest] for rest in every_edit_sequence(x[1:], y))
    if x and y:
        yield from ([(MATCH, x[0], y[0]), *rest] for rest in every_edit_sequence(x[1:], y[1:]))


def log_probability(model, edits, same):
    """Log-probability of a sequence of edits."""
    total, logs = 0.0, model.logs
    for kind, x, y in edits:
        source, target = model.source_classes[x], model.target_classes[y]
        if kind == INSERT:
            total += logs.insert[target]
        elif kind == DELETE:
            total += logs.delete[source]
        else:
            total += logs.copy[source] if same[x] == y else logs.substitute[source, target]
    return total


def edits_of(alignment, row):
    """The edits of a pair, as from `every_edit_sequence`."""
    part = slice(*alignment.offsets[row : row + 2])
    columns = alignment.kinds[part], alignment.source[part], alignment.target[part]
    return list(zip(*(column.tolist() for column in columns), strict=True))


def random_pairs(seed, count=12, longest=4):
    generator = random.Random(seed)

    def draw(symbols):
        return "".join(generator.choices(symbols, k=generator.randrange(longest + 1)))

    return [draw("abcx") for _ in range(count)], [draw("abcQ") for _ in range(count)]


@pytest.mark.parametrize("seed", range(3))
def test_each_iteration_increases_the_probability_of_the_pairs(seed):
    """EM with smoothed counts never decreases the log-probability of the pairs plus that of a few uses of each edit."""
    sources, targets, same, symbols = encode(*random_pairs(seed, count=8))
    classes = edit_distance._classes(sources, len(same)), edit_distance._classes(targets, symbols)
    model = EditDistance._initial(*classes)

    def objective(model):
        every = (
            [log_probability(model, edits, same) for edits in every_edit_sequence(list(x), list(y))]
            for x, y in ((sources[k], targets[k]) for k in range(len(sources)))
        )
        pairs = sum(np.logaddexp.reduce(logs) for logs in every)
        return pairs, pairs + SMOOTHING * sum(array.sum() for array in model.logs)

    found = [objective(model)]
    for _ in range(5):
        model = model.improved(sources, targets, same)
        assert sum(np.exp(array).sum() for array in model.logs) == pytest.approx(1)
        found.append(objective(model))
    (first, _), *_, (last, _) = found
    assert last > first + 1
    smoothed = [value for _, value in found]
    assert all(after >= before - 1e-4 for before, after in pairwise(smoothed))


def test_counts_are_expectations():
    """The counts of one iteration, by enumeration of all edits."""
    sources, targets, same, symbols = encode(*random_pairs(3, count=6, longest=3))
    model = EditDistance.learn(sources, targets, same, symbols)
    expected = dict.fromkeys((INSERT, DELETE, MATCH), 0.0)
    for x, y in ((sources[k], targets[k]) for k in range(len(sources))):
        every = list(every_edit_sequence(list(x), list(y)))
        logs = np.array([log_probability(model, edits, same) for edits in every])
        for edits, share in zip(every, np.exp(logs - np.logaddexp.reduce(logs)), strict=True):
            for kind, _, _ in edits:
                expected[kind] += share
    total = sum(expected.values()) + SMOOTHING * sum(array.size for array in model.logs)
    logs = model.improved(sources, targets, same).logs
    for kind, arrays in ((INSERT, [logs.insert]), (DELETE, [logs.delete]), (MATCH, [logs.copy, logs.substitute])):
        count = sum(np.exp(array).sum() * total - SMOOTHING * array.size for array in arrays)
        assert count == pytest.approx(expected[kind], rel=1e-4, abs=1e-4)


@pytest.mark.parametrize("seed", range(3))
def test_alignment_is_the_most_probable_sequence_of_edits(seed):
    sources, targets, same, symbols = encode(*random_pairs(seed, count=20))
    model = EditDistance.learn(sources, targets, same, symbols)
    alignment = model.align(sources, targets, same)
    for row in range(len(sources)):
        edits, every = edits_of(alignment, row), list(every_edit_sequence(list(sources[row]), list(targets[row])))
        assert edits in every
        best = max(log_probability(model, each, same) for each in every)
        assert log_probability(model, edits, same) == pytest.approx(best, rel=1e-12)


def test_known_alignments_of_an_invented_spelling():
    """c is written k, q writes kw, h is silent, and a final e is an inserted schwa."""
    rules = {"c": "k", "q": "kw", "h": "", "a": "a", "o": "o", "t": "t", "n": "n", "s": "s"}
    words = ["".join(part) for part in product("cqtns", "ao", ["", "h"], "tnsc")]
    spoken = ["".join(rules[letter] for letter in word) + "ə" for word in words]
    source, target = Vocabulary.of(words, boundary=False), Vocabulary.of(spoken, boundary=True)
    sources, targets, same, symbols = encode(words, spoken)
    alignment = EditDistance.learn(sources, targets, same, symbols).align(sources, targets, same)

    def shown(word):
        edits = edits_of(alignment, words.index(word))
        letters = [
            (source.symbols_by_id[x] if x >= 0 else "", target.symbols_by_id[y] if y >= 0 else "") for _, x, y in edits
        ]
        return " ".join(f"{x}>{y}" for x, y in letters)

    assert shown("can") == "c>k a>a n>n >ə"
    assert shown("cohc") == "c>k o>o h> c>k >ə"
    assert shown("toht") == "t>t o>o h> t>t >ə"
    assert shown("qas") in ("q>k >w a>a s>s >ə", ">k q>w a>a s>s >ə")
    assert len({shown(word).count("q>k") for word in words if word[0] == "q"}) == 1  # always the same


def test_empty_strings():
    sources, targets, same, symbols = encode(["", "ab", "", "c"], ["", "", "xy", "c"])
    alignment = EditDistance.learn(sources, targets, same, symbols).align(sources, targets, same)
    assert [[kind for kind, *_ in edits_of(alignment, row)] for row in range(4)] == [
        [], [DELETE] * 2, [INSERT] * 2, [MATCH]
    ]  # fmt: skip
    nothing = sources.take(np.arange(0)), targets.take(np.arange(0))
    empty = EditDistance.learn(*nothing, same, symbols).align(*nothing, same)
    assert len(empty.kinds) == 0
    assert empty.offsets.tolist() == [0]


def test_long_strings_need_little_memory(monkeypatch):
    monkeypatch.setattr(edit_distance, "ITERATIONS", 1)
    generator = random.Random(0)
    texts = ["".join(generator.choices("abcdef", k=500)) for _ in range(6)]
    changed = [text[:250].upper() + text[249:-1] for text in texts]
    sources, targets, same, symbols = encode(texts, changed)
    tracemalloc.start()
    model = EditDistance.learn(sources, targets, same, symbols)
    alignment = model.align(sources, targets, same)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 100e6
    assert (np.diff(alignment.offsets) >= 500).all()
    for row in range(6):
        assert [x for _, x, _ in edits_of(alignment, row) if x >= 0] == sources[row].tolist()
        assert [y for _, _, y in edits_of(alignment, row) if y >= 0] == targets[row].tolist()


def test_very_long_pairs_are_aligned_but_not_learned_from(monkeypatch):
    sources, targets, same, symbols = encode(["ab", "b" * 30], ["ab", "Q" * 30])
    short = sources.take(np.arange(1)), targets.take(np.arange(1))
    expected = EditDistance.learn(*short, same, symbols)
    monkeypatch.setattr(edit_distance, "LEARNED_CELLS", 400)
    monkeypatch.setattr(edit_distance, "MAX_LATTICE", 100)
    model = EditDistance.learn(sources, targets, same, symbols)
    for name, array in model.logs._asdict().items():
        np.testing.assert_array_equal(array, getattr(expected.logs, name))
    assert len(edits_of(model.align(sources, targets, same), 1)) == 30
    unequal = encode(["b" * 25, "b" * 20], ["Q" * 20, "Q" * 25])
    monkeypatch.setattr(edit_distance, "LEARNED_CELLS", 10**6)
    alignment = EditDistance.learn(*unequal).align(*unequal[:3])
    for row, rest in ((0, DELETE), (1, INSERT)):
        kinds = alignment.kinds[alignment.offsets[row] : alignment.offsets[row + 1]].tolist()
        assert kinds == [MATCH] * 20 + [rest] * 5
    only_long = sources.take(np.array([1])), targets.take(np.array([1]))
    kinds = EditDistance.learn(*only_long, same, symbols).align(*only_long, same).kinds
    assert (kinds == MATCH).all()


def test_size_of_the_lattices_does_not_affect_the_result(monkeypatch):
    sources, targets, same, symbols = encode(*random_pairs(5, count=60, longest=9))
    model = EditDistance.learn(sources, targets, same, symbols)
    alignment = model.align(sources, targets, same)
    monkeypatch.setattr(edit_distance, "MAX_CELLS", 500)
    assert len(list(model._lattices(sources, targets, edit_distance._copies(sources, same)))) > 10
    for actual, expected in zip(model.align(sources, targets, same), alignment, strict=True):
        np.testing.assert_array_equal(actual, expected)
    again = EditDistance.learn(sources, targets, same, symbols)
    for actual, expected in zip(again.logs, model.logs, strict=True):
        np.testing.assert_allclose(actual, expected, rtol=1e-4)


def test_rare_symbols_share_a_class(monkeypatch):
    monkeypatch.setattr(edit_distance, "MAX_CLASSES", 3)
    sources, targets, same, symbols = encode(["aaabbc", "aabd", "ef"], ["aaabbc", "aabd", "eg"])
    model = EditDistance.learn(sources, targets, same, symbols)
    assert model.source_classes.tolist() == [0, 1, 2, 2, 2, 2]
    assert sorted(set(model.target_classes.tolist())) == [0, 1, 2]
    assert [array.shape for array in model.logs] == [(3,), (3, 3), (3,), (3,)]
    kinds = model.align(sources, targets, same).kinds
    assert (kinds == MATCH).all()


def test_learning_is_deterministic_and_independent_of_the_order():
    sources, targets, same, symbols = encode(*random_pairs(6, count=50, longest=7))
    model = EditDistance.learn(sources, targets, same, symbols)
    for actual, expected in zip(EditDistance.learn(sources, targets, same, symbols).logs, model.logs, strict=True):
        np.testing.assert_array_equal(actual, expected)
    order = np.random.default_rng(0).permutation(50)
    shuffled = sources.take(order), targets.take(order)
    other = EditDistance.learn(*shuffled, same, symbols)
    for actual, expected in zip(other.logs, model.logs, strict=True):
        np.testing.assert_allclose(actual, expected, rtol=1e-5)
    first, second = model.align(sources, targets, same), model.align(*shuffled, same)
    assert [edits_of(second, k) for k in range(50)] == [edits_of(first, k) for k in order]


def test_many_pairs_are_sampled_evenly(monkeypatch):
    sources, targets, same, symbols = encode(*random_pairs(8, count=31))
    rows = np.arange(0, 31, 5)
    expected = EditDistance.learn(sources.take(rows), targets.take(rows), same, symbols)
    monkeypatch.setattr(edit_distance, "MAX_PAIRS", 7)
    actual = EditDistance.learn(sources, targets, same, symbols)
    for array, other in zip(actual.logs, expected.logs, strict=True):
        np.testing.assert_array_equal(array, other)
