"""JSON Lines: named fields as text, lines that are none told apart."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.formats.json_lines import json_lines
from pipelines.formats.records import LINE, RECORD, Records

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=8)
LEAF = TEXT | st.integers(-(10**25), 10**25) | st.none() | st.booleans()


def values(records: Records) -> list[tuple[str | None, ...]]:
    return records.frame.drop(RECORD, LINE).rows()


def shown(value: object) -> str | None:
    if value is None:
        return None
    return (value if isinstance(value, str) else json.dumps(value)).strip() or None


@given(st.lists(st.fixed_dictionaries({"a": LEAF, "b": st.fixed_dictionaries({"c": LEAF})}), max_size=5))
@settings(max_examples=40, deadline=None)
def test_fields_come_as_the_text_they_say(objects):
    text = "".join(json.dumps(o, ensure_ascii=n % 2 == 0) + "\n" for n, o in enumerate(objects))
    found = json_lines(text.encode()).records(["a", "b.c", "nowhere.at.all"], None)
    rows = list(zip(*(found.frame[name] for name in ("a", "b.c", "nowhere.at.all")), strict=True))
    python = [(shown(o["a"]), shown(o["b"]["c"]), None) for o in objects]
    # Python's idea of a blank is wider than Unicode's by the separators 1C to 1F
    assert [[str(v).strip("\x1c\x1d\x1e\x1f") for v in row] for row in rows] == [
        [str(v).strip("\x1c\x1d\x1e\x1f") for v in row] for row in python
    ] or any(sign in text for sign in ("\\u001c", "\\u001d", "\\u001e", "\\u001f"))
    assert found.frame[LINE].to_list() == list(range(1, len(objects) + 1))


@pytest.mark.parametrize(
    "line", ["nope", "[1]", '"text"', "7", "null", '{"a":1', "{a:1}", '{"a":1} x', '{"a":"\\ud83d"}']
)
def test_a_line_that_is_no_object_is_rejected_alone(line):
    found = json_lines(f'{{"a":1}}\n\n{line}\n{{"a":2}}'.encode()).records(["a"], None)
    assert values(found) == [("1",), ("2",)]
    assert found.frame[LINE].to_list() == [1, 4]
    assert found.rejected.rows() == [(3, "the line is no JSON object", line)]
    assert found.count == 3


def test_numbers_too_long_for_a_float_stay_as_they_are():
    assert values(json_lines(b'{"a":123456789012345678901234567890}').records(["a"], None)) == [
        ("123456789012345678901234567890",)
    ]


def test_objects_and_lists_come_as_json_and_the_first_of_doubled_keys_counts():
    found = json_lines(b'{"a":{"b":[1,"x"]},"c":1,"c":2}').records(["a", "a.b", "c"], None)
    assert found.frame.select("a", "a.b", "c").row(0) == ('{"b":[1,"x"]}', '[1,"x"]', "1")


def test_names_that_sql_would_stumble_over():
    found = json_lines(b'{"a b":1,"it\'s":2,"select":3,"_line":4}').records(
        ["a b", "it's", "select", "_line"], None
    )
    assert found.frame.select("a b", "it's", "select", "_line").row(0) == ("1", "2", "3", "4")


def test_an_exploded_list_gives_a_record_for_each_element():
    text = (
        b'{"id":1,"l":[{"d":"x"},{"d":"y"}]}\n{"id":2,"l":[]}\n{"id":3}\n{"id":4,"l":null}\n{"id":5,"l":[7]}'
    )
    found = json_lines(text).records(["id", "l.d", "l._position"], "l")
    assert found.frame.select("id", "l.d", "l._position").rows() == [
        ("1", "x", "1"),
        ("1", "y", "2"),
    ]
    assert found.frame[LINE].to_list() == [1, 1]
    assert found.rejected.rows() == [(5, "an element of l is no object", '{"id":5,"l":[7]}')]


@pytest.mark.parametrize("value", ['{"d":"x"}', '"x"', "7"])
def test_something_else_in_place_of_the_list_is_no_silent_loss(value):
    found = json_lines(f'{{"id":1,"l":{value}}}'.encode()).records(["id"], "l")
    assert found.frame.is_empty()
    assert found.rejected.rows() == [(1, "l is no list", f'{{"id":1,"l":{value}}}')]


def test_a_nested_list_explodes():
    found = json_lines(b'{"a":{"b":[{"c":1}]}}').records(["a.b.c"], "a.b")
    assert values(found) == [("1",)]


@pytest.mark.parametrize("text", [b"", b"\n\n"])
def test_an_empty_file_has_no_records(text):
    assert json_lines(text).records(["a"], None).count == 0


def test_the_original_line_is_found_again():
    found = json_lines(b'{"a":1}\n\n{ "a" : 2 }\n').records(["a"], None)
    assert found.original_text(found.frame[RECORD]) == ['{"a":1}', '{ "a" : 2 }']
