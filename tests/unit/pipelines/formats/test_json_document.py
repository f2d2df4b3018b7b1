"""JSON documents: the list of records is found, cut up to the letter, and everything else is a clear error."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.formats.json_document import json_document, json_export
from pipelines.formats.records import LINE, RECORD, Records, UnreadableFileError

TEXT = st.text(alphabet=st.sampled_from('a"\\/,:[]{}\n\té\u20ac\U0001f600 '), max_size=6)
VALUE = st.recursive(
    TEXT | st.integers() | st.none() | st.booleans(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
OBJECT = st.dictionaries(TEXT, VALUE, max_size=4)


def rows(records: Records, *fields: str) -> list[tuple[str | None, ...]]:
    return records.frame.select(*fields).rows()


@given(
    before=OBJECT,
    elements=st.lists(OBJECT, max_size=4),
    after=OBJECT,
    indent=st.sampled_from([None, 0, 2]),
    ascii_only=st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_records_stand_as_they_were_written(before, elements, after, indent, ascii_only):
    document = {"b": before, "page": {**after, "list": elements}, "z": [after, elements]}
    text = json.dumps(document, indent=indent, ensure_ascii=ascii_only).encode()
    found = json_document(text, "page.list").records([], None)
    assert found.rejected.is_empty()
    assert found.frame[LINE].to_list() == list(range(1, len(elements) + 1))
    originals = found.original_text(found.frame[RECORD])
    assert [json.loads(original) for original in originals] == elements
    assert all(original.encode() in text for original in originals)


def test_fields_of_nested_objects_are_read_by_dots():
    text = b'{"tickets": [{"id": 1, "via": {"channel": "web"}, "amount": 1.50}, {"id": 2}], "count": 2}'
    found = json_document(text, "tickets").records(["id", "via.channel", "amount"], None)
    assert rows(found, "id", "via.channel") == [("1", "web"), ("2", None)]
    assert found.original_text(found.frame[RECORD])[0].endswith('"amount": 1.50}')


def test_a_list_inside_each_record_explodes():
    text = b'[{"id": 1, "events": [{"id": 7}, {"id": 8}]}, {"id": 2, "events": []}, {"id": 3}]'
    found = json_document(text, None).records(["id", "events.id", "events._position"], "events")
    assert rows(found, "id", "events.id", "events._position") == [("1", "7", "1"), ("1", "8", "2")]
    assert found.frame[LINE].to_list() == [1, 1]


def test_an_element_that_is_no_object_is_rejected_alone():
    found = json_document(b'[{"id": 1}, 7, null, "x", [1], {"id": 2},]', None).records(["id"], None)
    assert rows(found, "id") == [("1",), ("2",)]
    assert found.frame[LINE].to_list() == [1, 6]
    assert [(line, text) for line, _, text in found.rejected.rows()] == [
        (2, "7"), (3, "null"), (4, '"x"'), (5, "[1]"),
    ]  # fmt: skip
    assert set(found.rejected["reason"]) == {"the record is no JSON object"}


def test_an_element_of_an_exploded_list_that_is_no_object_is_rejected_alone():
    found = json_document(b'[{"id": 1, "l": [{"d": "x"}, 7]}]', None).records(["l.d"], "l")
    assert rows(found, "l.d") == [("x",)]
    assert found.rejected.rows() == [(1, "an element of l is no object", '{"id": 1, "l": [{"d": "x"}, 7]}')]
    assert found.count == 2


@pytest.mark.parametrize("text", [b"[]", b" [ ] ", b'{"a": {"b": []}}', b'{"a": {"b": null}}'])
def test_an_empty_list_has_no_records(text):
    path = None if b"a" not in text else "a.b"
    assert json_document(text, path).records(["id"], None).count == 0


def test_the_first_of_two_lists_of_one_name_counts():
    assert json_document(b'{"l": [{}], "l": [{}, {}]}', "l").records([], None).count == 1


def test_names_and_backslashes_do_not_mislead():
    text = json.dumps({"x": '\\"l\\": [1', "é\n": {"a]": '"\\\\'}, "l": [{"v": '\\",['}, {"v": "\\\\"}]})
    found = json_document(text.encode(), "l").records(["v"], None)
    assert rows(found, "v") == [('\\",[',), ("\\\\",)]


@pytest.mark.parametrize(
    ("text", "records", "message"),
    [
        (b"", None, r"^the file is empty: it holds no JSON document$"),
        (b" \n", "tickets", r"^the file is empty"),
        (b'{"tickets": [{"id": 1}, {"id', "tickets", r"line 1, column 26 \(Unterminated .* in the middle of it\.$"),
        (b'{"tickets": [{"id": 1}', "tickets", r"line 1, column 23 .* The file ends in the middle of it\.$"),
        (b"id,status\n1,open\n", "tickets", r"^the file is no JSON document: line 1, column 1 \(Expecting value\)\.$"),
        (b'[{"id": 1}\x00]', None, r"no JSON document: line 1, column 11"),
        (b'{"id": 1}\n{"id": 2}\n', "tickets", r"one JSON value per line: declare format: jsonl$"),
        (b"[" * 200_000, None, r"nested too deeply|no JSON document"),
        (b'{"users": [], "count": 0}', "tickets", r"^the document has no tickets; it has the lists users$"),
        (b'{"page": {"users": []}}', "page.tickets", r"^page has no tickets; it has the lists users$"),
        (b'{"tickets": {"id": 1}}', "tickets", r"^tickets is no list of records\. Name the list with records$"),
        (b'{"tickets": "none"}', "tickets", r"^tickets is no list"),
        (b'{"tickets": [], "users": []}', None, r"^the document is no list .* the lists tickets, users\. Name"),
        (b'{"Jane Doe": []}', None, r"^the document is no list of records\. Name"),
        (b'"tickets"', "tickets", r"^the document has no tickets$"),
        (b"null", None, r"^the document is no list"),
        (b"7", None, r"^the document is no list"),
        (b'[{"id": 1}]', "tickets", r"^the document has no tickets$"),
    ],
)  # fmt: skip
def test_what_is_no_list_of_records_is_one_clear_error(text, records, message):
    with pytest.raises(UnreadableFileError, match=message):
        json_document(text, records)


def test_a_message_quotes_nothing_that_stands_in_the_file():
    with pytest.raises(UnreadableFileError) as raised:
        json_document(b'{"jane@example.org": [{"name": "Jane", "x": \\}]', None)
    assert "ane" not in str(raised.value)


def test_deeply_nested_but_sound_is_read():
    deep = b"[" * 50_000 + b"]" * 50_000
    assert json_document(b'[{"id": 1, "deep": ' + deep + b"}]", None).records(["id"], None).count == 1


@pytest.mark.parametrize(
    "text",
    [
        b'{"tickets": [{"id": 1}, {"id": 2}]}',
        b'{"tickets": [\n{"id": 1},\n{"id": 2}\n]}',
        b'\n{"id": 1}\n{"id": 2}\n',
        b'[{"id": 1}, {"id": 2}]',
    ],
)
def test_an_export_is_one_document_or_a_line_for_each_record(text):
    path = None if text.startswith(b"[") else "tickets"
    assert rows(json_export(text, path).records(["id"], None), "id") == [("1",), ("2",)]


def test_an_export_of_a_single_ticket_is_a_line():
    assert rows(json_export(b'{"id": 1}', "tickets").records(["id"], None), "id") == [("1",)]


def test_a_broken_line_of_an_export_is_rejected_alone():
    found = json_export(b'{"id": 1}\n{"id": \n{"id": 3}\n', "tickets").records(["id"], None)
    assert rows(found, "id") == [("1",), ("3",)]
    assert found.rejected["line"].to_list() == [2]


@pytest.mark.parametrize(
    "text", [b'{"tickets": [{"id": 1}, {"id"', b"id,status\n1,open\n", b'{\n"users": []\n}']
)
def test_what_is_neither_is_refused(text):
    with pytest.raises(UnreadableFileError):
        json_export(text, "tickets")
