# `make lab` opens the course, `make test` proves it, `make help` lists the rest.
#
# Everything runs in one virtual environment, .venv, made once from requirements.lock
# (the only step that needs a network).  Useful settings:
#   make lab LAB_ARGS="--no-browser --port 8899"
#   make lab PYTHON=python3.12         another Python for the environment
#   make test WORKERS=4                more test processes
#   make test OFFLINE=                 leave the network on

PYTHON  ?= $(shell command -v python3.11 || command -v python3)
VENV    ?= .venv
WORKERS ?= 2
LAB_ARGS ?=
PYTEST_ARGS ?=

PY      := $(VENV)/bin/python
READY   := $(VENV)/.course-installed
# Cuts the network for a step, where the system can; says so where it cannot.
OFFLINE ?= $(PY) tests/offline.py
# One thread a test process: two processes of one thread beat one of two.
THREADS ?= 1
RUN     := env COURSE_SCALE=cpu OMP_NUM_THREADS=$(THREADS) MPLBACKEND=agg $(OFFLINE)
PYTEST  := $(PY) -m pytest -n $(WORKERS) -q $(PYTEST_ARGS)
NBVAL   := --nbval --nbval-current-env --nbval-cell-timeout=600
EVERYWHERE := not browser and not network and not gpu
PLAIN_PIP := env PIP_DISABLE_PIP_VERSION_CHECK=1 $(PY) -m pip

.DEFAULT_GOAL := help
.PHONY: help install lab test lint test-unit test-notebooks test-fast test-browser \
	test-install test-offline notebooks bench format lock clean

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /#/' \
	  | awk -F'#' '{printf "  make %-16s %s\n", $$1, $$2}'

# --------------------------------------------------------------------- install
$(PY):
	@test -n "$(PYTHON)" || { echo "No Python found: install Python 3.11"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' \
	  || { echo "$(PYTHON) is $$($(PYTHON) --version); the course needs Python 3.11," \
	       "3.12 or 3.13: make PYTHON=/path/to/python3.11"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(READY): requirements.lock pyproject.toml | $(PY)
	$(PLAIN_PIP) install --quiet -r requirements.lock
	$(PLAIN_PIP) install --quiet --no-deps --no-build-isolation -e .
	@touch $@

install: $(READY) ## the environment, once (needs the network)

# ------------------------------------------------------------------------- use
lab: $(READY) ## open the course in JupyterLab (LAB_ARGS="...")
	$(PY) -m course lab $(LAB_ARGS)

notebooks: $(READY) ## run every notebook at cpu scale and store its outputs
	$(RUN) $(PY) -m course.teaching.notebooks

bench: $(READY) ## timings against public peers, as ratios
	env COURSE_SCALE=cpu $(PY) -m pytest benchmarks -o python_files='bench_*.py' -q --benchmark-only \
	  --benchmark-columns=median,iqr,rounds --benchmark-group-by=group -p no:xdist

# ------------------------------------------------------------------------ test
test: lint test-unit test-notebooks ## all that needs neither GPU, browser nor network

lint: $(READY) ## ruff and mypy
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy

test-unit: $(READY) ## tests and doctests, slow ones too
	$(RUN) $(PYTEST) -m "$(EVERYWHERE)" tests
	$(RUN) $(PYTEST) --doctest-modules course

test-notebooks: $(READY) ## run the notebooks and compare every stored output
	$(PY) -m course.teaching.guards
	$(RUN) $(PYTEST) --dist loadfile $(NBVAL) notebooks

test-fast: $(READY) ## the unit tests that take seconds
	$(RUN) $(PYTEST) -m "$(EVERYWHERE) and not slow" tests

test-offline: $(READY) ## fast tests and the start notebook with the network cut
	$(RUN) $(PYTEST) -m "$(EVERYWHERE) and not slow" tests
	$(RUN) $(PYTEST) $(NBVAL) notebooks/00_start.ipynb

test-browser: $(READY) ## the panels in a real Chromium
	@$(PY) -c 'import sys; from course.doctor import check_chromium as check; \
	c = check(); c.status == "OK" or sys.exit(f"No Chromium ({c.detail}): {c.fix}")'
	$(RUN) $(PY) -m pytest -q $(PYTEST_ARGS) -m browser tests

test-install: $(READY) ## fresh environments from the registries (needs the network)
	$(PY) -m pytest -q $(PYTEST_ARGS) -m network --timeout 3600 tests

# ---------------------------------------------------------------- housekeeping
format: $(READY) ## let ruff lay out the code
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .

lock: ## choose newest versions for requirements.lock (network)
	rm -rf build/lock
	$(PYTHON) -m venv build/lock
	build/lock/bin/python -m pip install --quiet --upgrade setuptools ".[test]"
	build/lock/bin/python -m pip uninstall --quiet --yes motion-not-scenery
	build/lock/bin/python tests/lock.py > requirements.lock.new
	mv requirements.lock.new requirements.lock
	rm -rf build

clean: ## remove the environment and all caches in this folder
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .ruff_cache .mypy_cache \
	  .hypothesis .benchmarks
	find course tests data_scripts benchmarks notebooks -name __pycache__ \
	  -o -name .ipynb_checkpoints | xargs rm -rf
