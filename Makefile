# `make run` and `make test` work in a fresh checkout with nothing but Python: 3.11 to 3.13, which TensorFlow runs on.
IS_FIT := -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))'
ifndef PYTHON
PYTHON := $(shell for p in python3 python3.13 python3.12 python3.11 python; do \
	$$p $(IS_FIT) 2>/dev/null && echo $$p && break; done)
endif
# Its Python is called, and no other program in it: those name the folder that they were installed in, which may move.
BIN := .venv/bin
ARGS ?=
# Modules are compiled once, and not in each of the many processes that tests start.
unexport PYTHONDONTWRITEBYTECODE
# One process more than there are cores, and four at most: a third of the time goes into waiting for servers and browsers.
PROCESSES := $(shell n=$$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2); echo $$((n < 3 ? n + 1 : 4)))
IN_PARALLEL := --numprocesses=$(PROCESSES) --dist=loadfile --no-loadscope-reorder

# One at a time, however many makes run: the second waits here, then finds everything done.
ONE_AT_A_TIME = $(PYTHON) -c 'import fcntl, subprocess, sys; lock = open("Makefile"); \
	fcntl.flock(lock, fcntl.LOCK_EX); sys.exit(subprocess.call(sys.argv[1:]))'

.PHONY: setup setup-dev run test test-short test-slow faults faults-short hostile lint bench peers audit screenshots
.DEFAULT_GOAL := run

setup:
	@$(call installed,requirements)

setup-dev:
	@$(call installed,requirements-dev)

run: setup
	@exec $(BIN)/python -m emotune.launcher

test: setup-dev
	@exec $(BIN)/python -m pytest $(IN_PARALLEL) $(ARGS)

# Whole sites whose parts are killed, walks in a browser, random calls and uploads, small trainings: all that is slow but
# the soak and the faults.
test-short: setup-dev
	@exec $(BIN)/python -m pytest $(IN_PARALLEL) -m short --ignore=tests/faults $(ARGS)

test-slow: setup-dev
	@exec $(BIN)/python -m pytest -m slow $(ARGS)

# Each part broken and mended while people show their faces (docs/faults.md); one at a time, for they share no servers.
faults: setup-dev
	@exec $(BIN)/python -m pytest -m slow tests/faults $(ARGS)

# Those of them that are over in two minutes together.
faults-short: setup-dev
	@exec $(BIN)/python -m pytest -m short tests/faults $(ARGS)

# Uploads that nobody sends in good faith, to a real web process and a real worker.
hostile: setup-dev
	@EMOTUNE_HOSTILE=5000 $(BIN)/python -m pytest -n 0 -s -m slow tests/test_hostile_uploads.py $(ARGS)

screenshots: setup-dev
	@exec $(BIN)/python -m tests.screenshots

lint: setup-dev
	$(BIN)/python -m ruff check .
	$(BIN)/python -m ruff format --check .
	$(BIN)/python -m mypy .

# emotune and its peers in one run (docs/detection.md); a peer that is missing is named. Without EMOTUNE_DATA there are no
# photographs to compare faces on.
bench: setup-dev
	@$(BIN)/python -m benchmarks.detection $(ARGS)
	@[ -z "$$EMOTUNE_DATA" ] || $(BIN)/python -m benchmarks.recall

# The systems of the paper (detection/vision/peers.py), in an environment of their own: what they ask for contradicts what
# emotune runs on. `fer` and facenet-pytorch alone come without their dependencies, which pip cannot satisfy together.
peers: .venv-peers/ready

.venv-peers/ready: requirements-peers.txt
	@echo "Installing requirements-peers.txt (about 3 GB) ..."
	@$(PYTHON) -m venv --clear .venv-peers
	@.venv-peers/bin/python -m pip install --quiet --disable-pip-version-check -r requirements-peers.txt
	@.venv-peers/bin/python -m pip install --quiet --disable-pip-version-check --no-deps fer==25.10.3 facenet-pytorch==2.6.0
	@touch $@

# Known holes in what is installed (packages that the service does not know are listed), and secrets in the tree.
audit: setup-dev
	$(BIN)/python .ci/holes.py requirements-web.txt requirements-worker.txt requirements-gpu.txt requirements.txt
	git ls-files -z '*.py' '*.md' '*.toml' '*.txt' '*.yaml' '*.yml' '*.json' '*.html' '*.js' Makefile Dockerfile .ci deploy | \
		xargs -0 $(BIN)/python -m detect_secrets.pre_commit_hook \
		--disable-plugin KeywordDetector --disable-plugin BasicAuthDetector

# A Python that has gone, as after an upgrade of the system, takes with it what was installed.
define installed
	if [ -z "$(PYTHON)" ] || ! $(PYTHON) $(IS_FIT); then \
		echo "emotune needs Python 3.11, 3.12 or 3.13. Install one, or name it: make run PYTHON=/path/to/python3.12" >&2; \
		exit 1; fi; \
	$(BIN)/python -c 'import pip' 2>/dev/null || rm -f .venv/*.stamp; \
	$(ONE_AT_A_TIME) $(MAKE) --silent --no-print-directory PYTHON=$(PYTHON) .venv/$(1).stamp
endef

# A stamp is newer than the list that it was installed from.
RUNS_ON := requirements.txt requirements-worker.txt requirements-web.txt

.venv/requirements.stamp: $(RUNS_ON) | .venv/made.stamp
	@echo "Installing requirements.txt (a few minutes the first time) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

.venv/requirements-dev.stamp: requirements-dev.txt $(RUNS_ON) | .venv/made.stamp
	@echo "Installing requirements-dev.txt (a few minutes the first time) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch .venv/requirements.stamp $@

.venv/made.stamp:
	@$(BIN)/python -c 'import pip' 2>/dev/null || { echo "Making .venv ..."; $(PYTHON) -m venv --clear .venv; }
	@touch $@
