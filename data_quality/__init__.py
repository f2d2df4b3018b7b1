"""The gate: what must be true of the batches that come in and of the tables that readers see.

Belongs here: expectations, the suites made of them, and the one function that runs them and returns a
plain result. Does not: what a single row must look like (``pipelines.contracts``, at parse time), keys and
relations (dbt tests), and when the gate runs (``orchestration``). Only this package knows Great Expectations.
That takes seconds to import: nothing here does so before the gate runs. Not in a thread beside other work either:
SQLAlchemy, half imported, has broken what the main thread imported meanwhile.
"""
