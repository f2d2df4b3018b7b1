-- A failing row names a source and table in which rows, units or money got lost or counted twice between the file and
-- the published fact. Do not trust any total of that source until it is explained.
select
    source,
    table_name
from {{ ref('reconciliation') }}
where
    rows_read <> rows_loaded + rows_quarantined + rows_duplicate
    or rows_in_warehouse <> rows_loaded - rows_superseded
    or rows_in_warehouse <> rows_published + rows_after_as_of + coalesce(rows_without_order, 0)
    or quantity_read <> quantity_loaded + quantity_quarantined + quantity_duplicate
    or quantity_loaded - quantity_superseded <> quantity_published + quantity_not_published
    or amount_read <> amount_loaded + amount_quarantined + amount_duplicate
    or amount_loaded - amount_superseded <> amount_published + amount_not_published
