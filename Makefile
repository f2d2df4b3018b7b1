# Each target does all its own set-up; a machine needs only Python 3.11, make and git.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
CUSTOMERS ?= 5000
PORT ?= 3000
# Companies of the validation, and the customers of each.
SEEDS ?= 50
VALIDATED_CUSTOMERS ?= 4000
# Test files at a time: as many as the smallest machine that runs them has cores.
JOBS ?= 2

.DEFAULT_GOAL := help
.PHONY: help setup demo test validate lint format ui bench bench-database bench-readers bench-clv bi-superset bi-clients lock clean

help: ## Show the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1	/' | expand -t 16

setup: $(STAMP) ## Install what requirements.lock pins into .venv, once

# The lock decides: a second call installs nothing, a changed lock installs what changed.
$(STAMP): requirements.lock pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $(STAMP)

demo: $(STAMP) ## Generate a company, run one night over it, and say what to open
	$(BIN)/kizuna demo --customers $(CUSTOMERS)
	$(BIN)/kizuna run --config .kizuna/demo/kizuna.yml --as-of 2026-09-30

# In the order of the folders: the files that take long have few tests, and would come last in the order of counts.
test: $(STAMP) ## Run all tests
	$(BIN)/python -m pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder

validate: $(STAMP) ## Try over many generated companies whether what is planted is found; writes docs/validation.md
	$(BIN)/python -m tests.validation.run --seeds $(SEEDS) --customers $(VALIDATED_CUSTOMERS) --processes $(JOBS)

lint: $(STAMP) ## Check style, the rooms' borders and the SQL
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/sqlfluff lint dbt_project --processes 2 --disable-progress-bar

format: $(STAMP) ## Write the code as the formatter wants it
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

ui: $(STAMP) ## Open the Dagster UI on the demo company, with the nightly schedule running
	$(BIN)/kizuna ui --config .kizuna/demo/kizuna.yml --port $(PORT)

bench: $(STAMP) ## Time a first and a next night of ten million order lines beside bare DuckDB
	$(BIN)/python -m tests.benchmarks.night

bench-database: $(STAMP) ## Time a first load and a night of 10,000 changed rows by the size of a PostgreSQL table
	$(BIN)/python -m tests.benchmarks.database

bench-readers: $(STAMP) ## Read the published file in 32 processes while twenty versions are published
	$(BIN)/python -m tests.benchmarks.readers

bench-clv: $(STAMP) ## Time the lifetime value of a million customers beside lifetimes
	$(BIN)/python -m tests.benchmarks.lifetime_value

bi-superset: $(STAMP) ## Install Superset in a temporary folder, make charts, and publish a night while it is asked for them
	$(BIN)/python -m tests.bi.superset

bi-clients: $(STAMP) ## Install clients of all kinds in a temporary folder, and publish a night while they read
	$(BIN)/python -m tests.bi.clients

lock: ## Resolve pyproject.toml anew into requirements.lock (needs uv)
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-strip-extras --all-extras \
		--no-emit-index-url --no-emit-find-links --no-header pyproject.toml --output-file requirements.lock

clean: ## Remove the state folder of the demo (asks nothing: it can be generated again)
	rm -rf .kizuna
