"""The company as a whole: its files, that they are the same every time, and that they hang together."""

from __future__ import annotations

import csv
import gzip
import json
import re
from itertools import pairwise

import polars as pl
import pytest

from pipelines import contracts
from pipelines.demo import customers_for, generate
from pipelines.demo.blemishes import BLEMISHES, REPEATED
from pipelines.demo.plan import PROBLEMS
from pipelines.settings import load_settings


def contents(folder):
    return {str(f.relative_to(folder)): f.read_bytes() for f in sorted(folder.rglob("*")) if f.is_file()}


def test_the_same_arguments_give_the_same_bytes(tmp_path):
    one = generate(tmp_path / "one", customers=300, seed=5)
    other = generate(tmp_path / "other", customers=300, seed=5)
    assert contents(one.folder) == contents(other.folder)
    assert contents(generate(tmp_path / "third", customers=300, seed=6).folder) != contents(one.folder)


def test_blocks_change_the_files_but_no_row(tmp_path):
    whole = generate(tmp_path / "whole", customers=500, seed=5)
    blocks = generate(tmp_path / "blocks", customers=500, seed=5, block_customers=190)
    assert (blocks.folder / "crm/orders/2025-03-part-003.csv").is_file()
    assert whole.rows == blocks.rows

    def rows(folder, pattern):
        return sorted(line for f in folder.glob(pattern) for line in f.read_text().splitlines())

    for pattern in (
        "crm/customers/*.csv",
        "crm/returns/*.csv",
        "survey/invitations/*.csv",
        "crm/campaigns.csv",
    ):
        assert set(rows(whole.folder, pattern)) == set(rows(blocks.folder, pattern))
    for name in ("customers", "orders", "answers", "tickets"):
        frames = [pl.read_parquet(f / "truth" / name / "*.parquet") for f in (whole.folder, blocks.folder)]
        one, other = (frame.sort(frame.columns) for frame in frames)
        assert one.equals(other)


def test_a_customer_lives_the_same_life_in_a_larger_company(tmp_path):
    small = generate(tmp_path / "small", customers=200, seed=5).folder
    large = generate(tmp_path / "large", customers=400, seed=5).folder
    orders = pl.read_parquet(large / "truth/orders/*.parquet").filter(pl.col("customer_id") <= "C00000200")
    assert orders.equals(pl.read_parquet(small / "truth/orders/*.parquet"))


def test_the_settings_load_and_every_source_finds_its_files(company):
    settings = load_settings(company.summary.config)
    for name, source in settings.sources.items():
        assert list(company.folder.glob(source.files)), name
    tables = {mapping.table for source in settings.sources.values() for mapping in source.mappings}
    # The demo writes the desks a ticket passed, not a log of events.
    assert tables == {contract.name for contract in contracts.ALL} - {"support.ticket_events"}
    assert not any(source.files.startswith("truth") for source in settings.sources.values())


def test_a_comment_has_no_score_and_a_score_no_comment(company):
    settings = load_settings(company.summary.config)
    for source in ("survey_responses", "survey_colleagues"):
        for mapping in settings.sources[source].mappings:
            is_text = mapping.columns["metric"].constant == "open_text"
            assert ("comment" in mapping.columns) == is_text
            assert ("score" in mapping.columns) != is_text


def test_rows_are_counted(company):
    lines = company.csv("crm/order_lines/*.csv")
    assert len(lines) == company.summary.rows["order_lines"] == company.summary.order_lines
    planted = json.loads((company.folder / "truth/planted.json").read_text())
    assert planted["rows"] == company.summary.rows
    assert sum(company.summary.blemishes.values()) == len(BLEMISHES)


def test_as_many_customers_as_order_lines_need(company):
    assert customers_for(company.summary.order_lines) == pytest.approx(5000, rel=0.05)


def test_every_order_has_lines_and_every_line_an_order(company):
    bad = pl.col("OrderNo").str.starts_with("SO9") | pl.col("OrderNo").is_null()
    orders = company.csv("crm/orders/*.csv").filter(~bad)
    lines = company.csv("crm/order_lines/*.csv").filter(~bad)
    assert set(orders["OrderNo"]) == set(lines["OrderNo"]) == set(company.truth("orders")["order_id"])
    repeated = sum(b.fate == REPEATED and b.export == "order_lines" for b in BLEMISHES)
    assert len(lines) - lines.unique(["OrderNo", "Pos"]).height == repeated


