# Two commands matter: `make demo` and `make test`. `make help` lists the rest.
SHELL := /bin/bash
PYTHON ?= python3
UV_VERSION := 0.13.9
UV := .uv/bin/uv
BIN := .venv/bin
EVENTS ?= feed
ARGS ?=
export UV_PYTHON_DOWNLOADS := never
export VIRTUAL_ENV := $(CURDIR)/.venv

.DEFAULT_GOAL := help
.PHONY: help demo test quick check audit fuzz format lock contracts oracles bench chaos clean

help: ## list the commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

$(UV):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Steward needs Python 3.11 or newer; set PYTHON=/path/to/python3"; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo "This Python has no venv module; on Debian or Ubuntu: apt install python3-venv"; exit 1; }
	@$(PYTHON) -m venv .uv
	@.uv/bin/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)

.venv/.runtime: pyproject.toml requirements.lock | $(UV)
	@test -x $(BIN)/python || $(UV) venv --quiet --python $(PYTHON) .venv
	@rm -f .venv/.dev
	@$(UV) pip sync --quiet --require-hashes --compile-bytecode requirements.lock
	@$(UV) pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

.venv/.dev: pyproject.toml requirements-dev.lock | $(UV)
	@test -x $(BIN)/python || $(UV) venv --quiet --python $(PYTHON) .venv
	@$(UV) pip sync --quiet --require-hashes --compile-bytecode requirements-dev.lock
	@$(UV) pip install --quiet --no-deps --no-build-isolation --editable .
	@touch .venv/.runtime $@

demo: .venv/.runtime ## everything on this machine, loaded with a real public record; EVENTS=kafka for a real Kafka
	@exec $(BIN)/steward demo --events $(EVENTS) $(ARGS)

test: .venv/.dev ## every test, on a real PostgreSQL and a real Kafka
	@mkdir -p build
	$(BIN)/pytest --junit-xml=build/junit.xml $(ARGS)

quick: .venv/.dev ## the tests that need neither Kafka nor a browser, in under three minutes
	$(BIN)/pytest -m "not kafka and not browser and not slow" $(ARGS)

check: .venv/.dev build/openapi/.installed ## format, lint, types, architecture, contracts, migrations
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/bandit --quiet --recursive --configfile pyproject.toml services shared deploy
	$(BIN)/lint-imports
	$(BIN)/steward contracts --check
	$(BIN)/steward migrate --check
	$(BIN)/steward openapi --check
	build/openapi/node_modules/.bin/spectral lint --ruleset build/openapi/ruleset.yaml --fail-severity hint --quiet services/*/openapi.json

# What the OpenAPI documents are read with comes by its lock, and into build/ alone.
build/openapi/.installed: $(wildcard tests/openapi/*)
	@command -v npm >/dev/null || { echo "make check reads the OpenAPI documents with Spectral, which needs Node.js and npm"; exit 1; }
	@mkdir -p build/openapi && cp tests/openapi/* build/openapi/
	@npm ci --prefix build/openapi --ignore-scripts --no-audit --no-fund --silent
	@touch $@

fuzz: .venv/.dev ## ask every operation for whatever its document allows, and what it does not; MINUTES=
	$(BIN)/pytest tests/fuzz/test_services.py --fuzz-minutes $(or $(MINUTES),10) --timeout 0 $(ARGS)

audit: .venv/.dev ## look up every pinned package in the vulnerability services; says so where none can be reached
	@$(BIN)/python -m tests.audit requirements-dev.lock

format: .venv/.dev ## format the code and mend what the linter can mend
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

contracts: .venv/.dev ## write the JSON Schemas and examples of the events, refusing a broken promise
	$(BIN)/steward contracts

oracles: .venv/.dev ## compare our numbers with those of reference packages; DIR= for another folder
	$(BIN)/python -m tests.oracles.run $(or $(DIR),tests/oracles/data)

bench: .venv/.dev ## measure, into build/bench.json; MINUTES=
	$(BIN)/python -m tests.benchmarks.run $(ARGS)

chaos: .venv/.dev ## kill, pause and cut everything under load, into build/chaos.json; MINUTES=3 SEED= EVENTS= EVENTS_GOAL= SCENARIO=
	$(BIN)/python -m tests.chaos.run --minutes $(or $(MINUTES),3) $(if $(SEED),--seed $(SEED)) $(if $(filter command line environment,$(origin EVENTS)),--events $(EVENTS)) $(if $(EVENTS_GOAL),--events-goal $(EVENTS_GOAL)) $(if $(SCENARIO),--scenario $(SCENARIO)) $(ARGS)

lock: $(UV) ## resolve the dependencies again
	$(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --upgrade pyproject.toml --extra install -o requirements.lock
	$(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --upgrade pyproject.toml --extra install --extra tracing --constraint requirements.lock -o requirements-tracing.lock
	$(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --upgrade pyproject.toml --extra install --extra tracing --extra dev -o requirements-dev.lock

clean: ## remove what was built; data under .steward/ stays
	rm -rf .venv .uv build .mypy_cache .ruff_cache .pytest_cache
