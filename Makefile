# make demo    install, train on the bundled tales (a minute), score, and write three samples
# make test    install and run the tests
# make torture the tests of what must never fail, at full volume: half an hour (one row: ROW=3)
# make check   what .ci/run does: lint, types, tests
# make bench   measure beside PyTorch, which it installs (TORCH=torch==2.13.0), and JAX where it is installed; half an hour
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ifeq ($(OS),Windows_NT)
BIN := $(VENV)/Scripts
endif
RUN := runs/quickstart
TORCH ?= torch==2.13.0

.PHONY: demo test torture lint check bench docs clean
.DEFAULT_GOAL := check

demo: $(VENV)/run.ok
	$(BIN)/charrnn train configs/quickstart.yaml --force
	$(BIN)/charrnn eval $(RUN)
	@for seed in 1 2 3; do echo; echo "--- sample $$seed ---"; \
	  printf '\n\n\n' | $(BIN)/charrnn sample $(RUN) --prime-file - --hide-prime --temp 0.7 --min-p 0.15 --seed $$seed; echo; done

test: $(VENV)/dev.ok
	$(BIN)/python -m pytest -q -n 2

torture: $(VENV)/dev.ok
	TORTURE=$(or $(TORTURE),1) $(BIN)/python -m pytest -q -n 2 $(if $(ROW),--row $(ROW))

lint: $(VENV)/dev.ok
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

check: lint test

bench: $(VENV)/run.ok
	$(BIN)/python -c 'import torch' 2> /dev/null || $(BIN)/python -m pip install --disable-pip-version-check '$(TORCH)'
	$(BIN)/python benchmarks/bench.py

# Files that are generated from the code: a test compares them.
docs: $(VENV)/run.ok
	$(BIN)/charrnn config > configs/reference.yaml
	$(BIN)/charrnn config --schema > configs/charrnn.schema.json

$(VENV)/run.ok: pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit("charrnn needs Python 3.11 or newer; this is " + sys.version.split()[0] + ": make PYTHON=python3.12") if sys.version_info < (3, 11) else 0'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/dev.ok: $(VENV)/run.ok
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

clean:
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
