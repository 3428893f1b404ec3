def test_pairs_on_standard_output(henkan):
    first = henkan("generate", "addition", "--count", "100", "--seed", "3").stdout
    assert first == henkan("generate", "addition", "--count", "100", "--seed", "3").stdout
    lines = first.splitlines()
    assert len(lines) == 100
    for line in lines:
        question, answer = line.split("\t")
        assert sum(map(int, question.split("+"))) == int(answer)


def test_tasks_are_listed(henkan):
    shown = henkan("tasks").stdout
    for name in ("addition", "subtraction", "multiplication", "dates", "reversal"):
        assert f"{name}: " in shown
    assert "5,050 available" in shown


def test_mistakes_are_told_in_a_sentence(refused):
    assert "no task 'sums'; the tasks are addition" in refused("generate", "sums")
    assert "multiplication has only 5050 distinct pairs" in refused("generate", "multiplication", "--count", "6000")
    assert "the count must be at least 1" in refused("generate", "addition", "--count", "0")
