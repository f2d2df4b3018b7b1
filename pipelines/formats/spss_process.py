"""Reads an SPSS file from standard input and writes it to standard output as an Arrow stream.

A program of its own, started by ``pipelines.formats.spss``: the C library behind pyreadstat can end its process on a
damaged file, which must not be the night's. So nothing of the project is imported, and nothing of the file
is printed. The argument is how many bytes of memory it may take: a small file can unpack to any number of cases.
The exit code is 2 where the library refuses the file.
"""

from __future__ import annotations

import io
import json
import resource
import sys

import pyarrow as pa
import pyreadstat

REFUSED = 2


def main() -> int:
    """Read, write, and say how it went by the exit code."""
    memory = int(sys.argv[1])
    if sys.platform == "linux":  # elsewhere the limit means something else
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    source = io.BytesIO(sys.stdin.buffer.read())
    try:
        values, described = pyreadstat.read_sav(
            source, output_format="dict", disable_datetime_conversion=True
        )
    except (pyreadstat.ReadstatError, UnicodeDecodeError, MemoryError):
        return REFUSED
    if None in values:  # a variable without a name: the file is damaged
        return REFUSED
    is_text = {name: kind == "string" for name, kind in described.readstat_variable_types.items()}
    table = pa.table(
        {
            name: pa.array(column, pa.string() if is_text[name] else pa.float64(), from_pandas=True)
            for name, column in values.items()
        },
        metadata={
            "formats": json.dumps(described.original_variable_types),
            "labels": json.dumps(described.column_names_to_labels),
            "codes": json.dumps(
                {
                    name: [[code, meaning] for code, meaning in meanings.items()]
                    for name, meanings in described.variable_value_labels.items()
                }
            ),
        },
    )
    with pa.ipc.new_stream(sys.stdout.buffer, table.schema) as stream:
        stream.write_table(table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
