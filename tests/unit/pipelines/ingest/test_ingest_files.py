"""What is remembered of files from one night to the next."""

from __future__ import annotations

CONFIG = """
    files: "*.csv"
    format: csv
    required: false
    tables: [{table: org.departments, columns: {department: id}}]
"""
KNOWN = "select file, status from ingest.files order by all"


def test_a_refused_file_that_was_taken_away_is_forgotten_and_a_loaded_one_is_not(exports):
    exports.config = CONFIG
    good, bad = exports.write("good.csv", "id\na\n"), exports.write("bad.csv", "other\na\n")
    exports.night()
    assert exports.query(KNOWN) == [("bad.csv", "rejected"), ("good.csv", "loaded")]
    bad.unlink()
    good.unlink()
    exports.night()
    assert exports.query(KNOWN) == [("good.csv", "loaded")]
