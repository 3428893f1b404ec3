import pytest

from henkan import Seq2Seq, Started, load
from henkan.config import ModelConfig
from henkan.recipes import make_configs
from henkan.text.pairs import Pairs
from henkan.text.target_symbols import with_target_symbols
from henkan.text.tasks import TASKS

WORDS = make_configs({})[0]
LEXICON = Pairs(["hello", "world", "cat", "eye"], ["HH AH L OW", "W ER L D", "K AE T", "AY"])


def symbols(sources, targets, model=WORDS):
    return with_target_symbols(model, Pairs(sources, targets)).target_symbols


@pytest.mark.parametrize(
    ("sources", "targets"),
    [
        (LEXICON.sources, LEXICON.targets),
        (["ka", "sta", "zero"], ["k a", "s t a", "z e r o"]),
        (["東京", "私"], ["t o o k y o o", "w a t a sh i"]),
        (["good morning", "thank you"], ["g U d m O r n I N", "T { N k j u"]),
        (["h e l l o", "c a t"], ["HH AH L OW", "K AE T"]),
    ],
)
def test_phones_are_split_at_spaces(sources, targets):
    assert symbols(sources, targets) == " "


@pytest.mark.parametrize(
    ("sources", "targets"),
    [
        (["a", "b"], ["september 27, 1994", "september 28, 1994"]),
        (["1994-09-27", "2001-01-03"], ["27 sep 1994", "3 jan 2001"]),
        (["102", "21"], ["one hundred two", "twenty one"]),
        (["I am ok.", "He is my dad."], ["Je suis ok.", "Il est mon papa."]),
        (["我 爱 你", "我 很 好"], ["I love you", "I am ok"]),
        (["New York", "Los Angeles"], ["N Y", "L A"]),
        (["12", "34"], ["1 2", "3 4"]),
        (["a", "b"], ["x", "y"]),
        (["a", "b"], ["", ""]),
        (["", ""], ["a b c", "a b c"]),
        ([], []),
    ],
)
def test_sentences_names_numbers_and_dates_remain_characters(sources, targets):
    assert symbols(sources, targets) == "characters"


@pytest.mark.parametrize("task", TASKS)
def test_tasks_are_characters_in_both_directions(task):
    pairs = TASKS[task].generate(500)
    assert symbols(pairs.sources, pairs.targets) == symbols(pairs.targets, pairs.sources) == "characters"


def test_given_symbols_and_other_recipes_are_not_changed():
    assert symbols(*vars(LEXICON).values(), make_configs({"target_symbols": "characters"})[0]) == "characters"
    for recipe in ("modern", "book"):
        assert symbols(*vars(LEXICON).values(), make_configs({}, recipe=recipe)[0]) == "characters"
    assert symbols(*vars(LEXICON).values(), ModelConfig(fill=True, target_symbols=None)) == "characters"


def test_targets_of_a_lexicon_are_always_split():
    assert with_target_symbols(WORDS, Pairs(["a"], ["x"]), lexicon=True).target_symbols == " "


def test_fit_chooses_the_symbols_and_saves_them(tmp_path):
    events = []
    small = {"epochs": 1, "hidden_size": 4, "embedding_size": 4}
    model = Seq2Seq(**small).fit(list(LEXICON.sources), list(LEXICON.targets), callback=events.append)
    assert [event.target_symbols for event in events if isinstance(event, Started)] == [" "]
    model.save(tmp_path / "m")
    vocabulary = load(tmp_path / "m")._fitted.saved.first.target_vocabulary
    assert "HH" in vocabulary.symbols
    assert load(tmp_path / "m")._fitted.saved.first.model.target_symbols == " "
    model.fit(["a b", "c"], ["some words", "more words"], callback=events.append)  # chosen again
    assert [event.target_symbols for event in events if isinstance(event, Started)] == [" ", "characters"]


def test_an_interrupted_fit_is_resumed_with_the_symbols_it_chose(tmp_path):
    class StopError(Exception):
        pass

    def stop(event):
        if type(event).__name__ == "Epoch":
            raise StopError

    data = (list(LEXICON.sources), list(LEXICON.targets))
    small = {"epochs": 3, "hidden_size": 4, "embedding_size": 4}
    with pytest.raises(StopError):
        Seq2Seq(**small).fit(*data, callback=stop, checkpoint=tmp_path / "c", checkpoint_every=0)
    resumed = Seq2Seq(**small).fit(*data, checkpoint=tmp_path / "c")
    assert resumed._fitted.saved.first.model.target_symbols == " "