def test_amounts_of_the_lines_are_those_of_the_truth(company):
    lines = company.csv("crm/order_lines/*.csv").filter(~pl.col("OrderNo").str.starts_with("SO9")).unique()
    number = pl.col("Qty", "UnitPrice", "Discount").cast(pl.Float64)
    net = (
        lines.with_columns(number)
        .group_by("OrderNo")
        .agg((pl.col("Qty") * pl.col("UnitPrice") - pl.col("Discount")).sum().alias("net"))
        .join(company.truth("orders"), left_on="OrderNo", right_on="order_id", validate="1:1")
    )
    assert (net["net"] - net["net_amount"]).abs().max() < 0.005


def test_the_newest_version_of_an_order_tells_what_became_of_it(company):
    orders = company.csv("crm/orders/*.csv").filter(~pl.col("OrderNo").str.starts_with("SO9"))
    versions = orders.unique()
    assert versions.height > versions["OrderNo"].n_unique()  # some were exported again
    assert versions.height == versions.unique(["OrderNo", "ChangedAt"]).height
    newest = versions.sort("ChangedAt").unique("OrderNo", keep="last")
    truth = company.truth("orders").join(newest, left_on="order_id", right_on="OrderNo", validate="1:1")
    cancelled = truth.filter("is_cancelled")
    assert set(cancelled["State"]) == {"canceled"}
    assert cancelled["DeliveredAt"].null_count() == len(cancelled)
    late = truth.filter((pl.col("problem") == "late") & pl.col("DeliveredAt").is_not_null())
    assert (late["DeliveredAt"] > late["PromisedBy"]).all()
    in_time = truth.filter((pl.col("problem") != "late") & pl.col("DeliveredAt").is_not_null())
    assert (in_time["DeliveredAt"] <= in_time["PromisedBy"]).all()
    assert truth["ChangedAt"].max() < "2026-10-01"


def test_every_problem_leaves_a_trace(company):
    """Silent customers can be counted only because what happened to them can be seen."""
    old = company.truth("orders").filter(pl.col("ordered_at") < pl.datetime(2026, 8, 1))
    returned = set(company.csv("crm/returns/*.csv", delimiter=";")["OrderNo"])
    lines = company.csv("crm/order_lines/*.csv")
    charged = set(lines.filter(pl.col("Kind") == "penalty")["OrderNo"])
    for problem in PROBLEMS[1:]:
        orders = set(old.filter(pl.col("problem") == problem)["order_id"])
        assert orders
        if problem == "charge":
            assert orders <= charged
        elif problem != "late":
            assert orders <= returned
    assert returned.isdisjoint(set(old.filter(pl.col("problem") == "none")["order_id"]))


def test_answers_refer_to_what_exists(company):
    responses = company.csv("survey/responses/*.csv", header_rows=3).filter(pl.col("ResponseId") != "R_9")
    truth = company.truth("answers")
    assert set(responses["ResponseId"]) == set(truth["response_id"])
    assert responses["ResponseId"].is_unique().all()
    assert set(responses["InvitationID"]) <= set(company.csv("survey/invitations/*.csv")["InvitationID"])
    assert set(responses["ExternalReference"].drop_nulls()) <= set(company.truth("orders")["order_id"])
    assert set(responses["TicketID"].drop_nulls()) <= set(company.truth("tickets")["ticket_id"])
    on_tickets = responses.filter(pl.col("Touchpoint") == "support")
    assert on_tickets["TicketID"].null_count() == 0
    known = set(company.csv("crm/customers/*.csv")["Email"].drop_nulls())
    matched = responses["RecipientEmail"].str.to_lowercase().drop_nulls().is_in(known)
    assert 0.95 < matched.mean() < 1


