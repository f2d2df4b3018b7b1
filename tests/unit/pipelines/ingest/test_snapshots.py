"""Files that are each all there is: the newest wins, what it no longer has goes, and a cut-off one changes nothing."""

from __future__ import annotations

import os

import pytest

CONFIG = """
    files: customers*.csv
    format: csv
    snapshot: true
    tables:
      - table: crm.customers
        columns: {customer_id: id, full_name: name, registered_at: {sql: "'2024-01-01'"}}
"""
HELD = "select customer_id, full_name from raw_crm.customers order by all"
TAKE_ALL = "thresholds: {stop_shrunk_share: 1}"


@pytest.fixture
def shop(exports):
    exports.config = CONFIG
    return exports


def customers(*names: str) -> str:
    return "id,name\n" + "".join(f"{name[0]},{name}\n" for name in names)


def outcomes(result) -> dict[str, str]:
    return {outcome.file: outcome.status for outcome in result.outcomes}


def test_what_the_newest_no_longer_has_is_deleted_and_loaded_again_when_it_comes_back(shop):
    shop.write("customers_1.csv", customers("Ann", "Ben", "Cem"))
    shop.night()
    shop.write("customers_2.csv", customers("Ann", "Cemal", "Dora"))
    result = shop.night()
    assert [(t.rows_loaded, t.rows_superseded, t.rows_duplicate, t.rows_deleted) for t in result.tables] == [
        (2, 1, 1, 1)
    ]
    assert shop.query(HELD) == [("A", "Ann"), ("C", "Cemal"), ("D", "Dora")]
    shop.write("customers_3.csv", customers("Ann", "Ben", "Cemal", "Dora"))
    shop.night()
    held = shop.query(HELD)
    assert held == [("A", "Ann"), ("B", "Ben"), ("C", "Cemal"), ("D", "Dora")]
    assert shop.query(
        "select sum(rows_loaded) - sum(rows_superseded) - sum(rows_deleted) from ingest.loads"
    ) == [(4,)]
    shop.rebuild()
    assert shop.query(HELD) == held


def test_one_file_that_is_exported_again_every_night(shop):
    shop.write("customers.csv", customers("Ann", "Ben"))
    shop.night()
    os.utime(shop.write("customers.csv", customers("Ann")), ns=(1, 1))
    result = shop.night(TAKE_ALL)
    assert result.changed_files == ["customers.csv"]
    assert shop.query(HELD) == [("A", "Ann")]


def test_of_several_only_the_newest_is_read_and_a_late_older_one_says_nothing(shop):
    for number, name in ((1, "Ann"), (2, "Ben"), (3, "Cem")):
        shop.write(f"customers_{number}.csv", customers(name))
    assert outcomes(shop.night()) == {
        "customers_1.csv": "outdated",
        "customers_2.csv": "outdated",
        "customers_3.csv": "loaded",
    }
    assert shop.query(HELD) == [("C", "Cem")]
    shop.write("customers_25.csv", customers("Dora"))  # sorts before customers_3
    result = shop.night()
    assert [(o.status, o.reason) for o in result.outcomes] == [("outdated", "customers_3.csv is newer")]
    assert shop.query(HELD) == [("C", "Cem")]
    assert shop.night().outcomes == []


def test_a_shrunk_one_is_refused_and_the_one_before_it_read(shop):
    everybody = ["Ann", "Ben", "Cem", "Dora", "Eva"]
    shop.write("customers_1.csv", customers(*everybody))
    shop.night()
    shop.write("customers_2.csv", customers(*everybody[1:], "Finn"))
    shop.write("customers_3.csv", customers("Ann", "Ben"))
    result = shop.night()
    assert outcomes(result) == {"customers_2.csv": "loaded", "customers_3.csv": "rejected"}
    assert "it has 2 records where the one before had 5: 60% fewer" in result.rejected[0].reason
    names = [name for (_, name) in shop.query(HELD)]
    assert names == ["Ben", "Cem", "Dora", "Eva", "Finn"]
    assert outcomes(shop.night()) == {"customers_3.csv": "rejected"}  # tried again every night
    assert outcomes(shop.night("thresholds: {stop_shrunk_share: 0.6}")) == {"customers_3.csv": "loaded"}
    assert shop.query(HELD) == [("A", "Ann"), ("B", "Ben")]


