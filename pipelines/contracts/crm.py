"""Canonical tables of a CRM or shop system: who buys what, when, where, in which campaign."""

from __future__ import annotations

import polars as pl

from pipelines.contracts.model import Column, Contract, Kind, RowCheck

_UPDATED_AT = Column(
    "updated_at", Kind.TIMESTAMP, "When the source last changed the row; the newest version wins."
)

CUSTOMERS = Contract(
    "crm",
    "customers",
    ("customer_id",),
    "One row per customer account.",
    (
        Column("customer_id", Kind.TEXT, "The account's identifier in the source.", personal=True),
        Column(
            "person_id",
            Kind.TEXT,
            "The person behind the account, where the source gives one person several; empty: the account itself.",
            personal=True,
        ),
        Column("email", Kind.TEXT, "E-mail address, used to match survey and support rows.", personal=True),
        Column("phone", Kind.TEXT, "Telephone number, used to match survey and support rows.", personal=True),
        Column("full_name", Kind.TEXT, "Name; never published.", personal=True),
        Column("locale", Kind.TEXT, "Language and region, such as ja-JP."),
        Column("country", Kind.TEXT, "Country of the customer."),
        Column("registered_at", Kind.TIMESTAMP, "When the customer became known.", required=True),
        Column("acquisition_channel", Kind.TEXT, "Where the customer came from."),
        Column("traits", Kind.JSON, "Further attributes as a JSON object."),
        _UPDATED_AT,
    ),
)

PRODUCTS = Contract(
    "crm",
    "products",
    ("product_id",),
    "One row per product.",
    (
        Column("product_id", Kind.TEXT, "The product's identifier in the source."),
        Column("name", Kind.TEXT, "Product name."),
        Column("category", Kind.TEXT, "Product category."),
        Column("list_price", Kind.DECIMAL, "Undiscounted price of one unit, in the company's currency."),
        Column("unit_cost", Kind.DECIMAL, "What one unit costs the company; margin is known only with it."),
        _UPDATED_AT,
    ),
    (RowCheck("unit_cost is negative", pl.col("unit_cost") < 0),),
)

ORDERS = Contract(
    "crm",
    "orders",
    ("order_id",),
    "One row per order, whatever became of it.",
    (
        Column("order_id", Kind.TEXT, "The order's identifier in the source."),
        Column("customer_id", Kind.TEXT, "Account that bought; empty: an anonymous sale.", personal=True),
        Column("ordered_at", Kind.TIMESTAMP, "When the order was placed.", required=True),
        Column("sales_channel", Kind.TEXT, "Shop, web, phone, ..."),
        Column("department", Kind.TEXT, "Department that made the sale."),
        Column("campaign_id", Kind.TEXT, "Campaign the order was bought in; empty: none."),
        Column("currency", Kind.TEXT, "ISO 4217 code of the order's amounts."),
        Column("status", Kind.TEXT, "State of the order in the source, such as delivered or canceled."),
        Column("promised_at", Kind.TIMESTAMP, "When delivery was promised for."),
        Column("delivered_at", Kind.TIMESTAMP, "When the order reached the customer."),
        _UPDATED_AT,
    ),
)

_TEN_TRILLION = 10.0**13

ORDER_LINES = Contract(
    "crm",
    "order_lines",
    ("order_id", "line_number"),
    "One row per line of an order; a return or cancellation written as an order has negative quantities.",
    (
        Column("order_id", Kind.TEXT, "Order the line belongs to."),
        Column("line_number", Kind.INTEGER, "Position of the line within its order."),
        Column("product_id", Kind.TEXT, "Product sold.", required=True),
        Column("quantity", Kind.DECIMAL, "Units; negative: returned or cancelled.", required=True),
        Column(
            "unit_price",
            Kind.DECIMAL,
            "Price of one unit actually charged, before discount_amount.",
            required=True,
        ),
        Column("discount_amount", Kind.DECIMAL, "Discount on the whole line, as a positive number."),
        Column("fee_amount", Kind.DECIMAL, "Fees and shipping charged with the line, on top of the price."),
        Column(
            "line_type",
            Kind.TEXT,
            "What the line charges for; empty: product.",
            allowed=("product", "shipping", "fee", "penalty"),
        ),
        _UPDATED_AT,
    ),
    (
        RowCheck(
            "quantity times unit_price is ten trillion or more",  # an amount has 14 digits before the point
            (pl.col("quantity").cast(pl.Float64) * pl.col("unit_price").cast(pl.Float64)).abs()
            >= _TEN_TRILLION,
        ),
    ),
)

RETURNS = Contract(
    "crm",
    "returns",
    ("return_id",),
    "One row per return or refund.",
    (
        Column("return_id", Kind.TEXT, "The return's identifier in the source."),
        Column("order_id", Kind.TEXT, "Order that was returned.", required=True),
        Column("line_number", Kind.INTEGER, "Line that was returned; empty: the whole order."),
        Column("quantity", Kind.DECIMAL, "Units returned, as a positive number."),
        Column("refund_amount", Kind.DECIMAL, "Money given back, as a positive number."),
        Column("reason", Kind.TEXT, "Why, in the source's words."),
        Column("returned_at", Kind.TIMESTAMP, "When it was returned.", required=True),
    ),
    (RowCheck("refund_amount is negative", pl.col("refund_amount") < 0),),
)

CAMPAIGNS = Contract(
    "crm",
    "campaigns",
    ("campaign_id",),
    "One row per campaign.",
    (
        Column("campaign_id", Kind.TEXT, "The campaign's identifier in the source."),
        Column("name", Kind.TEXT, "Campaign name."),
        Column("kind", Kind.TEXT, "Discount, newsletter, event, ..."),
        Column("starts_on", Kind.DATE, "First day.", required=True),
        Column("ends_on", Kind.DATE, "Last day.", required=True),
        Column("cost", Kind.DECIMAL, "What the campaign cost the company."),
    ),
    (RowCheck("ends_on is before starts_on", pl.col("ends_on") < pl.col("starts_on")),),
)

CAMPAIGN_CONTACTS = Contract(
    "crm",
    "campaign_contacts",
    ("campaign_id", "customer_id", "sent_at"),
    "One row per message sent to a customer in a campaign.",
    (
        Column("campaign_id", Kind.TEXT, "Campaign of the message."),
        Column("customer_id", Kind.TEXT, "Account it was sent to.", personal=True),
        Column("sent_at", Kind.TIMESTAMP, "When it was sent."),
        Column("channel", Kind.TEXT, "E-mail, post, app, ..."),
    ),
)

TABLES = (CUSTOMERS, PRODUCTS, ORDERS, ORDER_LINES, RETURNS, CAMPAIGNS, CAMPAIGN_CONTACTS)
