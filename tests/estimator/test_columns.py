"""Sources and targets as columns of the real table libraries."""

import numpy as np
import pytest

from henkan import DataError, Seq2Seq, inspect

pytestmark = pytest.mark.workbench
pd = pytest.importorskip("pandas")
pl = pytest.importorskip("polars")
pa = pytest.importorskip("pyarrow")
datasets = pytest.importorskip("datasets")

SMALL = {"recipe": "modern", "epochs": 1, "hidden_size": 8, "embedding_size": 4}
VALUES = ["ab", "ba", "aé", "b"]


def hugging_face(values):
    return datasets.Dataset.from_dict({"word": values})["word"]


FORMS = {
    "list": list,
    "tuple": tuple,
    "NumPy str": np.array,
    "NumPy object": lambda values: np.array(values, object),
    "pandas": pd.Series,
    "pandas with another index": lambda values: pd.Series(values, index=range(10, 10 + len(values))),
    "pandas object": lambda values: pd.Series(values, dtype=object),
    "pandas string": lambda values: pd.Series(values, dtype="string"),
    "pandas string of pyarrow": lambda values: pd.Series(values, dtype="string[pyarrow]"),
    "pandas ArrowDtype": lambda values: pd.Series(values, dtype=pd.ArrowDtype(pa.string())),
    "pandas category": lambda values: pd.Series(values, dtype="category"),
    "pandas index": pd.Index,
    "polars": lambda values: pl.Series("word", values),
    "polars category": lambda values: pl.Series("word", values, dtype=pl.Categorical),
    "pyarrow": pa.array,
    "pyarrow chunks": lambda values: pa.chunked_array([values[:1], values[1:]]),
    "Hugging Face": hugging_face,
    "column of pandas": lambda values: pd.DataFrame({"word": values})["word"],
    "column of polars": lambda values: pl.DataFrame({"word": values})["word"],
}
MISSING = {
    "list": lambda values: values,
    "pandas": pd.Series,
    "pandas object": lambda values: pd.Series(values, dtype=object),
    "pandas string": lambda values: pd.Series(values, dtype="string"),
    "pandas ArrowDtype": lambda values: pd.Series(values, dtype=pd.ArrowDtype(pa.string())),
    "polars": lambda values: pl.Series("word", values),
    "pyarrow": pa.array,
    "Hugging Face": hugging_face,
    "nan of NumPy": lambda values: np.array([np.nan if each is None else each for each in values], object),
}
TABLES = {
    "pandas": lambda values: pd.DataFrame({"word": values}),
    "polars": lambda values: pl.DataFrame({"word": values}),
    "pyarrow": lambda values: pa.table({"word": values}),
    "Hugging Face": lambda values: datasets.Dataset.from_dict({"word": values}),
}


@pytest.fixture(scope="module")
def model():
    """A model that has learnt to copy, so that its predictions can be used as targets."""
    return Seq2Seq(**SMALL | {"epochs": 100}).fit(VALUES, VALUES)


@pytest.mark.parametrize("form", FORMS)
def test_every_form_trains_the_same_model(form):
    given = FORMS[form](VALUES)
    models = [Seq2Seq(**SMALL).fit(each, each) for each in (given, VALUES)]
    assert models[0].log_probability(given, given) == models[1].log_probability(VALUES, VALUES)


@pytest.mark.parametrize("form", FORMS)
def test_every_method_reads_every_form(form, model):
    given, expected = FORMS[form](VALUES), model.convert(VALUES)
    assert model.predict(given) == model.predict(VALUES)
    assert model.convert(given) == expected
    assert model.align(given, given) == model.align(VALUES, VALUES)
    assert model.score(given, given) == model.score(VALUES, VALUES)
    assert model.evaluate(given, given).to_dict() == model.evaluate(VALUES, VALUES).to_dict()
    assert (
        inspect(given, given, dev=(given, given)).to_dict() == inspect(VALUES, VALUES, dev=(VALUES, VALUES)).to_dict()
    )
    assert set(model.predict(VALUES, allow=given)) <= {*VALUES}
    assert model.convert(["ab"], lexicon={"ab": given}) == model.convert(["ab"], lexicon={"ab": VALUES})


def test_validation_set_unlabelled_sources_and_lexicon(model):
    for form in FORMS.values():
        given = form(VALUES)
        fitted = Seq2Seq(**SMALL).fit(VALUES, VALUES, dev=(given, given), teacher=model, unlabelled=form(["aa", "bb"]))
        assert fitted.exact_match_ is not None
        assert fitted.summary().labelled > 0
        assert fitted.add_to_lexicon(given, given).lexicon["ab"] == ["ab"]


@pytest.mark.parametrize("form", MISSING)
def test_missing_values_are_refused_with_their_row(form, model):
    given = MISSING[form](["ab", None, "b"])
    with pytest.raises(DataError, match=r"sources\[1\] is missing .*; remove or fill missing values first"):
        model.predict(given)
    with pytest.raises(DataError, match=r"targets\[1\] is missing"):
        Seq2Seq(**SMALL).fit(["a", "b", "c"], given)
    with pytest.raises(DataError, match=r"dev\[0\]\[1\] is missing"):
        Seq2Seq(**SMALL).fit(["a"], ["b"], dev=(given, ["a", "b", "c"]))


@pytest.mark.parametrize("form", TABLES)
def test_tables_are_refused_with_the_name_of_a_column(form, model):
    with pytest.raises(DataError, match=r'sources is a table .*; give one of its columns, such as df\["word"\]'):
        model.predict(TABLES[form](VALUES))


def test_history_is_a_table(model):
    for frame in (pd.DataFrame(model.history_), pl.DataFrame(model.history_)):
        assert list(frame.columns) == list(model.history_[0])
        assert len(frame) == 100


def test_numbers_and_bytes_are_refused(model):
    for given, shown in [(pd.Series([1, 2]), "1"), (np.array([b"a"]), "b'a'"), (pl.Series([True]), "True")]:
        with pytest.raises(DataError, match=rf"sources\[0\] is .*{shown}.*, not a string"):
            model.predict(given)
