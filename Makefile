# Two doors: `make reproduce` and `make test`. Both set up .venv first; `make VENV= …` uses the active environment.
PYTHON ?= python3
VENV ?= .venv
PRESET ?= quick
WORKERS ?= 2

ifeq ($(strip $(VENV)),)
BIN :=
READY :=
else
BIN := $(VENV)/bin/
READY := $(VENV)/.ready
endif

# The extra `curvature`, less torchvision: curvlinops' dependency backpack names it, nothing here imports it, and
# its builds for a CPU are not where pip looks first.
CURVATURE := curvlinops-for-pytorch backpack-for-pytorch einconv einops linear_operator opt_einsum unfoldNd

# Small matrices lose more to thread hand-over than they gain; parallelism comes from processes.
export OMP_NUM_THREADS ?= 1
export MKL_NUM_THREADS ?= 1

.PHONY: setup reproduce test lint types unit check figures study bench docs gallery tables cost papers clean

setup: $(READY)

$(VENV)/.ready: pyproject.toml requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "lowcomplex needs Python 3.11 or newer, found " + sys.version.split()[0])'
	@echo "Setting up $(VENV) with the pinned versions of requirements.lock, once"
	@$(PYTHON) -m venv $(VENV)
	@$(VENV)/bin/python -m pip install --quiet --constraint requirements.lock --editable '.[dev]'
	@$(VENV)/bin/python -m pip install --quiet --constraint requirements.lock --no-deps $(CURVATURE)
	@touch $@

reproduce: $(READY)
	$(BIN)python -m paper_figs.reproduce --preset $(PRESET) --workers $(WORKERS)

# The type checker runs beside the tests: alone, it would leave all cores but one idle.
test: lint
	@$(MAKE) --no-print-directory --jobs 2 types unit
	@$(MAKE) --no-print-directory check

lint: $(READY)
	$(BIN)ruff check .
	$(BIN)ruff format --check .
	$(BIN)lint-imports

types: $(READY)
	$(BIN)mypy

unit: $(READY)
	$(BIN)python -m pytest -q -n $(WORKERS) -m 'not slow'

check: $(READY)
	$(BIN)lowcomplex check --workers $(WORKERS)

figures: $(READY)
	$(BIN)python -m paper_figs

study: $(READY)
	$(BIN)python -m pytest -q -n $(WORKERS) -m slow

bench: $(READY)
	$(if $(strip $(VENV)),@$(BIN)python -m pip install --quiet --constraint requirements.lock --editable '.[bench]')
	@# With all cores, as a notebook has them.
	env -u OMP_NUM_THREADS -u MKL_NUM_THREADS $(BIN)python -m pytest -v -s tests/benchmarks

docs: $(READY)
	$(if $(strip $(VENV)),@$(BIN)python -m pip install --quiet --constraint requirements.lock --editable '.[docs]')
	$(BIN)sphinx-build -W --keep-going -q docs docs/_build/html

gallery: $(READY)
	$(BIN)python docs/gallery

# What is written from what is found: stubs for type checkers, tables of theorems and of studies.
tables: $(READY)
	$(BIN)python tests/helpers/stubs.py
	$(BIN)python -m theory --table
	$(BIN)python docs/studies.py

cost: $(READY)
	$(BIN)python docs/cost.py

papers: $(READY)
	$(BIN)python docs/papers.py

clean:
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist
