"""What ingestion has counted over all nights, for a quick look: imports no more than the warehouse."""

from __future__ import annotations

from typing import Any

from pipelines.home import Home
from pipelines.warehouse import open_warehouse


def ingestion_totals(home: Home) -> list[dict[str, Any]]:
    """Per source, over all nights: files, the records in them or read from its tables, and what became of the rows.

    A record can be rows of several tables, so there may be more rows than records.
    """
    if not home.warehouse.exists():  # the first night stopped before it read a file
        return []
    with open_warehouse(home, read_only=True) as connection:
        found = connection.execute(
            """select source, coalesce(files, 0) as files, coalesce(files_rejected, 0) as files_rejected,
                coalesce(records, records_read) as records, rows_read, rows_loaded, rows_quarantined,
                rows_duplicate, rows_deleted
            from (
                select source, sum(records_read)::bigint as records_read,
                    sum(rows_read)::bigint as rows_read, sum(rows_loaded)::bigint as rows_loaded,
                    sum(rows_quarantined)::bigint as rows_quarantined, sum(rows_duplicate)::bigint as rows_duplicate,
                    sum(rows_deleted)::bigint as rows_deleted
                from ingest.loads group by source
            )
            full join (
                select source, count(*) as files, count(*) filter (where status = 'rejected') as files_rejected,
                    sum(records)::bigint as records
                from ingest.files group by source
            ) using (source)
            order by source"""
        )
        names = [column[0] for column in found.description]
        return [
            {k: v or 0 if k != "source" else v for k, v in zip(names, row, strict=True)}
            for row in found.fetchall()
        ]
