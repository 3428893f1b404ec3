def test_generated_pairs_are_correct_and_depend_on_the_seed(henkan):
    first = henkan("generate", "addition", "--count", "100", "--seed", "3").stdout
    assert first == henkan("generate", "addition", "--count", "100", "--seed", "3").stdout
    assert first == henkan("generate", "task:addition", "--count", "100", "--seed", "3").stdout
    lines = first.splitlines()
    assert len(lines) == 100
    for line in lines:
        source, target = line.split("\t")
        assert sum(map(int, source.split("+"))) == int(target)


def test_tasks_lists_all_tasks(henkan):
    shown = henkan("tasks").stdout
    for name in ("addition", "subtraction", "multiplication", "dates", "reversal"):
        assert f"{name}: " in shown
    assert "5,050 available" in shown
    assert "default settings: reverse yes, peeky yes, embedding size 16, hidden size 128" in shown


def test_invalid_arguments_are_refused(refused):
    assert "no task 'sums'; the tasks are addition" in refused("generate", "sums")
    assert "no task 'adition'; did you mean addition?" in refused("generate", "adition")
    assert "--seed must be a whole number from 0 to" in refused("generate", "addition", "--seed", "-1")
    assert "multiplication has only 5050 distinct pairs" in refused("generate", "multiplication", "--count", "6000")
    assert "the count must be at least 1" in refused("generate", "addition", "--count", "0")
