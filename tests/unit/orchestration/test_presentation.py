from __future__ import annotations

from orchestration.presentation import bar_plot, markdown_table


def test_a_table_writes_numbers_for_people_and_escapes_what_would_break_it() -> None:
    text = markdown_table(("name", "rows"), [("a|b\nc", 1234567), ("d", None), ("e", 0.5), ("f", True)]).value
    assert text.splitlines() == [
        "| name | rows |",
        "| --- | --- |",
        "| a\\|b c | 1,234,567 |",
        "| d |  |",
        "| e | 0.50 |",
        "| f | yes |",
    ]


def test_the_longest_bar_belongs_to_the_largest_value() -> None:
    lines = bar_plot([("small", 1), ("large", 4)], " rows").value.splitlines()[1:-1]
    assert [line.count("█") for line in lines] == [6, 24]
    assert lines[1].endswith("4 rows")


def test_a_plot_of_nothing_is_no_error() -> None:
    assert bar_plot([]).value
    assert bar_plot([("none", 0)]).value
