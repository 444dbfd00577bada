# Everything there is to do here. `make demo` and `make test` need only Python 3.11, make and git.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
RUNS   := $(VENV)/.runs
STAMP  := $(VENV)/.installed
TOOLS  := .tools
TOOLED := $(TOOLS)/.installed
PIP    := $(TOOLS)/bin/python -m pip --disable-pip-version-check

# pytest rewrites every assertion; where it may not keep that, each of its workers does so in every run
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help env demo test test-all lint types contracts unit unit-all accuracy accuracy-advice browser images-lab ssh network kill workers soak lies flood faults fuzz systemd deploy audit sbom bench scale peer lock man schemas openapi images build clean

CORPUS ?= ../shared/corpus
GOLD   ?= $(CORPUS)/gold.csv

help:            ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*##/\t/'

env: $(STAMP)    ## the environment in .venv: what runs, and the tools of development, as requirements.lock pins them

INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-compile
COMPILE := $(BIN)/python -m compileall -qq -j 0

$(RUNS): locks/runtime.lock locks/build.lock pyproject.toml
	$(PYTHON) -m venv --clear $(VENV)
	$(INSTALL) --require-hashes --requirement locks/runtime.lock --requirement locks/build.lock
	$(INSTALL) --no-build-isolation --editable .
	@$(COMPILE) $(VENV)/lib feeds notifier || true  # some packages have files for other versions of Python
	@touch $@

$(STAMP): $(RUNS) requirements.lock
	$(INSTALL) --require-hashes --requirement requirements.lock
	@$(COMPILE) $(VENV)/lib || true
	@touch $@

demo: $(RUNS)    ## the main job on documents that come with Navtex, up to a digest; installs only what runs
	@$(BIN)/navtex demo

CHECKS := $(MAKE) --no-print-directory --jobs=2 --output-sync lint types contracts accuracy accuracy-advice

test: $(STAMP)   ## lint, types, contracts, tests and accuracy: the short run, for every change
	@$(CHECKS)
	@$(MAKE) --no-print-directory unit

test-all: $(STAMP) ## the same with the long tests: both databases everywhere, real processes, kills, soak
	@$(CHECKS)
	@$(MAKE) --no-print-directory unit-all
	@command -v systemd-analyze >/dev/null || echo "systemd: SKIPPED, systemd-analyze is not installed; \`make systemd\` installs it"

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(STAMP)
	$(BIN)/mypy

contracts: $(STAMP)
	$(BIN)/lint-imports

unit: $(STAMP)
	$(BIN)/pytest

# COVER="--cov --cov-report=term:skip-covered" measures branches, in child processes too
unit-all: $(STAMP)
	$(BIN)/pytest --long $(COVER)

accuracy: $(STAMP) ## verdicts against hand-made truth (GOLD=...), where a corpus of real documents is at hand
	@if [ -f "$(GOLD)" ]; then \
	  $(BIN)/python benchmarks/accuracy.py "$(GOLD)" "$(CORPUS)/releases.csv" "$(CORPUS)/mirror/t0" "$(CORPUS)/mirror/t1" \
	    $(if $(wildcard $(CORPUS)/gold_as_published.csv),--as-published "$(CORPUS)/gold_as_published.csv"); \
	else echo "accuracy: SKIPPED, there is no truth to compare with at $(GOLD)"; fi

accuracy-advice: $(STAMP) ## whether the advised upgrades can be installed and help, where the corpus has package indexes
	@if [ -f "$(GOLD)" ] && [ -d "$(CORPUS)/mirror/packages" ]; then \
	  $(BIN)/python benchmarks/accuracy_advice.py "$(GOLD)" "$(CORPUS)/releases.csv" "$(CORPUS)/mirror/packages" \
	    "$(CORPUS)/mirror/t0" "$(CORPUS)/mirror/t1"; \
	else echo "accuracy-advice: SKIPPED, there are no package indexes at $(CORPUS)/mirror/packages"; fi

