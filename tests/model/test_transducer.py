from itertools import product

import numpy as np
import pytest

from henkan import Seq2Seq, Step, load
from henkan.batching.batch import Sources
from henkan.config import TrainingConfig
from henkan.inference.search import beam, greedy, score
from henkan.model.decoder import LossOptions
from henkan.model.edit_actions import END
from henkan.model.pointer_decoder import project_inputs
from henkan.nn import NONE, PLAIN, Backend, Regularization, gradient_check
from models import SOURCES, TAGGED, TARGETS, TRANSDUCER, encoded, loss_and_gradients, small_model

PAIRS = {False: (SOURCES, TARGETS), True: TAGGED}
SETTINGS = [
    {"layers": layers, "bidirectional": bidirectional, "features": features}
    for layers, bidirectional, features in product((1, 2), (False, True), (False, True))
]
SETTINGS += [
    {"layers": 1, "bidirectional": True, "features": features, "target_reverse": True} for features in (False, True)
]
each_setting = pytest.mark.parametrize("settings", SETTINGS, ids=str)
TINY = {"architecture": "transducer", "batch_size": 8, "hidden_size": 16, "embedding_size": 8, "dropout": 0.1}


def small_transducer(*, pairs=None, **settings):
    """Return an untrained converter, and a batch of all pairs."""
    return small_model(pairs=pairs or PAIRS[settings.get("features", False)], **TRANSDUCER, **settings)


@each_setting
def test_gradients(settings):
    converter, batch = small_transducer(hidden_size=2, **settings)
    engine = converter.model
    _, gradients = loss_and_gradients(engine, batch)
    gradient_check(lambda: engine.loss(batch), engine.parameters.arrays, gradients.arrays)


@pytest.mark.parametrize("settings", SETTINGS[::7], ids=str)
def test_gradients_with_dropout_and_label_smoothing(settings):
    """Every call uses the same dropout masks, so that the loss can be differentiated."""
    converter, batch = small_transducer(hidden_size=2, **settings)
    engine = converter.model

    def run():
        noise = Regularization(0.4, 0.3, 0.2, np.random.default_rng(3))
        return loss_and_gradients(engine, batch, regularization=noise)

    loss, gradients = run()
    assert loss != pytest.approx(engine.loss(batch), rel=1e-6)
    gradient_check(lambda: run()[0], engine.parameters.arrays, gradients.arrays)


@each_setting
def test_fused_kernels_give_the_same_gradients(settings):
    fused = pytest.importorskip("henkan.nn.kernels.fused", reason="numba is not installed; install `henkan[fast]`")
    converter, batch = small_transducer(**settings)
    loss, gradients = loss_and_gradients(converter.model, batch)
    fused_loss, fused_gradients = loss_and_gradients(converter.model, batch, backend=Backend(fused))
    assert fused_loss == pytest.approx(loss, rel=1e-12)
    np.testing.assert_allclose(fused_gradients.vector, gradients.vector, rtol=1e-9, atol=1e-13)


@each_setting
def test_padding_does_not_affect_loss_or_gradients(settings):
    """The loss of a batch is the sum of those of its pairs, also if a pair is longer than all others."""
    converter, batch = small_transducer(**settings)
    engine, steps = converter.model, int(batch.targets.valid.sum())
    loss, gradients = loss_and_gradients(engine, batch)
    sources, targets = PAIRS[settings["features"]]
    pairs = encoded(converter, sources, targets)
    alone = [loss_and_gradients(engine, pairs.batch(np.array([row])), steps) for row in range(len(sources))]
    assert sum(part for part, _ in alone) == pytest.approx(loss, rel=1e-12)
    np.testing.assert_allclose(sum(part.vector for _, part in alone), gradients.vector, rtol=1e-10, atol=1e-14)
    text, tab, tags = sources[1].partition("\t")
    long = encoded(converter, [*sources, text * 9 + tab + tags], [*targets, targets[1] * 9])
    longest = loss_and_gradients(engine, long.batch(np.array([len(sources)])), steps)[0]
    everything = loss_and_gradients(engine, long.batch(np.arange(len(sources) + 1)), steps)[0]
    assert everything == pytest.approx(loss + longest, rel=1e-12)


@each_setting
def test_steps_agree_with_the_loss(settings):
    converter, batch = small_transducer(**settings)
    engine, (sources, targets) = converter.model, PAIRS[settings["features"]]
    pairs = encoded(converter, sources, targets)
    for row in range(len(sources)):
        alone = pairs.batch(np.array([row]))
        output = [alone.targets.ids[:, 0].tolist()]
        total = score(engine, engine.encode(alone.sources), converter.codec, output)
        assert total[0, 0] == pytest.approx(-engine.loss(alone) * len(output[0]), rel=1e-10)
    logs = converter.score(sources, targets)[0]
    assert -logs.sum() == pytest.approx(engine.loss(batch) * batch.targets.valid.sum(), rel=1e-10)


