import random

import numpy as np
import pytest

from henkan.batching.copy_ids import CopyIds, copies_of
from henkan.model.edit_actions import COPY, DELETE, END, EditActions
from henkan.text.tokenizer import Sequences, Tokenizer, tokenize
from henkan.text.vocabulary import Vocabulary

TAGS = Tokenizer(features=True, sort_tags=True)


def codec_of(sources, targets, *, tags=False, unknown=False, reverse=False):
    """Return a codec that has learned from pairs, and the ids of both sides."""
    tokenizer = TAGS if tags else Tokenizer()
    source = Vocabulary.of(sources, boundary=False, unknown=unknown, tokenizer=tokenizer)
    target = Vocabulary.of(targets, boundary=True)
    codec = EditActions(source, target, reverse=reverse)
    ids = source.encode_all(sources), target.encode_all(targets)
    codec.learn(*ids)
    return codec, *ids


def random_pairs(seed, count=40):
    """Pairs of zero to six symbols; "x" and "y" are in sources only, "Q" and "R" in targets only."""
    generator = random.Random(seed)

    def draw(symbols):
        return "".join(generator.choices(symbols, k=generator.randrange(7)))

    return [draw("abcxy") for _ in range(count)], [draw("abcQR") for _ in range(count)]


def names(codec, actions):
    """Actions as text: "=" is a copy, "-" a deletion, ">v" a substitution, "+v" an insertion, "." the end."""
    plain = {END: ".", DELETE: "-", COPY: "="}
    table, symbols = codec.actions, codec.target.symbols_by_id
    signs = ("+" if inserts else ">" for inserts in table.inserts[actions])
    return [plain.get(a, sign + symbols[table.writes[a]]) for a, sign in zip(actions, signs, strict=True)]


@pytest.mark.parametrize(("tags", "reverse"), [(False, False), (True, False), (True, True)])
@pytest.mark.parametrize("seed", range(5))
def test_decode_is_the_inverse_of_encode(tags, reverse, seed):
    texts, targets = random_pairs(seed)
    generator = random.Random(seed)
    sources = [text + "\t" + ";".join(generator.sample(["A", "B", "C"], k=k % 4)) for k, text in enumerate(texts)]
    codec, source_ids, target_ids = codec_of(sources if tags else texts, targets, tags=tags, reverse=reverse)
    encoded = codec.encode(source_ids, target_ids)
    for row, text in enumerate(texts):
        actions, source = encoded[row].tolist(), source_ids[row].tolist()
        assert codec.decode(source, actions) == codec.decode(source, actions[:-1]) == target_ids[row].tolist()
        assert codec.is_complete(encoded[row]).tolist() == [False] * (len(actions) - 1) + [True]
        assert codec.actions.moves[actions].sum() == len(text)
        assert len(actions) <= codec.max_steps(len(source))
        assert max(actions) < codec.size
        position = 0
        for action in actions:  # the masks of decoding allow every sequence that is trained on
            allowed = codec.actions.at_end if position == len(text) else codec.actions.before_end
            assert allowed[action]
            position += codec.actions.moves[action]


def test_reversed_targets_have_the_same_actions_from_the_end():
    sources, targets = ["walk", "talk", "stalk"], ["walked", "talked", "stalked"]
    codec, *ids = codec_of(sources, targets)
    backward, *_ = codec_of(sources, targets, reverse=True)
    for row in range(3):
        forward = codec.encode(*ids)[row].tolist()
        assert backward.encode(*ids)[row].tolist() == [*forward[-2::-1], END]
    source = ids[0][0].tolist()
    assert backward.decode(source, [codec.actions.insertion(np.array(codec.target.id_of("d"))), COPY]) == [
        codec.target.id_of("k"),
        codec.target.id_of("d"),
    ]


def test_each_action_in_an_inflected_word():
    sources = ["walk", "talk", "sing", "ring", "lend", "send", "", "go"]
    targets = ["walked", "talked", "sang", "rang", "lent", "sent", "was", ""]
    codec, source_ids, target_ids = codec_of(sources, targets)
    encoded = codec.encode(source_ids, target_ids)
    shown = [" ".join(names(codec, row)) for row in (encoded[k] for k in range(len(sources)))]
    assert shown == [
        "= = = = +e +d .",
        "= = = = +e +d .",
        "= >a = = .",
        "= >a = = .",
        "= = = >t .",
        "= = = >t .",
        "+w +a +s .",
        "- - .",
    ]


def test_only_empty_strings():
    codec, source_ids, target_ids = codec_of(["", ""], ["", ""])
    assert codec.size == 3
    encoded = codec.encode(source_ids, target_ids)
    assert encoded[0].tolist() == encoded[1].tolist() == [END]
    assert codec.decode([], [END]) == []


