from henkan.converter import Conversion
from henkan.evaluation import Evaluation


def test_exact_match_counts_unanswerable_sources_as_wrong():
    conversions = [
        Conversion("a", "A", -0.1),
        Conversion("b", "b", -0.1),
        Conversion("?", None, None, "unknown symbol '?'"),
        Conversion("", "", -0.1),
    ]
    result = Evaluation(conversions, ["A", "B", "", ""])
    assert (result.total, result.correct, result.unanswerable, result.exact_match) == (4, 2, 1, 0.5)


def test_no_pairs_at_all():
    assert Evaluation([], []).exact_match == 0
