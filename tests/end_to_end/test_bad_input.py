"""A file that is wrong costs that file, or that row, and nothing else of the night."""

from __future__ import annotations

from .conftest import Company


def test_broken_files_cost_themselves_only(company: Company) -> None:
    """A broken row, a missing column, a wrong encoding, no rows, no bytes: five new files beside a good one."""
    folder = company.config.parent / "crm" / "order_lines"
    template = sorted(folder.glob("*.csv"))[-1].read_text(encoding="utf-8").splitlines()
    header, line = template[0], template[1].split(",")

    def row(number: int, order: str = "NEW") -> str:
        values = dict(zip(header.split(","), line, strict=True))
        values |= {header.split(",")[0]: f"{order}-{number}"}
        return ",".join(values.values())

    (folder / "z-1-broken-row.csv").write_text(
        f"{header}\n{row(1)}\nonly,three,fields\n{row(2)}\n", encoding="utf-8"
    )
    (folder / "z-2-no-column.csv").write_text("Surprise,Qty\n1,2\n", encoding="utf-8")
    (folder / "z-3-encoding.csv").write_bytes(f"{header}\n".encode() + "Größe,1\n".encode("latin-1"))
    (folder / "z-4-no-rows.csv").write_text(f"{header}\n", encoding="utf-8")
    (folder / "z-5-empty.csv").write_bytes(b"")
    before = company.query(
        "select rows_loaded from meta.reconciliation where table_name = 'crm.order_lines'"
    )[0][0]

    result = company.night()

    assert result.published, result.failures
    loaded = company.query(
        "select rows_loaded from meta.reconciliation where table_name = 'crm.order_lines'"
    )[0][0]
    assert loaded == before + 2
    from pipelines.warehouse import open_warehouse

    with open_warehouse(company.home, read_only=True) as connection:
        quarantined = connection.sql(
            "select file, line, reason, original_text from quarantine.rows where file like '%z-1-broken-row.csv'"
        ).fetchall()
        files = dict(
            connection.sql(
                "select file.split('/')[-1], reason from ingest.files where reason is not null and file like '%z-%'"
            ).fetchall()
        )
    assert quarantined == [
        (
            "crm/order_lines/z-1-broken-row.csv",
            3,
            f"3 fields where the header has {len(line)}",
            "only,three,fields",
        )
    ]
    assert "needs the column" in files["z-2-no-column.csv"]
    assert "It has: Surprise, Qty" in files["z-2-no-column.csv"]
    assert "not utf-8: line 2" in files["z-3-encoding.csv"]
    assert "no records" in files["z-4-no-rows.csv"]
    assert "empty" in files["z-5-empty.csv"]
