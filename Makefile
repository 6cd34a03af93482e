# Needs Python >= 3.11 with venv, and a package index that pip can reach. `make` alone says what there is.
# All paths are relative: make splits absolute ones at blanks.

VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
# Another interpreter: make PYTHON=/path/to/python3.12 demo
PYTHON ?= python3.13 python3.12 python3.11 python3

# A command of that name is not enough: version managers leave ones that only say "not installed",
# and Debian leaves the module ensurepip out.
define FIND_PYTHON
for python in $(PYTHON); do \
	"$$python" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && break; \
	python=; \
done; \
if [ -z "$$python" ]; then \
	echo "No Python >= 3.11 with the module venv among: $(PYTHON)." >&2; \
	echo "Install one (on Debian and Ubuntu: apt install python3 python3-venv)," >&2; \
	echo "or name it: make PYTHON=/path/to/python $(MAKECMDGOALS)" >&2; \
	exit 2; \
fi
endef

.DEFAULT_GOAL := help
.PHONY: help demo test test-long browser planted bench lint contract docs pictures lock audit clean

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1	\2/p' Makefile | expand -t 18

demo: $(READY) ## PostgreSQL, a Notion sandbox and the bridge between them, on this machine
	@$(BIN)/notion-bridge demo

LAWS   := tests/unit/test_merge.py tests/unit/test_merge_laws.py tests/values/test_round_trips.py

# Four at a time on two cores: most tests wait for a server more than they compute.
test: $(READY) ## all tests but the long ones; ARGS="-k merge" to choose
	@$(BIN)/python -m pytest -n 4 $(ARGS)

# What is drawn is drawn 20,000 times there, where the gate draws it 50 times.
test-long: $(READY) ## the long tests: random worlds, restart storms, and the laws of the merge and of values
	@$(BIN)/python -m pytest -m long $(ARGS)
	@HYPOTHESIS_PROFILE=floor $(BIN)/python -m pytest -n 2 -o timeout=0 $(LAWS)

browser: $(READY) ## the sandbox's page in a real browser; needs chromium and its driver; ARGS="-k keys" to choose
	@$(BIN)/python -m tests.browser.chromium
	@$(BIN)/python -m pytest -m browser -n 2 $(ARGS)

planted: $(READY) ## puts classical bugs into a copy, one by one: do the tests notice? ARGS="03 17b" to choose
	@$(BIN)/python -m tests.planted $(ARGS)

bench: $(READY) ## how fast it is, measured for docs/performance.md; some hours; ARGS="first_sync idle" to choose
	@$(BIN)/python -m bench $(ARGS)

lint: $(READY) ## ruff and mypy
	@$(BIN)/python -m ruff check .
	@$(BIN)/python -m ruff format --check .
	@$(BIN)/python -m mypy

contract: $(READY) ## Notion's JavaScript client against the sandbox; needs node and npm
	@PATH="$$PWD/$(BIN):$$PATH" tests/contract_js/run.sh

docs: $(READY) ## the generated parts of the documentation, and the picture of the console
	@$(BIN)/python -m docs.generate
	@$(BIN)/python -m bridge.console.picture docs/console.svg

pictures: docs ## the pictures of the documentation; needs chromium and its driver
	@$(BIN)/python -m tests.browser.chromium
	@$(BIN)/python -m tests.browser.picture docs/page.png

# pip-compile adds the hashes of all files of these versions, for every platform; it has an environment of its own.
lock: ## pin the newest versions of all dependencies, with hashes, in requirements.lock
	@set -e; $(FIND_PYTHON); \
	rm -rf $(VENV).lock; "$$python" -m venv $(VENV).lock; "$$python" -m venv $(VENV).lock/tools; \
	$(VENV).lock/bin/pip install -qq '.[dev]'; $(VENV).lock/tools/bin/pip install -qq pip-tools; \
	$(VENV).lock/bin/pip freeze --exclude notion-postgres-bridge --exclude pip > $(VENV).lock/pins.in; \
	$(VENV).lock/tools/bin/pip-compile -qq --generate-hashes --strip-extras --no-header --no-annotate \
	  --no-emit-index-url --no-emit-find-links --no-emit-trusted-host \
	  --output-file $(VENV).lock/pins $(VENV).lock/pins.in; \
	{ sed -n '/^#/p;/^$$/q' requirements.lock; sed '/^#/d' $(VENV).lock/pins; } > $(VENV).lock/lock; \
	mv $(VENV).lock/lock requirements.lock; rm -rf $(VENV).lock

audit: ## are there known vulnerabilities in what requirements.lock pins? Needs pip-audit's service
	@set -e; $(FIND_PYTHON); rm -rf $(VENV).audit; "$$python" -m venv $(VENV).audit; \
	$(VENV).audit/bin/pip install -qq pip-audit; \
	code=0; .ci/audit $(VENV).audit/bin/pip-audit || code=$$?; rm -rf $(VENV).audit; exit $$code

clean: ## remove what make and the tools made
	@rm -rf $(VENV) $(VENV).lock $(VENV).audit build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
	@find bridge tests -name __pycache__ -type d -prune -exec rm -rf {} +

# From nothing each time: what the lock no longer names must not linger (pip has its own cache).
# -qq: errors only, for an index with several places makes a warning per package and place.
$(READY): requirements.lock pyproject.toml
	@set -e; $(FIND_PYTHON); \
	echo "Preparing $(VENV) with $$("$$python" --version) (once; a minute or two)" >&2; \
	rm -rf $(VENV); "$$python" -m venv $(VENV); \
	$(BIN)/python -m pip install -qq --no-deps --require-hashes -r requirements.lock; \
	$(BIN)/python -m pip install -qq --no-deps --no-build-isolation --editable .; \
	touch $@