@each_setting
def test_impossible_actions_have_no_probability(settings):
    converter, batch = small_transducer(**settings)
    engine, table = converter.model, converter.codec.actions
    texts = [source.partition("\t")[0] for source in PAIRS[settings["features"]][0]]
    generator = np.random.default_rng(0)
    encoding = engine.encode(batch.sources)
    memory, state = encoding.memory, encoding.state
    left = table.moves[batch.targets.inputs].sum(axis=0)  # symbols of each text that the pointer has not passed
    assert sorted(left) == sorted(map(len, texts))
    symbols = np.full(len(texts), END)
    for _ in range(12):
        output = engine.step(memory, state, symbols)
        state, possible = output.state, np.isfinite(output.log_probabilities)
        np.testing.assert_array_equal(possible, np.where((left == 0)[:, None], table.at_end, table.before_end))
        choices = [np.flatnonzero(row & (np.arange(table.size) != END)) for row in possible]
        symbols = np.array([generator.choice(each) for each in choices])
        left = left - table.moves[symbols]


@each_setting
def test_searches_give_complete_outputs_with_their_probability(settings):
    converter, batch = small_transducer(hidden_size=8, **settings)
    engine = converter.model
    for _ in range(150):
        engine.train_step([batch], 0.02)
    encoding = engine.encode(batch.sources)
    best = greedy(engine, encoding, converter.codec)
    several = beam(engine, encoding, converter.codec, width=3)
    valid = batch.sources.valid
    for n, (one, found) in enumerate(zip(best, several, strict=True)):
        source = batch.sources.ids[valid[:, n], n]
        text = len(source) - converter.codec.text_start(source)
        alone = Sources(source[:, None], np.ones(len(source), int))
        assert len({tuple(each.symbols) for each in found}) == 3
        for each in (one, *found):
            assert each.complete
            assert each.symbols[-1] == END
            assert np.isfinite(each.log_probability)
            assert converter.codec.actions.moves[list(each.symbols)].sum() == text
            [[total]] = score(engine, engine.encode(alone), converter.codec, [each.symbols])
            assert total == pytest.approx(each.log_probability, rel=1e-9)


def test_dropout_is_off_in_evaluation():
    training = TrainingConfig(dropout=0.5, embedding_dropout=0.5, label_smoothing=0.1)
    converter, batch = small_transducer(training=training)
    plain, _ = small_transducer()
    assert converter.model.loss(batch) == plain.model.loss(batch)


def test_batching_does_not_affect_predictions():
    for settings in SETTINGS:
        converter, batch = small_transducer(hidden_size=8, **settings)
        for _ in range(60):
            converter.model.train_step([batch], 0.02)
        sources = PAIRS[settings["features"]][0]
        for source, conversion in zip(sources, converter.convert(sources), strict=True):
            [alone] = converter.convert([source])
            if conversion.cut_off:
                continue  # the maximum number of steps depends on the longest source of the batch
            assert alone.prediction == conversion.prediction
            assert alone.log_probability == pytest.approx(conversion.log_probability, rel=1e-12, abs=1e-12)


def test_a_tag_that_becomes_unknown_does_not_move_the_start_of_the_text():
    converter, batch = small_transducer(features=True)
    architecture = converter.model.architecture
    first, rows = architecture._pointers(batch)
    assert first.tolist() == [architecture._text_start(batch.sources)[n] for n in range(batch.size)]
    assert first.max() == 2
    ids = np.where(architecture.is_tag[batch.sources.ids], batch.sources.ids.max(), batch.sources.ids)
    changed = type(batch)(Sources(ids, batch.sources.active), batch.targets)
    for actual, expected in zip(architecture._pointers(changed), (first, rows), strict=True):
        np.testing.assert_array_equal(actual, expected)


def test_saliency_sees_tags_and_text():
    converter, _ = small_transducer(features=True)
    batch = encoded(converter, ["ab\tPL;X"], ["abs"]).batch(np.arange(1))
    saliency = converter.model.saliency(batch)
    assert saliency.shape == batch.targets.ids.shape[:1] + batch.sources.ids.shape[:1]
    assert (saliency > 0).any(axis=0).all()
    # At the first step, the only influence of the last symbol of a source would be through a second direction.
    assert saliency[0, -1] == 0


WORDS = ["".join(letters) for length in (1, 2, 3) for letters in product("abcd", repeat=length)]
PLURALS = [word[:-1] + {"a": "as", "b": "p", "c": "cc", "d": ""}[word[-1]] for word in WORDS]


