"""Answers the questions of python.py through a shell that people type into.

    shell.py duckdb PROGRAM FILE
    shell.py psql PROGRAM ADDRESS

A shell that is open is a connection.
"""

from __future__ import annotations

import json
import subprocess
import sys

from python import COMMENTS_IN_FILE, COMMENTS_IN_POSTGRES, IN_FILE, IN_POSTGRES

END = "that was all"
DUCKDB = ("-readonly", "-batch", "-list", "-noheader", "-separator", "\t")
PSQL = ("-qAtX", "-F", "\t", "-v", "ON_ERROR_STOP=1")
COMMENTS = {"duckdb": COMMENTS_IN_FILE, "psql": COMMENTS_IN_POSTGRES}


def opened(kind, program, address):
    command = [program, *DUCKDB, address] if kind == "duckdb" else [program, *PSQL, address]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def ask(shell, sql):
    """The lines of the answer. Raises RuntimeError where the shell ends instead."""
    shell.stdin.write(f"{sql};\nselect '{END}';\n")
    shell.stdin.flush()
    lines = []
    for line in shell.stdout:
        if line.strip() == END:
            return lines
        lines.append(line.rstrip("\n").split("\t"))
    raise RuntimeError(f"the shell ended with {shell.wait()}")


def close(shell):
    shell.stdin.close()
    shell.wait()


def main():
    kind, program, address = sys.argv[1:]
    version = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    first, beside = opened(kind, program, address), None
    print(json.dumps({"client": " ".join(version.split()[:3])}), flush=True)
    for line in sys.stdin:
        if line.strip() == "same":
            asked = first
        elif line.strip() == "beside":
            asked = beside = opened(kind, program, address)
        else:
            close(beside)
            close(first)
            asked = first = opened(kind, program, address)
        rows = ask(asked, IN_FILE if kind == "duckdb" else IN_POSTGRES)
        [[comments]] = ask(asked, COMMENTS[kind])
        print(json.dumps({"rows": rows, "comments": int(comments)}), flush=True)


if __name__ == "__main__":
    main()
