from henkan.reproduction import plan
from henkan.reproduction.plan import Plan, Run
from henkan.reproduction.runs import done_run, make_run
from henkan.text.pairs import Pairs


def test_what_is_told_of_is_the_state_after_the_last_epoch(tmp_path, words, monkeypatch):
    """And not the best epoch, which is chosen by the pairs that are asked."""
    monkeypatch.setattr(plan, "QUICK", plan.Size({}, {("addition", "modern"): 12}, {}))
    (tmp_path / "runs").mkdir()
    run, pairs = Run("addition", "modern", "both", 1), Pairs(*words)
    result = make_run(run, Plan(quick=True), (pairs, pairs), tmp_path)
    by_epoch = [epoch["exact_match"] for epoch in result["epochs"]]
    assert len(by_epoch) == 12
    assert by_epoch[0] < by_epoch[-1]
    right = sum(map(str.__eq__, result["answers"], words[1]))
    assert result["exact_match"] == right / len(words[1]) == by_epoch[-1]
    assert done_run(tmp_path, run) == result
    assert done_run(tmp_path, Run("addition", "modern", "both", 2)) is None