@pytest.fixture(scope="module")
def model():
    """A model that copies a word and changes its end."""
    settings = TINY | {"hidden_size": 32, "epochs": 40, "unknown_rate": 4.0, "embedding_dropout": 0.1}
    return Seq2Seq(**settings).fit(WORDS, PLURALS)


def test_a_task_is_learned_and_carried_over_to_unseen_symbols_and_lengths(model, tmp_path):
    assert model.predict(WORDS) == PLURALS
    assert model.predict(WORDS, beam=4) == PLURALS
    assert model.predict(["?a", "a?b", "Ωbd", "xyza"]) == ["?as", "a?p", "Ωb", "xyzas"]
    assert model.predict(["abcabc", "aabbccdd"]) == ["abcabcc", "aabbccd"]
    model.save(tmp_path / "model")
    loaded = load(tmp_path / "model")
    sources = [*WORDS, "a?b"]
    assert loaded.convert(sources, nbest=2, beam=3) == model.convert(sources, nbest=2, beam=3)
    np.testing.assert_array_equal(loaded.log_probability(WORDS, PLURALS), model.log_probability(WORDS, PLURALS))
    assert min(loaded.log_probability(WORDS, PLURALS)) > -1


def test_feature_tags_are_learned_with_unknown_tags_in_training():
    sources = [f"{word}\t{tags}" for word in WORDS[:30] for tags in ("SG", "PL", "PL;POL")]
    endings = {"SG": "", "PL": "s", "PL;POL": "x"}
    targets = [source.partition("\t")[0] + endings[source.partition("\t")[2]] for source in sources]
    settings = TINY | {"hidden_size": 32, "epochs": 30, "unknown_rate": 4.0, "features": True}
    model = Seq2Seq(calibrate_outside=False, **settings).fit(sources, targets)
    assert model.predict(sources) == targets
    predictions = model.predict(["ab\tNEW", "ab\tNEW;SG", "ab\tPL;ZZZ"])
    assert all("\t" not in text and "NEW" not in text and "ZZZ" not in text for text in predictions)
    assert predictions[1] == "ab"


def weights(model):
    return model._fitted.saved.members[0]


def assert_same_bits(first, second):
    for name, array in weights(first).items():
        np.testing.assert_array_equal(array, weights(second)[name], err_msg=name)


def test_any_number_of_threads_gives_the_same_bits(monkeypatch):
    models = []
    for threads in ("1", "2"):
        monkeypatch.setenv("HENKAN_THREADS", threads)
        models.append(Seq2Seq(**TINY | {"epochs": 3, "layers": 2}).fit(WORDS, PLURALS, dev=(WORDS[:9], PLURALS[:9])))
    assert_same_bits(*models)
    assert models[0].convert(WORDS) == models[1].convert(WORDS)


def test_interrupted_run_resumes_with_the_same_bits(tmp_path):
    settings, options = TINY | {"epochs": 4, "unknown_rate": 0.25}, {"dev": (WORDS[:9], PLURALS[:9])}
    complete = Seq2Seq(**settings).fit(WORDS, PLURALS, **options)

    def stop(event):
        if isinstance(event, Step) and event.step == 17:
            raise KeyboardInterrupt

    options["checkpoint"] = tmp_path / "checkpoint"
    with pytest.raises(KeyboardInterrupt):
        Seq2Seq(**settings).fit(WORDS, PLURALS, callback=stop, **options)
    assert_same_bits(Seq2Seq(**settings).fit(WORDS, PLURALS, **options), complete)


def test_training_further_with_new_symbols_keeps_the_known_ones(tmp_path, model, henkan):
    model.save(tmp_path / "first")
    (tmp_path / "more.tsv").write_text("ae\tae\nea\teasz\nee\tee\n" * 4)
    options = ("--from", "first", "--epochs", 1, "--learning-rate", 1e-9, "--dev", "none", "--out", "more")
    henkan("train", "more.tsv", *options)
    assert load(tmp_path / "more").predict(WORDS) == PLURALS


def test_states_under_the_pointer_are_dropped_separately_for_each_symbol():
    generator = np.random.default_rng(0)
    shapes = {"E": (5, 2), "lstm1.Wx": (2, 4), "lstm1.b": (4,), "Wp": (16, 4), "end": (1, 16)}
    weights = {name: generator.normal(size=shape) for name, shape in shapes.items()}
    rows, states = np.arange(6)[:, None], np.ones((6, 1, 16))
    noise = Regularization(dropout=0.5, generator=np.random.default_rng(1))
    for regularization, distinct in ((NONE, 1), (noise, 6)):
        options = LossOptions(None, regularization, PLAIN)
        inputs, _ = project_inputs(weights, states, np.zeros((6, 1), int), rows, options)
        table, read = inputs.states
        assert len(np.unique(table[read[:, 0]].round(9), axis=0)) == distinct