browser: $(STAMP) ## look at the pages and mails in Chromium, which is installed from Debian; put questions to the API
	command -v chromium >/dev/null || { apt-get update -q && apt-get install -y -q chromium fonts-liberation; }
	$(INSTALL) --require-hashes --requirement locks/browser.lock
	$(BIN)/pytest -m browser -n 0 --no-cov

images-lab: $(STAMP) ## lineage of real images, with buildah, skopeo and docker-registry, which are installed from Debian
	command -v buildah skopeo docker-registry busybox >/dev/null || { apt-get update -q && apt-get install -y -q buildah skopeo docker-registry busybox-static; }
	$(BIN)/pytest -m images -n 0 --no-cov -rs

fuzz: $(STAMP)   ## odd inputs for every reader of what strangers write, for FUZZ_SECONDS
	FUZZ_SECONDS=$${FUZZ_SECONDS:-120} $(BIN)/python -m tests.unit.fuzz

ssh: $(STAMP)    ## collect from a real sshd on loopback, which is installed from Debian
	test -x /usr/sbin/sshd || { apt-get update -q && apt-get install -y -q openssh-server; }
	$(BIN)/pytest -m ssh -n 0 --no-cov

faults: $(STAMP) ## real faults: full and read-only disks (as root), a clock that jumps (faketime, which is installed from Debian)
	ls /usr/lib/*/faketime/libfaketime.so.1 >/dev/null 2>&1 || { apt-get update -q && apt-get install -y -q libfaketime; }
	$(BIN)/pytest --long tests/acceptance/test_faults.py -n 0 --no-cov -rs

kill: $(STAMP)   ## kill -9 at 200 random moments of `navtex run`, on SQLite and PostgreSQL
	$(BIN)/python tests/integration/endurance/killing.py 200

workers: $(STAMP) ## three workers and 300 subscriptions: 20 kills, two pauses of 90 s, PostgreSQL stopped and started
	$(BIN)/python tests/integration/endurance/working.py

network: $(STAMP) ## what a whole run connects to, seen by strace, which is installed from Debian
	command -v strace >/dev/null || { apt-get update -q && apt-get install -y -q strace; }
	$(BIN)/pytest -m network -n 0 --no-cov

soak: $(STAMP)   ## RUNS (2000) of `navtex run` over a world that changes, half a day apart; an hour or more
	ls /usr/lib/*/faketime/libfaketime.so.1 >/dev/null 2>&1 || { apt-get update -q && apt-get install -y -q libfaketime; }
	$(BIN)/python tests/integration/endurance/soaking.py $${RUNS:-2000}

lies: $(STAMP)   ## each source in turn cut, emptied, not found, a month back, and back: a table of what is told
	$(BIN)/python tests/integration/endurance/lying.py

flood: $(STAMP)  ## 100,000 made-up advisories from one source: seconds and memory of each run, and what is told
	$(BIN)/python tests/integration/endurance/flooding.py

systemd:         ## the units in deploy, by systemd itself, which is installed from Debian
	command -v systemd-analyze >/dev/null || { apt-get update -q && apt-get install -y -q systemd; }
	$(PYTHON) scripts/units.py deploy/systemd/navtex.service deploy/systemd/navtex-web.service deploy/systemd/navtex.timer \
	  deploy/systemd/navtex-worker@.service \
	  deploy/agent/navtex-agent.service deploy/agent/navtex-agent.timer

deploy: $(TOOLED) ## the container file and the manifests, by linters that know their rules
	$(TOOLS)/bin/hadolint deploy/container/Containerfile
	$(TOOLS)/bin/check-jsonschema --builtin-schema vendor.compose-spec deploy/compose/compose.yaml
	$(TOOLS)/bin/kubernetes-validate --strict deploy/kubernetes/navtex.yaml deploy/kubernetes/navtex-web.yaml \
	  deploy/kubernetes/navtex-worker.yaml

audit: $(TOOLED) ## known vulnerabilities of what is locked, where the database of advisories can be asked
	$(PYTHON) scripts/audit.py $(TOOLS)/bin/pip-audit locks/runtime.lock locks/build.lock

