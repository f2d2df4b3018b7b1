from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
import sqlalchemy as sa

from data_quality.duckdb_dialect import HELD_ROWS, connection_string


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "a folder, 100 % ünïcode" / "warehouse.duckdb"
    path.parent.mkdir()
    with duckdb.connect(str(path)) as connection:
        connection.execute("create table numbers as select range as n from range(3)")
    return path


@pytest.fixture
def engine(database: Path) -> Iterator[sa.Engine]:
    engine = sa.create_engine(connection_string(database))
    yield engine
    engine.dispose()


def test_rows_outlive_their_connection(engine: sa.Engine) -> None:
    with engine.connect() as connection:
        result = connection.execute(sa.text("select n from numbers order by n"))
    assert [tuple(row) for row in result.fetchall()] == [(0,), (1,), (2,)]


def test_rows_come_one_by_one_and_in_parts(engine: sa.Engine) -> None:
    with engine.connect() as connection:
        result = connection.execute(sa.text("select n from numbers order by n"))
        assert tuple(result.fetchone()) == (0,)
        assert [tuple(row) for row in result.fetchmany(5)] == [(1,), (2,)]
        assert result.fetchone() is None


def test_a_rollback_keeps_the_rows(engine: sa.Engine) -> None:
    with engine.connect() as connection:
        result = connection.execute(sa.text("select count(*) from numbers"))
        connection.rollback()
        assert result.scalar_one() == 3


def test_nothing_can_be_written(engine: sa.Engine) -> None:
    with engine.connect() as connection, pytest.raises(sa.exc.DBAPIError, match="read-only"):
        connection.execute(sa.text("create table more (n integer)"))


def test_the_columns_of_a_large_result_are_known_and_its_rows_refused(engine: sa.Engine) -> None:
    with engine.connect() as connection:
        result = connection.execute(sa.text(f"select range as n, 'x' as text from range({HELD_ROWS + 1})"))
        assert list(result.keys()) == ["n", "text"]
        with pytest.raises(Exception, match="holds 1000 rows"):
            result.fetchall()


def test_a_result_as_large_as_can_be_held_is_whole(engine: sa.Engine) -> None:
    with engine.connect() as connection:
        assert len(connection.execute(sa.text(f"select * from range({HELD_ROWS})")).fetchall()) == HELD_ROWS


def test_no_lock_is_left_after_use_or_after_an_error(engine: sa.Engine, database: Path) -> None:
    with engine.connect() as connection:
        connection.execute(sa.text("select 1"))
    with engine.connect() as connection, pytest.raises(sa.exc.DBAPIError):
        connection.execute(sa.text("select * from nowhere"))
    writer = "import duckdb, sys; duckdb.connect(sys.argv[1]).execute('create table written (n integer)')"
    subprocess.run([sys.executable, "-c", writer, str(database)], check=True)


def test_a_missing_file_is_not_created(tmp_path: Path) -> None:
    engine = sa.create_engine(connection_string(tmp_path / "missing.duckdb"))
    with pytest.raises(Exception, match="does not exist"):
        engine.connect()
    assert not (tmp_path / "missing.duckdb").exists()
