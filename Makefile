# Needs Python 3.11 or newer, make, and a package index. `make` alone says what there is.

PYTHON ?= $(shell for python in python3.13 python3.12 python3.11 python3 python; do \
	"$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& echo "$$python" && break; done)
BIN := .venv/bin
INSTALL := -m pip install --quiet --disable-pip-version-check
LOCKED := $(INSTALL) --require-hashes --no-deps --requirement
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 \
	--generate-hashes --no-emit-index-url --no-header
TESTS ?= -n 3 --dist worksteal

.PHONY: help setup run test check lock

help:
	@echo "make run     install, start everything, and show a completion travel (Ctrl-C stops it)"
	@echo "make setup   install into .venv, from requirements.lock"
	@echo "make test    install what the tests need, and run them"
	@echo "make check   format, lint, types, imports: what has to hold before a commit"
	@echo "make lock    work the locks out anew, from pyproject.toml"

setup: .venv/.setup

run: .venv/.setup
	@exec $(BIN)/hub run --demo

test: .venv/.test .venv-ralph/.setup .prometheus/.setup .chromium/.setup
	@$(BIN)/python -m pytest $(TESTS)

check: .venv/.test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

lock: .venv/.setup
	$(BIN)/python $(INSTALL) "uv>=0.13"
	$(COMPILE) pyproject.toml --output-file requirements.lock
	$(COMPILE) pyproject.toml --group test --constraint requirements.lock \
		--output-file requirements-test.lock
	$(COMPILE) tests/conformance/ralph.in --output-file tests/conformance/ralph.lock

# The files below note what was installed, so that a second run starts at once.

.venv/bin/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed, and none was found." >&2; exit 1; }
	@echo "Making .venv with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv .venv

.venv/.setup: requirements.lock pyproject.toml | .venv/bin/python
	@echo "Installing what requirements.lock names"
	@$(BIN)/python $(LOCKED) requirements.lock
	@$(BIN)/python $(INSTALL) --no-deps --editable .
	@touch $@

.venv/.test: requirements-test.lock .venv/.setup
	@echo "Installing what the tests need"
	@$(BIN)/python $(LOCKED) requirements-test.lock
	@touch $@

# A real LRS to test against, in a place of its own: its pins contradict ours.
.venv-ralph/.setup: tests/conformance/ralph.lock | .venv/bin/python
	@echo "Installing a real LRS for the tests"
	@test -x .venv-ralph/bin/python || $(BIN)/python -m venv .venv-ralph
	@.venv-ralph/bin/python $(LOCKED) tests/conformance/ralph.lock
	@touch $@

# A real Prometheus for the tests of the alert rules, and a real browser for those of the portal:
# Debian's packages, unpacked here and not installed.
.prometheus/.setup: tests/debian/fetch.sh
	@echo "Fetching a real Prometheus for the tests"
	@sh $< .prometheus prometheus
	@.prometheus/usr/bin/prometheus --version >/dev/null
	@touch $@

.chromium/.setup: tests/debian/fetch.sh tests/browser/chromium.sh
	@echo "Fetching a real browser for the tests"
	@sh $< --needs .chromium chromium-headless-shell fonts-liberation fonts-dejavu-core
	@tests/browser/chromium.sh --version >/dev/null
	@touch $@
