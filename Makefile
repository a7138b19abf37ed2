# The two commands: `make demo` and `make test`. Needs Python 3.11 or newer and make, nothing else.
# Everything is installed into .venv from the hashed locks; a second run starts at once.

SHELL := /bin/sh
PYTHON ?=
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
ROOMS := states engine adapters bot diagrams tests

.PHONY: demo test faults scale simulate soak bench audit lint format diagrams readers longlog lock clean
.DEFAULT_GOAL := help
.PHONY: help

help:
	@echo "make demo     the whole product on this machine: no key, no server, prints the address (PORT=8080 for another)"
	@echo "make test     all tests but the long ones"
	@echo "make faults   strike workers, server, line and clocks at every point of a job's life, and count (minutes)"
	@echo "make scale    10,000 jobs on clusters whose masters die and slots move, sentinels, TLS (minutes, alone)"
	@echo "make simulate a million steps of seeded worlds full of trouble (tens of minutes; SEED=1 plays the same again)"
	@echo "make soak     1,000 users and mixed faults for half an hour on real processes (MINUTES=3 for a rehearsal)"
	@echo "make bench    ours and the peers side by side, then our own figures, into out/bench (QUICK=1: minutes)"
	@echo "make audit    the locks: hashes, ranges, licences, and known vulnerabilities (asks PyPI)"
	@echo "make lint     format, lint, types, import contracts, fresh diagrams"
	@echo "make diagrams draw the pictures and the README's tables again"
	@echo "make readers  other programs read our DOT, Mermaid, SCXML and XES (npm, dot, pip: where they are here)"
	@echo "make longlog  a log of 100,000 records that a real engine wrote (LOG=long.jsonl.gz JOBS=19000)"
	@echo "make format   put the code into the house's format"
	@echo "make lock     resolve the locks again (needs uv)"
	@echo "make clean    remove the environment and caches"

demo: $(VENV)/.run
	@$(BIN)/reelstate demo $(if $(PORT),--port $(PORT))

test: $(VENV)/.dev
	@$(BIN)/python -m pytest -q -n 5 --dist worksteal -m "not faults and not scale and not long"

scale: $(VENV)/.dev
	@command -v redis-server >/dev/null || echo "redis-server is missing, so only Valkey is tried: apt install redis-server redis-sentinel redis-tools" >&2
	@$(BIN)/python -m pytest -q -s -m scale tests/scale

faults: $(VENV)/.dev
	@$(BIN)/python -m pytest -q -n 2 tests/faults tests/engine/test_store_machine.py tests/simulation tests/bench tests/scenarios

# Peers are installed into environments of their own below .venv/peers; those that cannot be are left out.
bench: $(VENV)/.dev
	@$(BIN)/python -m tests.bench $(if $(QUICK),--quick)

simulate: $(VENV)/.run
	@$(BIN)/reelstate simulate $(if $(SEED),--seed $(SEED)) --seeds 1000 --total 1000000 --workers 2

soak: $(VENV)/.dev
	@$(BIN)/python -m tests.soak $(if $(MINUTES),--minutes $(MINUTES))

# pip-audit lives apart: what looks at the lock is not part of it. --strict: what cannot be looked up is no pass.
audit: $(VENV)/.dev
	@$(BIN)/python -m pytest -q tests/house/test_lock.py
	@test -x $(VENV)/audit/bin/pip-audit || { $(BIN)/python -m venv $(VENV)/audit && \
	    $(VENV)/audit/bin/python -m pip --disable-pip-version-check --quiet install 'pip-audit>=2.9,<3'; }
	@for lock in requirements.txt requirements-dev.txt; do \
	    $(VENV)/audit/bin/pip-audit --strict --require-hashes --disable-pip --progress-spinner off -r $$lock || exit 1; \
	done

lint: $(VENV)/.dev
	$(BIN)/ruff check $(ROOMS)
	$(BIN)/ruff format --check $(ROOMS)
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/reelstate diagram check

# Graphviz, Mermaid, python-statemachine and pm4py are asked, each where it is here; none is a dependency.
readers: $(VENV)/.dev
	@$(BIN)/python -m tests.readers $(VENV)/readers

# About 100,000 records by a real engine on a real store; a few minutes.
LOG ?= long.jsonl.gz
JOBS ?= 19000
longlog: $(VENV)/.dev
	@$(BIN)/python -m tests.engine.replay.make_real_log $(LOG) $(JOBS)

format: $(VENV)/.dev
	$(BIN)/ruff check --fix $(ROOMS)
	$(BIN)/ruff format $(ROOMS)

diagrams: $(VENV)/.dev
	$(BIN)/reelstate diagram render --all diagrams/generated --readme

# The stamps are touched last, so that an interrupted installation is taken up again.
# An environment that works is kept; half a one, or one whose Python has gone, is made anew.
$(VENV)/.made:
	@fit='import sys; sys.exit(sys.version_info < (3, 11))'; \
	if $(BIN)/python -c "$$fit" 2>/dev/null && $(PIP) --version >/dev/null 2>&1; then touch $@; exit 0; fi; \
	found=''; for python in $(PYTHON) python3 python3.13 python3.12 python3.11; do \
	    if $$python -c "$$fit" 2>/dev/null; then found=$$python; break; fi; \
	done; \
	if [ -z "$$found" ]; then \
	    echo "Python 3.11 or newer is needed: install it, or name it with make PYTHON=python3.12." >&2; exit 2; \
	fi; \
	if ! $$found -c 'import venv, ensurepip' 2>/dev/null; then \
	    echo "$$found cannot make environments: install its venv package (Debian: apt install python3-venv)." >&2; \
	    exit 2; \
	fi; \
	echo "Making $(VENV) with $$found ..."; \
	$$found -m venv --clear $(VENV) && touch $@

$(VENV)/.run: requirements.txt pyproject.toml $(VENV)/.made
	@echo "Installing what the program needs ..."
	@$(PIP) install --require-hashes -r requirements.txt
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: requirements-dev.txt $(VENV)/.run
	@echo "Installing what its tests need ..."
	@$(PIP) install --require-hashes -r requirements-dev.txt
	@touch $@

# setuptools is locked too: it builds the console script without fetching anything unpinned.
COMPILE = echo 'setuptools>=77' | uv pip compile --quiet --universal --python-version 3.11 --upgrade --no-strip-extras \
	--generate-hashes --no-emit-index-url --no-header pyproject.toml -

lock:
	@command -v uv >/dev/null || { echo "make lock needs uv: pip install uv." >&2; exit 2; }
	$(COMPILE) --output-file requirements.txt
	$(COMPILE) --extra dev --constraint requirements.txt --output-file requirements-dev.txt

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache *.egg-info
