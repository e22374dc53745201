# Jalon: `make run` to see it, `make test` to check it. `make setup` is done by both when needed.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
HOST ?= 127.0.0.1
PORT ?= 8000
JOBS ?= 2
VENV := .venv
BIN := $(VENV)/bin
NODE_PEERS := tests/peers/fhir_server tests/peers/oidc
NODE_READY := $(NODE_PEERS:%=%/node_modules/.ready)

.PHONY: help setup run test peers check format chaos marathon bench mutation docs clean

help: ## what can be made
	@grep -E '^[a-z]+:.*##' Makefile | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 16

setup: $(VENV)/.ready ## the environment in .venv, with the jalon command and what the tests need

# A stamp, so that a second run is quick and a changed pyproject.toml installs again.
$(VENV)/.ready: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "Jalon needs Python 3.11 or later, and $(PYTHON) is $$($(PYTHON) -V 2>&1 || true)." \
		     "Install one and run: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || test -x $(BIN)/python || { \
		echo "$(PYTHON) cannot make an environment: install its venv module (Debian: apt-get install python3-venv)." >&2; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test,bench]'
	touch $@

run: setup ## demo patients, served on HOST=127.0.0.1 PORT=8000
	$(BIN)/jalon demo --host $(HOST) --port $(PORT)

test: setup peers ## every test but the long ones, in JOBS=2 processes; ARGS='-k word' to choose
	$(BIN)/pytest -n $(JOBS) --dist worksteal -m 'not chaos and not marathon' $(ARGS)

peers: $(NODE_READY) ## the foreign FHIR and authorisation servers of the tests, when npm is there

ifneq ($(shell command -v npm),)
%/node_modules/.ready: %/package-lock.json
	npm ci --prefix $* --silent
	touch $@
else
$(NODE_READY):
	@echo "npm is missing, so the tests with foreign servers will be skipped: apt-get install nodejs npm"
endif

check: setup ## format, lint, types, import rules
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: setup ## format the code and mend what the linter can mend
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

chaos: setup peers ## minutes: kills at named and random moments, thousands of generated requests
	$(BIN)/pytest -n $(JOBS) --dist worksteal -m chaos $(ARGS)

marathon: setup peers ## an hour, before a release: every seeded fault, every version judged, a thousand keys
	$(BIN)/pytest -n $(JOBS) --dist worksteal -m marathon $(ARGS)

bench: setup ## measurements, beside three libraries and beside plain SQL
	$(BIN)/python benchmarks/run.py $(ARGS)

# Installed only here: nothing else needs it, and an hour of two cores is not a thing to do by accident.
mutation: setup ## change pathway/ line by line, see what no test notices; ARGS='safety --share 0.1' to choose
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[mutation]'
	$(BIN)/python tests/mutation.py $(ARGS)

docs: setup ## print the generated pages again: the protocol's table and diagram, the command line
	$(BIN)/jalon docs

clean: ## remove what was made here; patients' data under var/ stays
	rm -rf $(VENV) build jalon.egg-info $(NODE_PEERS:%=%/node_modules)
	rm -rf .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
