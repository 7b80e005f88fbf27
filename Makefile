# make demo    install, train on the bundled tales (a minute), score, and write three samples
# make test    install and run the tests
# make oldest  the tests with the oldest supported packages, .ci/oldest.txt, on Python 3.11 (OLDEST=python3.11)
# make torture the tests of what must never fail, at full volume: half an hour (one row: ROW=3)
# make exports the tests of exported models, with the packages of others that read them, which it installs (180 MB)
# make wheel   build the wheel and the sdist, install the wheel alone, and train, sample, score and report with it
# make check   what .ci/run does: lint, types, the wheel, tests
# make bench   measure beside PyTorch, which it installs (TORCH=torch==2.13.0), and JAX where it is installed; half an hour
# make docs    write anew the files and tables that are generated from the code
# make site    build the pages of docs/ as a site, in build/site
# make pictures  take pictures of the demo's report and exported page (needs Chromium), and draw the packages
# make clean   remove all that these targets make, but for runs
PYTHON ?= python3
OLDEST ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
ifeq ($(OS),Windows_NT)
BIN := $(VENV)/Scripts
endif
CONSTRAINTS :=
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check $(if $(CONSTRAINTS),--constraint $(CONSTRAINTS))
RUN := runs/quickstart
TORCH ?= torch==2.13.0

.PHONY: demo test oldest torture exports lint wheel check bench docs site pictures clean
.DEFAULT_GOAL := check

demo: $(VENV)/run.ok
	$(BIN)/charrnn train configs/quickstart.yaml --force
	$(BIN)/charrnn eval $(RUN)
	@for seed in 1 2 3; do echo; echo "--- sample $$seed ---"; \
	  printf '\n\n\n' | $(BIN)/charrnn sample $(RUN) --prime-file - --hide-prime --temp 0.7 --min-p 0.15 --seed $$seed; echo; done

test: $(VENV)/dev.ok
	$(BIN)/python -m pytest -q -n 2 --dist worksteal

oldest:
	$(MAKE) test VENV=.venv-oldest PYTHON=$(OLDEST) CONSTRAINTS=.ci/oldest.txt

torture: $(VENV)/dev.ok
	TORTURE=$(or $(TORTURE),1) $(BIN)/python -m pytest -q -n 2 $(if $(ROW),--row $(ROW))

exports: $(VENV)/dev.ok
	$(INSTALL) onnx onnxruntime safetensors tensorboard
	$(BIN)/python -m pytest -q tests/export tests/storage/test_events.py

lint: $(VENV)/dev.ok
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

wheel: $(VENV)/package.ok
	$(BIN)/python .ci/wheel.py

check: lint wheel test

bench: $(VENV)/run.ok
	$(BIN)/python -c 'import torch' 2> /dev/null || $(BIN)/python -m pip install --disable-pip-version-check '$(TORCH)'
	$(BIN)/python benchmarks/bench.py

# Files that are generated from the code: a test compares them. The schema lies beside the reference.
docs: $(VENV)/run.ok
	$(BIN)/charrnn config | sed '1s/=.*/=charrnn.schema.json/' > configs/reference.yaml
	$(BIN)/charrnn config --schema > configs/charrnn.schema.json
	$(BIN)/python docs/make_numbers.py
	$(BIN)/python docs/generate.py

site: $(VENV)/docs.ok
	$(BIN)/python -m sphinx -W --keep-going -n -q docs build/site

pictures: $(VENV)/run.ok
	test -d $(RUN) || $(BIN)/charrnn train configs/quickstart.yaml
	$(BIN)/python docs/make_pictures.py $(RUN)
	$(BIN)/python docs/house.py

$(VENV)/run.ok: pyproject.toml $(CONSTRAINTS)
	$(PYTHON) -c 'import sys; sys.exit("charrnn needs Python 3.11 or newer; this is " + sys.version.split()[0] + ": make PYTHON=python3.12") if sys.version_info < (3, 11) else 0'
	$(PYTHON) -m venv $(VENV)
	$(INSTALL) --editable .
	@touch $@

# Dependency groups need pip 25.1; the pip of Python 3.11 is older.
$(VENV)/dev.ok $(VENV)/package.ok $(VENV)/docs.ok: $(VENV)/%.ok: $(VENV)/run.ok
	$(INSTALL) 'pip>=25.1'
	$(INSTALL) --group $*
	@touch $@

clean:
	rm -rf .venv .venv-oldest build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