def test_the_survey_has_three_header_rows(company):
    with (company.folder / "survey/responses/2025-05.csv").open(newline="") as file:
        names, texts, ids, *answers = csv.reader(file)
    assert len(names) == len(texts) == len(ids) == len(answers[0]) == 29
    assert any("\n" in text for text in texts)
    assert any('"' in text for text in texts)
    assert json.loads(ids[names.index("RecordedDate")]) == {"ImportId": "recordedDate", "timeZone": "Etc/UTC"}
    comments = [row[names.index("Q_COMMENT")] for row in answers]
    assert any("\n" in comment for comment in comments)
    assert "" in [row[names.index("Q_NPS")] for row in answers]  # unanswered is empty, never 0


def test_tickets_are_json_lines_whose_parts_agree(company):
    versions = 0
    for file in sorted((company.folder / "support/tickets").glob("*.jsonl.gz")):
        for line in gzip.decompress(file.read_bytes()).decode().splitlines():
            if line.startswith('{"id":') and not line.startswith('{"id": '):
                ticket = json.loads(line)
                versions += 1
                times = [step["assigned_at"] for step in ticket["assignments"]]
                assert times == sorted(times)
                assert ticket["created_at"] <= times[0]
                assert ticket["group"] == ticket["assignments"][-1]["department"]
                assert ticket["updated_at"] >= max(times)
                solved, closed = ticket["metric_set"]["solved_at"], ticket["metric_set"]["closed_at"]
                assert solved is None or times[-1] <= solved
                assert (closed is not None) == (ticket["status"] == "closed")
    assert versions == company.summary.rows["tickets"] - 2


def test_hand_offs_are_changes_of_desk(company):
    truth = dict(company.truth("tickets").select("ticket_id", "hand_offs").iter_rows())
    same_desk = 0
    seen = {}
    for file in sorted((company.folder / "support/tickets").glob("*.jsonl.gz")):
        for line in gzip.decompress(file.read_bytes()).decode().splitlines():
            if line.startswith('{"id":') and not line.startswith('{"id": '):
                ticket = json.loads(line)
                seen[str(ticket["id"])] = ticket
    for number, ticket in seen.items():
        desks = [step["department"] for step in ticket["assignments"]]
        changes = sum(a != b for a, b in pairwise(desks))
        same_desk += len(desks) - 1 - changes
        assert changes <= truth[number]
        if ticket["status"] in ("solved", "closed"):
            assert changes == truth[number]
    assert same_desk > 0  # a second agent at the same desk is the trap


def test_nobody_is_real(company):
    customers = company.csv("crm/customers/*.csv")
    addresses = customers["Email"].drop_nulls()
    assert addresses.str.contains(r"@example\.(com|org|net|jp)$").all()
    comments = company.csv("survey/responses/*.csv", header_rows=3)["Q_COMMENT"].drop_nulls().to_list()
    found = {m for text in comments for m in re.findall(r"[\w.]+@[\w.]+\w", text)}
    assert found  # redaction has something to find
    assert all(re.search(r"@example\.(com|org|net|jp)$", address) for address in found)


def test_some_people_have_two_accounts_and_some_share_an_address(company):
    customers = company.csv("crm/customers/*.csv")
    accounts = customers.group_by("PersonNo").len()
    assert 0.002 < (accounts["len"] == 2).mean() < 0.03
    people = customers.unique("PersonNo").filter(pl.col("Email").is_not_null())
    assert people.height > people["Email"].n_unique()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [({"customers": 0}, "1 to 10,000,000"), ({"months": 3}, "at least 6")],
)
def test_impossible_sizes_are_refused(tmp_path, arguments, message):
    with pytest.raises(ValueError, match=message):
        generate(tmp_path / "demo", **arguments)


def test_a_folder_with_files_is_left_alone(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(ValueError, match="is not empty"):
        generate(tmp_path)
    assert [f.name for f in tmp_path.iterdir()] == ["mine.txt"]


@pytest.mark.parametrize(("customers", "months"), [(1, 24), (3, 6), (50, 7)])
def test_tiny_companies_are_companies_too(tmp_path, customers, months):
    summary = generate(tmp_path, customers=customers, months=months)
    assert load_settings(summary.config)
    assert summary.rows["customers"] >= 1


def test_progress_is_told_block_by_block(tmp_path):
    told = []
    generate(tmp_path, customers=250, block_customers=100, progress=lambda done, of: told.append((done, of)))
    assert told == [(100, 250), (200, 250), (250, 250)]
