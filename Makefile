# Every command of the project. `make help` lists them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check
# The lock files hold every package with its hashes, so pip resolves nothing (--no-deps): left to
# resolve, it trips over newer releases of packages that another names with an extra.

.DEFAULT_GOAL := help
.PHONY: help env run test lint lock bench chaos soak bom fuzz report-pictures page-pictures docs tutorial wheel licences package api-check release-check clean

help:  ## list the commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

env: $(VENV)/.run-ready  ## make the environment (.venv, with the command mppcqa)

$(VENV)/.python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "mppcqa needs Python 3.11 or newer; name one with: make $(MAKECMDGOALS) PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

CATALOGUES := $(wildcard src/mppcqa/*/locale/*/LC_MESSAGES/*.po)

$(VENV)/.run-ready: $(VENV)/.python requirements.lock pyproject.toml package.json package-lock.json $(CATALOGUES)
	$(PIP) install --no-deps --require-hashes -r requirements.lock
	$(PIP) install --no-deps --editable .
	$(BIN)/mppcqa assets
	@touch $@

$(VENV)/.test-ready: $(VENV)/.run-ready requirements-dev.lock
	$(PIP) install --no-deps --require-hashes -r requirements-dev.lock
	$(PIP) install --no-deps --editable examples/mppcqa-stage-linearity
	$(BIN)/mppcqa assets --dev
	@touch $@

run: env  ## start mppcqa with a demonstration campaign (make run ARGS="--port 8001")
	$(BIN)/mppcqa run $(ARGS)

test: $(VENV)/.test-ready  ## run the tests (make test ARGS="-k spectra")
	$(BIN)/python -m pytest $(or $(ARGS),-n auto)

lint: $(VENV)/.test-ready  ## style, types, and who may import whom
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/lint-imports
	$(BIN)/mypy
	$(BIN)/python tools/house.py
	$(BIN)/pip check

bench: $(VENV)/.test-ready  ## measure (make bench BENCH=analysis)
	$(BIN)/python -m benchmarks.$(subst -,_,$(BENCH)) $(ARGS)

chaos: $(VENV)/.test-ready  ## break things while tasks run (make chaos SEED=1)
	$(BIN)/python -m benchmarks.chaos --seed $(or $(SEED),1) $(ARGS)

soak: $(VENV)/.test-ready  ## people and stations work while everything is killed (make soak ARGS="--minutes 3")
	$(BIN)/python -m benchmarks.soak $(ARGS)

bom: $(VENV)/.test-ready  ## the bill of materials (CycloneDX) and what bandit finds
	$(BIN)/python tools/try_bandit.py
	mkdir -p build && $(BIN)/cyclonedx-py requirements requirements.lock --pyproject pyproject.toml --output-format JSON --output-file build/bom.json

fuzz: $(VENV)/.test-ready  ## mutated files for every reader (make fuzz ARGS="--mutations 200 --seed 1")
	$(BIN)/python -m benchmarks.fuzz_readers $(ARGS)

report-pictures: $(VENV)/.test-ready  ## draw the hardest reports into docs/pictures/reports
	$(BIN)/python tools/report_pictures.py

page-pictures: $(VENV)/.test-ready  ## draw the pages of the README into docs/pictures
	$(BIN)/python tools/page_pictures.py

docs: $(VENV)/.test-ready  ## build the documentation into build/docs, warnings as errors
	$(BIN)/python tools/build_docs.py

tutorial: $(VENV)/.test-ready  ## do all that the tutorial says, and draw its pictures
	$(BIN)/python tools/try_tutorial.py --draw

wheel: docs  ## build the package and try what is in it
	rm -rf dist && $(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir dist .
	$(BIN)/twine check --strict dist/*
	$(BIN)/check-wheel-contents dist/*.whl
	$(BIN)/python tools/try_wheel.py dist

licences:  ## what is installed may be used by whoever may use mppcqa, and fits together
	$(BIN)/pip check
	$(BIN)/python tools/licences.py

package: wheel  ## the source package, and that it builds the same wheel, twice
	$(BIN)/python tools/try_package.py dist

api-check: $(VENV)/.test-ready  ## ask every operation of the API what it allows and forbids (ARGS="--examples 100")
	$(BIN)/python tools/try_api.py $(ARGS)

release-check: $(VENV)/.test-ready  ## all that is too long for every change: an hour and more
	$(MAKE) lint licences bom package
	MPPCQA_THOROUGH=1 $(BIN)/python -m pytest -n 2 --cov --cov-context=test --cov-report=term:skip-covered
	$(MAKE) chaos ARGS="--kills 200"
	$(MAKE) soak
	$(BIN)/python tools/try_examples.py
	$(MAKE) api-check ARGS="--examples 100"
	$(BIN)/python tools/try_deployment.py dist
	$(MAKE) bench BENCH=mutants
	$(MAKE) bench BENCH=fuzz
	$(MAKE) fuzz

lock:  ## choose the dependencies' versions anew (needs uv)
	uv pip compile pyproject.toml --group checkout --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header -q -o requirements.lock
	uv pip compile pyproject.toml --group checkout --group dev --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header -q -o requirements-dev.lock

clean:  ## remove the environment and what tools left
	rm -rf $(VENV) node_modules .mypy_cache .pytest_cache .ruff_cache htmlcov .coverage
