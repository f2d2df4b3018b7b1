"""Probable links: which people of the CRM are taken for one, and which contacts for whom.

Belongs here: from probable pairs to links, and the gates on the way. Does not: probabilities (``likeness``), nor what a
link is worth beside other evidence, which dbt decides: it comes last.
"""

from __future__ import annotations

from dataclasses import dataclass

import duckdb
import polars as pl

from pipelines.home import Home
from pipelines.load import last_load_id
from pipelines.matching.likeness import probable_pairs
from pipelines.matching.records import account_records, contact_records
from pipelines.matching.tables import create_tables
from pipelines.settings import Settings
from pipelines.warehouse import open_warehouse


@dataclass(frozen=True)
class Links:
    """What is proposed. Frames are ordered, so that the same records give the same tables bit for bit.

    Attributes:
        people: ``person_id``, ``same_person_id``, ``probability``: the first is taken for the second.
        contacts: ``unique_id``, ``person_id``, ``probability``.
        refused: ``cluster_id``, ``person_id``, ``people``: clusters with too many people in them.
    """

    people: pl.DataFrame
    contacts: pl.DataFrame
    refused: pl.DataFrame


@dataclass(frozen=True)
class LinkCounts:
    """What one run came to, in numbers that name nobody."""

    accounts: int
    contacts: int
    people_linked: int
    records_linked: int
    clusters_refused: int
    largest_refused: int


def refresh_links(home: Home, settings: Settings) -> LinkCounts:
    """Propose links from all that the raw tables hold now, and write them where dbt reads them.

    Raises:
        MatchingError: Splink is not installed; it is the extra ``matching``.
    """
    rules = settings.matching
    with open_warehouse(home, read_only=True) as connection:
        accounts = account_records(connection)
        contacts, left_by = contact_records(connection, first_id=len(accounts))
    links = propose_links(accounts, contacts, rules.threshold, rules.maximum_cluster)
    records = left_by.join(links.contacts, on="unique_id", maintain_order="left").drop("unique_id")
    with open_warehouse(home) as connection:
        create_tables(connection)
        connection.execute("begin")
        _write(connection, links, records)
        connection.execute(
            "insert into matching.last_run values (?, ?, ?)",
            [rules.threshold, rules.maximum_cluster, last_load_id(connection)],
        )
        connection.execute("commit")
    sizes = links.refused.group_by("cluster_id").len()["len"]
    return LinkCounts(
        accounts=len(accounts),
        contacts=len(contacts),
        people_linked=len(links.people),
        records_linked=len(records),
        clusters_refused=len(sizes),
        largest_refused=int(sizes.max() or 0),
    )


def propose_links(
    accounts: pl.DataFrame, contacts: pl.DataFrame, threshold: float, maximum_cluster: int
) -> Links:
    """Links between people and from contacts to people.

    People are linked only where their names agree, whatever the probability: who shares a mailbox, a telephone or a
    home is not one person. A contact is linked only where all its probable accounts are one person's. What hangs
    together in more than ``maximum_cluster`` people is linked nowhere, because chains join what no pair would.

    Args:
        accounts: see ``pipelines.matching.records.account_records``.
        contacts: numbered after the accounts.
        threshold: probability from which on a pair is a link, 0..1.
    """
    if accounts.is_empty():
        return Links(*(pl.DataFrame(schema=schema) for schema in (_PEOPLE, _CONTACTS, _REFUSED)))
    pairs = probable_pairs(pl.concat([accounts, contacts]), threshold)
    with duckdb.connect(config={"threads": 1}) as memory:
        memory.register("accounts", accounts.to_arrow())
        memory.register("pairs", pairs.to_arrow())
        # A number per person, smaller for who registered earlier: the first of a cluster stands for it, and whoever
        # opens another account later does not change anybody's key.
        memory.execute(
            """create table persons as
            select row_number() over (order by min(registered_at), person_id) as number, person_id
            from accounts group by person_id"""
        )
        memory.execute(
            """create table edges as
            select least(l.number, r.number) as number_l, greatest(l.number, r.number) as number_r,
                max(match_probability) as probability
            from pairs
            join accounts as account_l on unique_id_l = account_l.unique_id
            join accounts as account_r on unique_id_r = account_r.unique_id
            join persons as l on account_l.person_id = l.person_id
            join persons as r on account_r.person_id = r.person_id
            where names_agree
            group by all order by all"""
        )
        _cluster(memory)
        memory.execute(
            f"""create table linked as
            select person_id, first_value(person_id) over hanging_together as same_person_id, cluster_id, number,
                count(*) over (partition by cluster_id) as people
            from clusters join persons using (number)
            window hanging_together as (partition by cluster_id order by number)
            qualify people between 2 and {int(maximum_cluster)} and person_id <> same_person_id"""
        )
        return Links(
            people=memory.sql(_LINKED_PEOPLE).pl(),
            contacts=memory.sql(_LINKED_CONTACTS).pl(),
            refused=memory.sql(
                f"""select cluster_id, person_id, count(*) over (partition by cluster_id) as people
                from clusters join persons using (number)
                qualify people > {int(maximum_cluster)} order by number"""
            ).pl(),
        )


