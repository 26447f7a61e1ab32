# Two commands do everything: `make serve` and `make test`. The environment lives in .venv/, the data in var/.

VENV := .venv
BIN := $(VENV)/bin
# The first of these that is there and new enough makes the environment; PYTHON=... chooses another.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null && echo $$p && break; done)
export PORT ?= 6543
export FOI_DATA ?= var

# Every process of the tests and every command would compile all modules anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help env serve test browser lint types check bench torture aleph ci lock clean

help: ## show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

# Whoever tries the site alone on their machine is not counted at sign-in; with a host, an address, a proxy or a file of
# settings of one's own both limits are what these say, and on where they say nothing.
ifeq ($(FOI_SERVER_HOST)$(FOI_INI)$(FOI_SITE_URL)$(FOI_SERVER_TRUSTED_PROXIES),)
serve: export FOI_LIMITS_SIGN_INS_PER_ACCOUNT ?= 0
serve: export FOI_LIMITS_SIGN_INS_PER_ADDRESS ?= 0
endif
serve: $(VENV)/.serve ## set everything up and start the site (PORT, FOI_DATA)
	@$(BIN)/foi serve --demo

test: $(VENV)/.dev ## run the tests
	@$(BIN)/python -m pytest -q -n $${FOI_TEST_PROCESSES:-4} --dist worksteal --ignore=tests/browser

browser: $(VENV)/.dev ## look at every kind of page in Chromium: accessibility, width, keyboard, print
	@$(BIN)/python -m pytest -q tests/browser

lint: $(VENV)/.dev ## style, and the direction of imports
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/lint-imports

types: $(VENV)/.dev ## static types
	@$(BIN)/mypy

check: lint types test ## everything a change must pass

bench: $(VENV)/.dev ## requests per second and percentiles, beside a bare view (needs wrk)
	@$(BIN)/python -m benchmarks.speed
	@$(BIN)/python -m benchmarks.search --sizes 7000

torture: $(VENV)/.dev ## kill the bridge's worker 200 times while the archive changes
	@FOI_THOROUGH=1 FOI_KILLS=200 FOI_KILLED_REQUESTS=500 $(BIN)/python -m pytest -q -s tests/bridge/test_crash.py

aleph: $(VENV)/.dev ## start a stand-in of Aleph to try the bridge on
	@$(BIN)/python -m tests.aleph --port $${ALEPH_PORT:-8780}

env: $(VENV)/.dev ## make the environment for development

ci: ## what continuous integration runs
	@.ci/run

lock: ## pin the dependencies anew (needs uv)
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header -q \
		setup.cfg --extra postgres --extra test -o requirements/dev.txt
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header -q \
		setup.cfg -c requirements/dev.txt -o requirements/serve.txt

clean: ## remove the environment (never the data)
	rm -rf $(VENV) build dist *.egg-info

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "foi needs Python 3.11, 3.12 or 3.13; none was found. Name one: make serve PYTHON=/path/to/python"; exit 2; }
	@echo "Making the environment in $(VENV) with $(PYTHON) ..."
	@$(PYTHON) -m venv $(VENV)

# The locked versions first, then the project itself without asking for anything more.
$(VENV)/.serve: requirements/serve.txt setup.cfg $(VENV)/bin/python
	@echo "Installing the pinned dependencies ..."
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements/serve.txt
	@$(BIN)/python -m pip install -q --disable-pip-version-check --no-build-isolation --no-deps -e .
	@touch $@

$(VENV)/.dev: requirements/dev.txt setup.cfg $(VENV)/bin/python
	@echo "Installing the pinned dependencies for development ..."
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@$(BIN)/python -m pip install -q --disable-pip-version-check --no-build-isolation --no-deps -e .
	@touch $@ $(VENV)/.serve
