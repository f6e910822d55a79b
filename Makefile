# `make run` and `make test` each work alone on a machine with Python 3.11, make and apt.

PYTHON ?=
export PYTHON

BIN := .venv/bin
SOURCES := abi_engine abi_tui tests examples docs .ci
PYTEST := $(BIN)/python -m pytest -n auto --maxprocesses 8
# What the tests run beside Python, as COMMAND:DEBIAN-PACKAGE.
TEST_TOOLS := bash:bash curl:curl promtool:prometheus testssl:testssl.sh zsh:zsh fish:fish

.PHONY: help run test test-quick lint check soak bench docs screenshot format lock clean test-tools

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 12

run: .venv/core.stamp ## the living demo: full screen, or 30 s and a report without a terminal
	@if [ -t 0 ] && [ -t 1 ]; then exec $(BIN)/abi demo; \
	else exec $(BIN)/abi demo --headless --seconds 30; fi

test: .venv/dev.stamp test-tools ## every test
	$(PYTEST)

# Three workers on any machine: these tests wait about as much as they compute.
test-quick: .venv/dev.stamp test-tools ## the tests that take less than two minutes together
	$(PYTEST) -n 3 -m "not slow"

lint: .venv/dev.stamp ## format, lint, types and import contracts
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/mypy
	$(BIN)/pyright --warnings
	$(BIN)/lint-imports --no-logo --no-cache

check: lint test ## all that a change must pass

soak: .venv/dev.stamp test-tools ## every test with the full figures; hours
	ABI_SOAK=1 $(PYTEST) --timeout 7200

bench: .venv/dev.stamp ## the suite of the gateway beside its rivals; wants nginx and wrk
	$(BIN)/abi bench gateway --rivals

docs: .venv/dev.stamp ## write the generated pages again
	$(BIN)/python -m docs.generate_api
	$(BIN)/python -m docs.generate_commands

screenshot: .venv/core.stamp ## take the picture of the README again, from the real demo
	$(BIN)/python -m docs.take_screenshot

format: .venv/dev.stamp ## format the sources and mend what the linter can
	$(BIN)/ruff check --fix $(SOURCES)
	$(BIN)/ruff format $(SOURCES)

LOCK = $(BIN)/uv pip compile pyproject.toml --quiet --group build --universal --python-version 3.11 \
	--generate-hashes --no-emit-index-url --custom-compile-command "make lock" $(UPGRADE)

lock: .venv/dev.stamp ## write the locks again; newest versions with UPGRADE=--upgrade
	$(LOCK) --output-file requirements.lock
	$(LOCK) --extra dev --constraint requirements.lock --output-file requirements-dev.lock

clean: ## remove .venv and everything generated that is not in the repository
	rm -rf .venv build dist *.egg-info .coverage snapshot_report.html \
		.mypy_cache .ruff_cache .pytest_cache .hypothesis
	find abi_engine abi_tui tests examples docs -name __pycache__ -type d -prune -exec rm -rf {} +

test-tools:
	@scripts/system-packages $(TEST_TOOLS)

.venv/core.stamp: requirements.lock pyproject.toml
	@scripts/environment

.venv/dev.stamp: requirements.lock requirements-dev.lock pyproject.toml
	@scripts/environment dev