_PEOPLE = {"person_id": pl.String, "same_person_id": pl.String, "probability": pl.Float64}
_CONTACTS = {"unique_id": pl.Int64, "person_id": pl.String, "probability": pl.Float64}
_REFUSED = {"cluster_id": pl.Int64, "person_id": pl.String, "people": pl.Int64}

_LINKED_PEOPLE = """
    select person_id, same_person_id, max(probability) as probability
    from linked join edges on number in (number_l, number_r)
    group by all order by person_id
"""
_LINKED_CONTACTS = """
    select unique_id_r as unique_id, min(coalesce(same_person_id, person_id)) as person_id,
        max(match_probability) as probability
    from pairs
    join accounts on unique_id_l = accounts.unique_id
    left join linked using (person_id)
    where unique_id_r >= (select count(*) from accounts)
    group by unique_id_r
    having count(distinct coalesce(same_person_id, person_id)) = 1
    order by unique_id_r
"""


def _cluster(memory: duckdb.DuckDBPyConnection) -> None:
    """Table ``clusters``: ``number`` of a person and ``cluster_id``, the smallest number it hangs together with."""
    from splink.backends.duckdb import DuckDBAPI
    from splink.clustering import cluster_pairwise_predictions_at_threshold

    memory.execute(
        "create table nodes as select distinct unnest([number_l, number_r]) as number from edges order by number"
    )
    database = DuckDBAPI(memory)
    found = cluster_pairwise_predictions_at_threshold(
        database.register("nodes"), database.register("edges"), database, "number"
    )
    memory.execute(f"create table clusters as select number, cluster_id from {found.physical_name}")


def _write(connection: duckdb.DuckDBPyConnection, links: Links, records: pl.DataFrame) -> None:
    """Replace what an earlier run proposed.

    Models that are built by load must see each person whose link came, changed or went: such a row carries the newest
    load, and where a link went, a row stays that takes the person for themselves.
    """
    connection.register("proposed_people", links.people.to_arrow())
    connection.register("proposed_contacts", records.to_arrow())
    connection.register("refused", links.refused.to_arrow())
    connection.execute("create or replace temp table linked_before as select * from matching.people")
    for table in ("people", "contacts", "refused_clusters", "last_run"):
        connection.execute(f"delete from matching.{table}")
    connection.execute(
        """insert into matching.people
        select person_id, coalesce(now.same_person_id, person_id) as same, now.probability,
            case when same = coalesce(before.same_person_id, person_id) then before.load_id else ? end
        from proposed_people as now full join linked_before as before using (person_id)
        order by person_id""",
        [last_load_id(connection)],
    )
    connection.execute("insert into matching.contacts by name select * from proposed_contacts")
    connection.execute("insert into matching.refused_clusters by name select * from refused")