def test_copy_of_a_symbol_outside_the_target_vocabulary_names_its_position():
    codec, *_ = codec_of(["ab\tPL", "xb\tPL"], ["ab", "ab"], tags=True, unknown=True)
    V = len(codec.target)
    source = codec.source.encode("xb?\tPL", use_unknown=True)
    assert source[3] == 0  # the unknown symbol
    b = codec.target.id_of("b")
    assert codec.decode(source, [COPY, COPY, COPY, END]) == [V + 1, b, V + 3]  # position 0 is the tag
    assert codec.decode(source, [DELETE, COPY, codec.actions.insertion(np.array(1)), COPY]) == [b, 1, V + 3]
    assert codec.decode(source, [COPY] * 5) == [V + 1, b, V + 3]  # nothing is left to copy


def random_output(codec, source, generator):
    """Random actions that are possible for a source."""
    left, actions = len(source) - codec.text_start(source), []
    while not actions or actions[-1] != END:
        possible = np.flatnonzero(codec.actions.before_end if left else codec.actions.at_end).tolist()
        actions.append(generator.choice([*possible, *[COPY if left else END] * len(possible)]))
        left -= codec.actions.moves[actions[-1]]
    return actions


def written(codec, source, output):
    """The string that an output writes. Feature tags are never written."""
    tokens, V = codec.source.tokenizer.tokenize(source), len(codec.target)
    ids = codec.decode(codec.source.encode(source, use_unknown=True), output)
    symbols = [codec.target.symbols_by_id[id] if id < V else tokens[id - V] for id in ids]
    return "".join(symbol for symbol in symbols if len(symbol) == 1)


def encoded_with_copies(codec, sources, targets):
    """The actions for targets that may have symbols of the sources which the target vocabulary lacks."""
    tokenizer, target = codec.source.tokenizer, codec.target
    copies = [copies_of(tokenizer.tokenize(source), tokenizer, target) for source in sources]
    ids = [target.encode(string, others=others) for string, others in zip(targets, copies, strict=True)]
    copy_ids = CopyIds.of(tokenize(sources, tokenizer), tokenizer, target)
    source_ids = codec.source.encode_known(sources, use_unknown=True)[0]
    return codec.encode(source_ids, Sequences.of(ids, 1000), copy_ids)


@pytest.mark.parametrize(("tags", "reverse"), [(False, False), (True, False), (True, True)])
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("longest", [None, 0], ids=["lattice", "long"])
def test_every_output_with_copies_has_the_actions_of_its_string(tags, reverse, seed, longest, monkeypatch):
    """Q is unknown in a source but not in a target, x and y the other way round, and "?", "!" in both."""
    codec, *_ = codec_of(*random_pairs(seed), tags=tags, unknown=True, reverse=reverse)
    generator = random.Random(seed)
    sources = ["".join(generator.choices("abxyQ?!", k=generator.randrange(8))) for _ in range(40)]
    if tags:
        sources = [source + "\t" + ";".join(generator.sample("ABN", k=k % 3)) for k, source in enumerate(sources)]
    ids = [codec.source.encode(source, use_unknown=True) for source in sources]
    outputs = [random_output(codec, each, generator) for each in ids]
    targets = [written(codec, source, output) for source, output in zip(sources, outputs, strict=True)]
    assert sum(not set(target) <= {*codec.target.symbols} for target in targets) > 10
    if longest is not None:
        monkeypatch.setattr("henkan.text.edit_distance.MAX_LATTICE", longest)
    copy_ids = CopyIds.of(tokenize(sources, codec.source.tokenizer), codec.source.tokenizer, codec.target)
    canonical = codec.canonical(ids, outputs, copy_ids)
    encoded = encoded_with_copies(codec, sources, targets)
    for row, (source, target) in enumerate(zip(sources, targets, strict=True)):
        assert written(codec, source, canonical[row]) == target
        assert encoded[row].tolist() == canonical[row]


def test_symbols_that_a_source_lacks_or_has_in_another_order_cannot_be_written():
    codec, *_ = codec_of(["ab", "ba", "a"], ["ab", "ba", "a"], unknown=True)
    sources = ["a?b!", "a?b!", "??", "??", "?!"] * 2
    targets = ["a?!", "a!?", "??", "???", "??"] * 2
    for reverse in (False, True):
        codec.reverse = reverse
        possible = [len(each) > 0 for each in map(encoded_with_copies(codec, sources, targets).__getitem__, range(10))]
        assert possible == [True, False, True, False, False] * 2


