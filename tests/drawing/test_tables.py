from henkan.drawing.tables import aligned


def test_columns_are_aligned_by_the_width_on_a_terminal():
    assert aligned([("a", "1"), ("日本", "20"), ("e\u0301", "3")], right=[1]) == [
        "a      1",
        "日本  20",
        "e\u0301      3",
    ]