sbom: $(TOOLED)  ## dist/navtex.cdx.json: what a release is made of, as CycloneDX
	rm -rf $(TOOLS)/release && $(PYTHON) -m venv --without-pip $(TOOLS)/release
	$(PIP) --python $(TOOLS)/release/bin/python install --quiet --no-deps --require-hashes --requirement locks/runtime.lock
	$(PIP) --python $(TOOLS)/release/bin/python install --quiet --no-deps --no-compile .
	mkdir -p dist
	$(TOOLS)/bin/cyclonedx-py environment $(TOOLS)/release/bin/python --pyproject pyproject.toml --output-reproducible \
	  --validate --output-format JSON --output-file dist/navtex.cdx.json

$(TOOLED): locks/tools.lock
	$(PYTHON) -m venv --clear $(TOOLS)
	$(PIP) install --quiet --no-deps --require-hashes --requirement locks/tools.lock
	@touch $@

bench: $(STAMP)  ## speed, as ratios to a floor in the same run
	$(BIN)/python benchmarks/startup.py
	$(BIN)/python benchmarks/poll.py
	$(BIN)/python benchmarks/delivery.py
	@if [ -f "$(GOLD)" ]; then $(BIN)/python benchmarks/matching.py "$(GOLD)" "$(CORPUS)/releases.csv"; \
	else echo "matching: SKIPPED, there are no advisories to match at $(GOLD)"; fi

scale: $(STAMP)  ## a million hosts: imports, counts and whole commands, on both kinds of database
	$(BIN)/python benchmarks/scale.py --hosts 10000 --hosts 100000 --hosts 1000000 --commands
	$(BIN)/python benchmarks/subscriptions.py
	$(BIN)/python benchmarks/push.py --again
	$(BIN)/python benchmarks/collect.py
	$(BIN)/python benchmarks/web.py

LOCK := --universal --python-version 3.11 --generate-hashes --no-strip-extras --no-emit-index-url --no-emit-find-links \
  --custom-compile-command "make lock" --quiet

peer: $(STAMP)   ## fleets beside AppThreat's vulnerability database, in an environment of its own
	test -x .peer/bin/python || { $(PYTHON) -m venv .peer && .peer/bin/pip install --quiet --disable-pip-version-check 'appthreat-vulnerability-db>=7'; }
	$(BIN)/python benchmarks/peer.py .peer/bin/python

lock: $(STAMP)   ## renew the locks from pyproject.toml: all of it, what runs, what builds, the tools
	$(BIN)/uv pip compile pyproject.toml --group dev --all-extras \
	  $(LOCK) --upgrade --output-file requirements.lock
	$(BIN)/uv pip compile pyproject.toml --all-extras --constraint requirements.lock $(LOCK) --output-file locks/runtime.lock
	$(BIN)/uv pip compile --group browser --constraint requirements.lock $(LOCK) --output-file locks/browser.lock
	$(BIN)/uv pip compile --group build --constraint requirements.lock $(LOCK) --output-file locks/build.lock
	$(BIN)/uv pip compile --group tools $(LOCK) --upgrade --output-file locks/tools.lock

man: $(STAMP)    ## the manual page, from the commands themselves
	$(BIN)/python scripts/man.py docs/man/navtex.1

openapi: $(STAMP) ## the OpenAPI document of docs/reference, from the table of the API
	$(BIN)/python scripts/openapi.py docs/reference/openapi.json

schemas: $(STAMP) ## the JSON Schemas of docs/reference/schemas, from the structs
	$(BIN)/python scripts/schemas.py docs/reference/schemas

images:          ## renew the digests of the base images in deploy/, which docker asks the registry for
	$(PYTHON) scripts/images.py deploy/container/Containerfile deploy/compose/compose.yaml

build: $(STAMP)  ## the wheel and the sdist, in dist/
	$(BIN)/python -m hatchling build

clean:           ## forget the environment and what was built
	rm -rf $(VENV) $(TOOLS) dist .coverage .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
