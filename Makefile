# The recipes of AURORA_LIFE. `make` alone lists them.

PYTHON ?= python3
BIN := .venv/bin
UV_VERSION := 0.13.9
SETUPTOOLS_VERSION := 80.9.0
TEST_WORKERS ?= 2

export PYRIGHT_PYTHON_IGNORE_WARNINGS := 1
export DO_NOT_TRACK := 1
# Telemetry off where a tool has a switch of its own.
export DBT_SEND_ANONYMOUS_USAGE_STATS := false
export DAGSTER_DISABLE_TELEMETRY := true
export MLFLOW_DISABLE_TELEMETRY := true

.DEFAULT_GOAL := help
.PHONY: help setup up down demo test chaos check fix generate bench lock \
	check-style check-types check-imports check-sql check-generated check-api

help: ## list the recipes
	@awk 'BEGIN { FS = ":.*## " } /^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(BIN)/.installed ## make the virtualenv and install everything into it

# Quick when repeated: nothing runs while neither file has changed.
$(BIN)/.installed: pyproject.toml requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "AURORA needs Python 3.11 or newer. Name one: make setup PYTHON=python3.12"; exit 1; }
	@echo "1/4  virtualenv in .venv ($$($(PYTHON) --version))"
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv || { \
		rm -rf .venv; echo "Python has no venv module here. On Debian: apt-get install python3-venv"; exit 1; }
	@echo "2/4  uv $(UV_VERSION)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check \
		uv==$(UV_VERSION) setuptools==$(SETUPTOOLS_VERSION)
	@echo "3/4  $$(grep -c '^[a-z]' requirements.lock) packages of requirements.lock, by hash, and their bytecode"
	@$(BIN)/uv pip install --python $(BIN)/python --no-deps --require-hashes --compile-bytecode \
		-r requirements.lock
	@echo "4/4  AURORA itself"
	@$(BIN)/uv pip install --python $(BIN)/python --no-deps --no-build-isolation --quiet --editable .
	@touch $@

up: setup ## start everything and print the addresses
	@$(BIN)/aurora up

down: setup ## stop everything; the data stay
	@$(BIN)/aurora down

demo: setup ## from nothing to served predictions, with a login to try
	@$(BIN)/aurora demo

test: setup ## run the tests, fail under 80 % coverage
	@$(BIN)/python -m pytest -n $(TEST_WORKERS) --dist loadfile --no-loadscope-reorder -rs --cov --cov-report=term --cov-fail-under=80

chaos: setup ## kill every process five times under load; nothing may be lost or happen twice
	@$(BIN)/python -m benchmarks.chaos

check: setup check-style check-types check-imports check-sql check-generated check-api ## style, types, imports, SQL, drift, API

check-style: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

check-types: setup
	$(BIN)/pyright

check-imports: setup
	$(BIN)/lint-imports

check-sql: setup
	$(BIN)/dbt parse --quiet --project-dir dbt_project --profiles-dir dbt_project
	$(BIN)/sqlfluff lint dbt_project
	$(BIN)/dbt-bouncer --config-file dbt_project/dbt-bouncer.yml

check-generated: setup
	$(BIN)/aurora generate --check
	$(BIN)/aurora api client-types --check

check-api: setup
	@mkdir -p .cache
	$(BIN)/aurora api openapi .cache/openapi.json
	$(BIN)/python -m infra.node_tools redocly lint --config clients/tools/redocly.yaml .cache/openapi.json

fix: setup ## repair what can be repaired by machine
	-$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	-$(BIN)/sqlfluff fix dbt_project

generate: setup ## write the SQL that follows from the feature catalogue, and the types of the clients
	@$(BIN)/aurora generate
	@$(BIN)/aurora api client-types

# Every script in benchmarks/ that can be run; what they share cannot.
bench: setup ## measure the speed of the hot paths, as ratios; takes minutes
	@for script in $$(grep -l '__main__' benchmarks/*.py); do \
		name=$$(basename $$script .py); echo "== $$name"; $(BIN)/python -m benchmarks.$$name || exit 1; done

lock: setup ## resolve the dependencies anew into requirements.lock
	$(BIN)/uv pip compile pyproject.toml --all-extras --universal --python-version 3.11 --generate-hashes \
		-o requirements.lock --no-emit-index-url --no-emit-find-links --no-header
	$(BIN)/uv pip compile infra/dashboard/requirements.in --universal --python-version 3.11 --generate-hashes \
		-o infra/dashboard/requirements.lock --no-emit-index-url --no-emit-find-links --no-header
	$(BIN)/uv pip compile clients/tools/requirements.in --universal --python-version 3.11 --generate-hashes \
		-o clients/tools/requirements.lock --no-emit-index-url --no-emit-find-links --no-header
