# Everything there is to do here. `make demo` and `make test` need only Python 3.11, make and git.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed

.PHONY: help env demo test lint types contracts unit accuracy browser ssh kill faults bench scale lock build clean

CORPUS ?= ../shared/corpus
GOLD   ?= $(CORPUS)/gold.csv

help:            ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*##/\t/'

env: $(STAMP)    ## the environment, exactly as requirements.lock says

$(STAMP): requirements.lock pyproject.toml
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes --requirement requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

demo: $(STAMP)   ## the main job on documents that come with Navtex, up to a digest
	@$(BIN)/navtex demo

test: lint types contracts unit accuracy ## everything CI runs

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(STAMP)
	$(BIN)/mypy

contracts: $(STAMP)
	$(BIN)/lint-imports

unit: $(STAMP)
	$(BIN)/pytest

accuracy: $(STAMP) ## verdicts against hand-made truth (GOLD=...), where a corpus of real documents is at hand
	@if [ -f "$(GOLD)" ]; then \
	  $(BIN)/python benchmarks/accuracy.py "$(GOLD)" "$(CORPUS)/releases.csv" "$(CORPUS)/mirror/t0" "$(CORPUS)/mirror/t1" \
	    $(if $(wildcard $(CORPUS)/gold_as_published.csv),--as-published "$(CORPUS)/gold_as_published.csv"); \
	else echo "accuracy: SKIPPED, there is no truth to compare with at $(GOLD)"; fi

browser: $(STAMP) ## look at the mails in Chromium, which is installed from Debian
	command -v chromium >/dev/null || { apt-get update -q && apt-get install -y -q chromium fonts-liberation; }
	$(BIN)/pytest -m browser -n 0 --no-cov

ssh: $(STAMP)    ## collect from a real sshd on loopback, which is installed from Debian
	test -x /usr/sbin/sshd || { apt-get update -q && apt-get install -y -q openssh-server; }
	$(BIN)/pytest -m ssh -n 0 --no-cov

faults: $(STAMP) ## real faults: full and read-only disks (as root), a clock that jumps (faketime, which is installed from Debian)
	ls /usr/lib/*/faketime/libfaketime.so.1 >/dev/null 2>&1 || { apt-get update -q && apt-get install -y -q libfaketime; }
	$(BIN)/pytest tests/test_faults.py -n 0 --no-cov -rs

kill: $(STAMP)   ## kill -9 at 200 random moments of `navtex run`, on SQLite and PostgreSQL
	$(BIN)/python tests/killing.py 200

bench: $(STAMP)  ## speed, as ratios to a floor in the same run
	$(BIN)/python benchmarks/startup.py
	$(BIN)/python benchmarks/poll.py
	$(BIN)/python benchmarks/delivery.py
	@if [ -f "$(GOLD)" ]; then $(BIN)/python benchmarks/matching.py "$(GOLD)" "$(CORPUS)/releases.csv"; \
	else echo "matching: SKIPPED, there are no advisories to match at $(GOLD)"; fi

scale: $(STAMP)  ## a million hosts: imports, counts and whole commands, on both kinds of database
	$(BIN)/python benchmarks/scale.py --hosts 10000 --hosts 100000 --hosts 1000000 --commands

lock: $(STAMP)   ## renew requirements.lock from pyproject.toml
	$(BIN)/uv pip compile pyproject.toml --group dev --all-extras --universal --python-version 3.11 --upgrade \
	  --generate-hashes --no-strip-extras --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" --quiet --output-file requirements.lock

build: $(STAMP)  ## the wheel and the sdist, in dist/
	$(BIN)/python -m hatchling build

clean:           ## forget the environment and what was built
	rm -rf $(VENV) dist .coverage .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