def test_a_file_that_shrinks_under_the_same_name_is_compared_with_what_was_loaded(shop):
    shop.write("customers.csv", customers("Ann", "Ben", "Cem"))
    shop.night()
    for _ in range(2):  # also after a refusal
        shop.write("customers.csv", customers("Ann"))
        assert outcomes(shop.night()) == {"customers.csv": "rejected"}
    assert len(shop.query(HELD)) == 3


def test_a_family_that_is_called_a_snapshot_by_mistake_loses_nothing(shop):
    """Each file has a part of the rows; the newest is no tenth of what the source has brought."""
    shop.config = CONFIG.replace("snapshot: true", "snapshot: false")
    shop.write("customers_1.csv", customers("Ann", "Ben", "Cem"))
    shop.night()
    shop.config = CONFIG
    shop.write("customers_2.csv", customers("Dora"))
    assert "3: 67% fewer" in shop.night().rejected[0].reason
    assert len(shop.query(HELD)) == 3


def test_what_quarantine_holds_is_not_gone(shop):
    shop.config = CONFIG.replace("{sql: \"'2024-01-01'\"}", "born")
    shop.write("customers_1.csv", "id,name,born\nA,Ann,1990-01-01\nB,Ben,1991-01-01\n")
    shop.night()
    shop.write("customers_2.csv", "id,name,born\nA,Ann,1990-01-01\nB,Benno,soon\n")
    assert shop.night().tables[0].rows_deleted == 0
    assert shop.query(HELD) == [("A", "Ann"), ("B", "Ben")]


@pytest.mark.parametrize("broken", [",Nobody\n", "B,Ben,and more\n"])
def test_nothing_is_deleted_while_a_record_may_be_what_is_missing(shop, broken):
    shop.write("customers_1.csv", customers("Ann", "Ben"))
    shop.night()
    shop.write("customers_2.csv", customers("Ann") + broken)
    result = shop.night()
    assert [o.reason for o in result.doubtful] == [
        "1 rows seem to be gone, but 1 records cannot be told from them because they have no key. "
        "Nothing was deleted; mend the records in quarantine"
    ]
    assert shop.query(HELD) == [("A", "Ann"), ("B", "Ben")]


def test_an_unreadable_newest_one_deletes_nothing(shop):
    shop.write("customers_1.csv", customers("Ann"))
    shop.night()
    shop.write("customers_2.csv", "other\n1\n")
    assert outcomes(shop.night()) == {"customers_2.csv": "rejected"}
    assert shop.query(HELD) == [("A", "Ann")]


def test_parts_of_an_interrupted_load_are_discarded(shop, monkeypatch):
    from pipelines.landing import LandingZone

    shop.write("customers_1.csv", customers("Ann", "Ben"))
    shop.night()
    shop.write("customers_2.csv", customers("Ann"))
    with monkeypatch.context() as patched:
        patched.setattr(LandingZone, "write_manifest", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            shop.night(TAKE_ALL)
    deleted = shop.home.landing / "deleted" / "crm.customers"
    assert len(list(deleted.iterdir())) == 1
    (shop.folder / "customers_2.csv").unlink()
    shop.night()
    assert list(deleted.iterdir()) == []
    assert shop.query(HELD) == [("A", "Ann"), ("B", "Ben")]


def test_a_landing_zone_of_an_earlier_version_is_loaded(shop):
    """Manifests and parts without the fields that came later have defaults for them."""
    import json

    import polars as pl

    shop.write("customers_1.csv", customers("Ann"))
    shop.night()
    manifest = next((shop.home.landing / "loads").glob("*.json"))
    content = json.loads(manifest.read_text())
    for later in ("columns", "cursors"):
        del content[later]
    for counts in content["tables"].values():
        del counts["keys_deleted"]
    manifest.write_text(json.dumps(content))
    part = next((shop.home.landing / "crm" / "customers").glob("*.parquet"))
    pl.read_parquet(part).drop("_extra", "phone").write_parquet(part)
    shop.rebuild()
    assert shop.query(HELD) == [("A", "Ann")]