def test_an_output_with_a_copy_that_cannot_be_a_target_symbol_stays_as_it_is():
    tokenizer = Tokenizer(unit=" ")
    source = Vocabulary.of(["a b"], boundary=False, unknown=True, tokenizer=tokenizer)
    codec = EditActions(source, Vocabulary.of(["ab"], boundary=True))
    codec.learn(source.encode_all(["a b"]), codec.target.encode_all(["ab"]))
    ids = [source.encode("a xy", use_unknown=True)] * 2
    copy_ids = CopyIds.of(tokenize(["a xy"] * 2, tokenizer), tokenizer, codec.target)
    a = int(codec.actions.substitution(np.array(1)))
    assert codec.canonical(ids, [[a, COPY, END], [a, DELETE, END]], copy_ids) == [[a, COPY, END], [COPY, DELETE, END]]


def test_an_unknown_symbol_is_copied_rather_than_written_otherwise():
    """Q is sometimes inserted, but where the source has it, it is copied as other symbols are."""
    codec, *_ = codec_of(["ab", "ba", "abb", "bab"], ["abQ", "ba", "abb", "bab"], unknown=True)
    encoded = encoded_with_copies(codec, ["aQb", "Qb"], ["aQbQ", "aQb"])
    assert [names(codec, each) for each in (encoded[0], encoded[1])] == [
        ["=", "=", "=", "+Q", "."],
        ["+a", "=", "=", "."],
    ]


def test_text_starts_after_the_last_known_tag():
    codec, *_ = codec_of(["ab\tP;R", "b\tR"], ["ab", "b"], tags=True, unknown=True)
    target = codec.target.encode_all(["ab"])
    starts = []
    for tags in ("P;R", "A;P;R", "P;Q;R", "R", ""):
        source = codec.source.encode(f"ab\t{tags}", use_unknown=True)
        starts.append(codec.text_start(source))
        encoded = codec.encode(codec.source.encode_known([f"ab\t{tags}"], use_unknown=True)[0], target)
        assert encoded[0].tolist() == [COPY, COPY, END]
        assert codec.decode(source, encoded[0].tolist()) == target[0].tolist()
    assert starts == [2, 3, 3, 1, 0]


def test_max_steps():
    codec, *_ = codec_of(["abc"], ["abcde"])
    assert codec.max_steps(7) == 2 * (5 + 1) + 7


def test_positions_in_a_codec_with_more_symbols():
    small, *_ = codec_of(["ab", "c"], ["bd", "f"])
    large, *_ = codec_of(["abcg", "c"], ["abcdefg", "f"])
    positions = small.positions_in(large)
    assert len(set(positions)) == small.size
    actions = np.array(positions)
    assert names(large, actions) == names(small, np.arange(small.size))
    for attribute in ("moves", "inserts", "at_end", "before_end"):
        np.testing.assert_array_equal(getattr(large.actions, attribute)[actions], getattr(small.actions, attribute))


def test_number_of_actions_determines_the_table():
    codec, *_ = codec_of(["ab"], ["abc"])
    table = type(codec.actions).of_size(codec.size)
    for attribute in ("writes", "moves", "inserts"):
        np.testing.assert_array_equal(getattr(table, attribute), getattr(codec.actions, attribute))


def test_restored_codec_encodes_alike():
    sources, targets = random_pairs(7)
    codec, *ids = codec_of(sources, targets)
    assert all(array.dtype == np.float32 for array in codec.arrays.values())
    other = EditActions(codec.source, codec.target)
    other.restore(codec.arrays)
    expected, actual = codec.encode(*ids), other.encode(*ids)
    np.testing.assert_array_equal(actual.flat, expected.flat)
    for name, array in other.arrays.items():
        np.testing.assert_array_equal(array, codec.arrays[name])


@pytest.mark.parametrize(
    "change",
    [
        lambda arrays: arrays.pop("copy"),
        lambda arrays: arrays.update(more=np.zeros(1, np.float32)),
        lambda arrays: arrays.update(insert=arrays["insert"][1:]),
        lambda arrays: arrays.update(substitute=arrays["substitute"].T[1:]),
        lambda arrays: arrays.update(source_classes=arrays["source_classes"] - 1),
        lambda arrays: arrays.update(target_classes=arrays["target_classes"] * 10**6),
        lambda arrays: arrays.update(target_classes=np.append(arrays["target_classes"], np.float32(0))),
        lambda arrays: arrays.update(source_classes=arrays["source_classes"] * np.float32(np.nan)),
        lambda arrays: arrays.update(delete=arrays["delete"] - np.float32(np.inf)),
    ],
)
def test_damaged_arrays_are_refused(change):
    codec, *_ = codec_of(["ab", "xc"], ["abd", "d"])
    arrays = dict(codec.arrays)
    change(arrays)
    with pytest.raises(ValueError, match=r"arrays|finite"):
        EditActions(codec.source, codec.target).restore(arrays)
