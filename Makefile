# Every command of the project. `make help` lists them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check
# The lock files hold every package with its hashes, so pip resolves nothing (--no-deps): left to
# resolve, it trips over newer releases of packages that another names with an extra.

.DEFAULT_GOAL := help
.PHONY: help env styles run test lint lock bench chaos soak bom fuzz fresh-database freeze-database report-pictures page-pictures tray-story docs tutorial wheel wheel-on stories licences package api-check release-check clean

help:  ## list the commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

env: styles  ## make the environment (.venv, with the command mppcqa)

$(VENV)/.python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "mppcqa needs Python 3.11 or newer; name one with: make $(MAKECMDGOALS) PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

CATALOGUES := $(wildcard src/mppcqa/*/locale/*/LC_MESSAGES/*.po)

$(VENV)/.run-ready: $(VENV)/.python requirements.lock pyproject.toml package.json package-lock.json $(CATALOGUES)
	$(PIP) install --no-deps --require-hashes -r requirements.lock
	$(PIP) install --no-deps --editable .
	$(BIN)/mppcqa assets
	$(BIN)/python tools/icons.py
	$(BIN)/python tools/styles.py
	@touch $@

$(VENV)/.test-ready: $(VENV)/.run-ready requirements-dev.lock requirements-ldap.lock
	$(PIP) install --no-deps --require-hashes -r requirements-dev.lock
	$(if $(wildcard /usr/include/ldap.h),$(PIP) install --no-deps --require-hashes -r requirements-ldap.lock,@echo "No ldap.h (libldap-dev, libsasl2-dev): the tests of directories are skipped")
	$(PIP) install --no-deps --editable examples/mppcqa-stage-linearity
	$(BIN)/mppcqa assets --dev
	@touch $@

styles: $(VENV)/.run-ready
	@$(BIN)/python tools/icons.py
	@$(BIN)/python tools/styles.py

run: env  ## start mppcqa with a demonstration campaign (make run ARGS="--port 8001")
	$(BIN)/mppcqa run $(ARGS)

test: $(VENV)/.test-ready styles  ## run the tests (make test ARGS="-k spectra")
	$(BIN)/python -m pytest $(or $(ARGS),-n auto)

lint: $(VENV)/.test-ready  ## style, types, and who may import whom
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/lint-imports
	$(BIN)/mypy
	$(BIN)/python tools/house.py
	$(BIN)/pip check

bench: $(VENV)/.test-ready styles  ## measure (make bench BENCH=analysis)
	$(BIN)/python -m benchmarks.$(subst -,_,$(BENCH)) $(ARGS)

chaos: $(VENV)/.test-ready styles  ## break things while tasks run (make chaos SEED=1)
	$(BIN)/python -m benchmarks.chaos --seed $(or $(SEED),1) $(ARGS)

soak: $(VENV)/.test-ready styles  ## people and stations work while everything is killed (make soak ARGS="--minutes 3")
	$(BIN)/python -m benchmarks.soak $(ARGS)

bom: $(VENV)/.test-ready  ## the bill of materials (CycloneDX) and what bandit finds
	$(BIN)/python tools/try_bandit.py
	test -x build/bom/bin/cyclonedx-py || { $(BIN)/python -m venv build/bom && build/bom/bin/python -m pip install --quiet --no-deps --require-hashes -r requirements-bom.lock; }
	build/bom/bin/cyclonedx-py requirements requirements.lock --pyproject pyproject.toml --output-format JSON --output-file build/bom.json

fuzz: $(VENV)/.test-ready  ## mutated files for every reader (make fuzz ARGS="--mutations 200 --seed 1")
	$(BIN)/python -m benchmarks.fuzz_readers $(ARGS)

fresh-database: $(VENV)/.test-ready  ## write anew what a new SQLite database is made of, after a change of tables
	$(BIN)/python tools/fresh_database.py

freeze-database: $(VENV)/.test-ready  ## keep what this version makes as a database, for the tests of those that follow
	PYTHONPATH=. $(BIN)/python tools/freeze_database.py

report-pictures: $(VENV)/.test-ready  ## draw the hardest reports into docs/pictures/reports
	$(BIN)/python tools/report_pictures.py

page-pictures: $(VENV)/.test-ready styles  ## draw the pages of the README into docs/pictures
	$(BIN)/python tools/page_pictures.py

tray-story: $(VENV)/.test-ready styles  ## take the five measured trays in, draw docs/trays.md and write its numbers
	$(BIN)/python tools/tray_story.py

docs: $(VENV)/.test-ready  ## build the documentation into build/docs, warnings as errors
	$(BIN)/python tools/build_docs.py

tutorial: $(VENV)/.test-ready styles  ## do all that the tutorial says, and draw its pictures
	$(BIN)/python tools/try_tutorial.py --draw

wheel: docs styles  ## build the package and try what is in it
	rm -rf dist && $(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir dist .
	$(BIN)/twine check --strict dist/*
	$(BIN)/check-wheel-contents dist/*.whl
	$(BIN)/python tools/try_wheel.py dist

wheel-on:  ## try the wheel in an empty environment of another Python (PYTHON=python3.13)
	rm -rf build/on && $(PYTHON) -m venv build/on
	build/on/bin/pip install --quiet --require-hashes --no-deps -r requirements.lock
	build/on/bin/pip check
	build/on/bin/python tools/try_wheel.py dist

stories:  ## the browser's stories against the wheel in dist (make stories PYTHON=python3.13 ARGS="-k packing")
	$(PYTHON) tools/try_stories.py dist $(if $(ARGS),tests/browser $(ARGS))

licences:  ## what is installed may be used by whoever may use mppcqa, and fits together
	$(BIN)/pip check
	$(BIN)/python tools/licences.py

package: wheel  ## the source package, and that it builds the same wheel, twice
	$(BIN)/python tools/try_package.py dist

api-check: $(VENV)/.test-ready styles  ## ask every operation of the API what it allows and forbids (ARGS="--examples 100")
	$(BIN)/python tools/try_api.py $(ARGS)

release-check: $(VENV)/.test-ready  ## all that is too long for every change: an hour and more
	$(MAKE) lint licences bom package
	env -u MPPCQA_DATABASE -u MPPCQA_BROKER MPPCQA_THOROUGH=1 $(BIN)/python -m pytest -n 2 --cov --cov-context=test --cov-report=term:skip-covered
	test -n "$$MPPCQA_DATABASE" || { echo "Set MPPCQA_DATABASE and MPPCQA_BROKER to servers of which the tests may make databases"; exit 1; }
	MPPCQA_THOROUGH=1 $(BIN)/python -m pytest -n 3 --dist worksteal --only-servers
	$(MAKE) chaos ARGS="--kills 200 --runs 20"
	$(MAKE) soak
	$(BIN)/python tools/try_examples.py
	$(MAKE) api-check ARGS="--examples 100"
	$(BIN)/python tools/try_deployment.py dist
	$(MAKE) stories
	$(MAKE) bench BENCH=mutants
	$(MAKE) bench BENCH=fuzz
	$(MAKE) fuzz

lock:  ## choose the dependencies' versions anew (needs uv)
	uv pip compile pyproject.toml --group checkout --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header -q -o requirements.lock
	uv pip compile pyproject.toml --group checkout --group dev --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header -q -o requirements-dev.lock
	uv pip compile --group bom --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header -q -o requirements-bom.lock
	echo python-ldap | uv pip compile - --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header -q -o requirements-ldap.lock

clean:  ## remove the environment and what tools left
	rm -rf $(VENV) node_modules .mypy_cache .pytest_cache .ruff_cache htmlcov .coverage
