# Everything a contributor runs. Needs make and Python 3.11 or newer. With uv, what is installed is what uv.lock holds, as in
# CI and in the image; without it, what a user of pip gets today.

BIN := .venv/bin
# The package alone is enough to run it; the tools for working on it come second.
INSTALLED := .venv/installed
TOOLS := .venv/installed-tools
# Test processes at a time. Those of the slow lane wait for others half of their time, so that twice as many have room.
WORKERS ?= 2
# Each begins with a stretch of its own, and takes from others when it is through, so that servers, sandboxes and browsers that
# a file shares are started once, not by every process.
ALL_WORKERS ?= 4
# What pip installs for working on it, where uv would take all extras. By name, as `call` would end its word at the comma.
EXTRAS := otel,reports
# The rooms whose coverage is measured; [tool.coverage.run] in pyproject.toml says why these.
COVERED := registry klaviyo accounts authorization actions answers authoring

export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Behind a proxy that opens TLS, the certificate it is trusted by is the system's, where pip looks too.
export UV_SYSTEM_CERTS := 1
# Where Python is told to keep no bytecode, as images often do, each process of the tests would compile all anew.
unexport PYTHONDONTWRITEBYTECODE
# Keeps pyright from asking the package index for a newer version at each run.
export PYRIGHT_PYTHON_IGNORE_WARNINGS := 1

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup demo quick fast coverage test check bench bench-hosted bench-jobs tasks clients examples killed docs site screenshots lock sbom dist mcpb pythons release clean .venv

help:  ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(INSTALLED)  ## A guided tour against the built-in sandbox, no Klaviyo account needed
	@$(BIN)/klaviyo-mcp demo

quick: $(TOOLS)  ## Every check and the fast tests, in a minute
	@$(MAKE) --no-print-directory --jobs 2 $(if $(filter output-sync,$(.FEATURES)),--output-sync) check fast

fast: $(TOOLS)
	@$(BIN)/python -m pytest -n $(WORKERS) -m 'not slow'

test: $(TOOLS)  ## Every check, and every test beside them
	@$(install_programs)
	@checks=$$(mktemp); trap 'rm -f "$$checks"' EXIT; \
	{ $(MAKE) --no-print-directory check >"$$checks" 2>&1; status=$$?; cat "$$checks"; exit $$status; } & checking=$$!; \
	$(compile_tests); \
	status=0; $(BIN)/python -m pytest -n $(ALL_WORKERS) --dist worksteal || status=$$?; \
	wait "$$checking" || { status=1; echo "A check has failed, above." >&2; }; \
	exit $$status

coverage: $(TOOLS)  ## Coverage of the rooms that are tested in their own process, against its floor
	@$(BIN)/python -m pytest -n $(WORKERS) -m 'not slow or waiting' $(wildcard $(addprefix tests/,$(COVERED))) --cov

check: $(TOOLS)  ## Lint, formatting, types, architecture, sizes, specs, generated files, the lock
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/pyright --pythonpath $(BIN)/python
	$(BIN)/lint-imports --no-logo
	$(BIN)/python .ci/sizes.py
	$(BIN)/klaviyo-mcp specs check
	$(BIN)/klaviyo-mcp docs --check
	@{ $(locked) lock --quiet --check --offline && $(locked) $(export_uv) --offline | diff .ci/uv.txt -; } || \
		{ echo "The lock is not in step with pyproject.toml: run 'make lock'." >&2; exit 1; }

docs: $(INSTALLED)  ## Write anew all that is generated: docs and snapshots of tools
	$(BIN)/klaviyo-mcp docs

site: $(TOOLS)  ## Build the docs site into site/, its links checked; SERVE=1 shows it while you write
	@UV_PROJECT_ENVIRONMENT=.cache/site $(BIN)/uv sync --quiet --locked --python $(BIN)/python --no-default-groups --group site
	@$(if $(CI),$(sync_sbom) && .cache/sbom/bin/cyclonedx-py environment --output-file .cache/site.cdx.json .cache/site && \
		$(BIN)/python .ci/licences.py .cache/site.cdx.json)
	@NO_MKDOCS_2_WARNING=1 .cache/site/bin/python -m mkdocs $(if $(SERVE),serve,build)

screenshots: $(TOOLS)  ## Take the pictures of the demo, the hosted service's pages and reports in docs/images anew
	@SCREENSHOTS=$(CURDIR)/docs/images $(BIN)/python -m pytest -q -k 'pictured or read_by_everybody' \
		tests/hosted/test_pages.py tests/reports tests/website

clients: $(TOOLS)  ## Try real MCP clients, or some: make clients CLIENTS="crewai dspy"
	$(BIN)/python tests/clients/run.py $(CLIENTS)

examples: $(TOOLS)  ## Run every example of the toolkit in an environment of its own, or some: EXAMPLES="langchain_agent"
	$(BIN)/python tests/toolkit/run_examples.py $(EXAMPLES)

lock:  ## Bring uv.lock in step with pyproject.toml; UPGRADE=1 takes the newest versions that it allows
	@test -x $(BIN)/uv || { echo "Run 'make setup' first." >&2; exit 1; }
	$(locked) lock $(if $(UPGRADE),--upgrade)
	$(locked) $(export_uv) --output-file .ci/uv.txt

sbom: $(TOOLS)  ## Write dist/sbom.cdx.json: what a server is made of, with licences, which are checked
	@UV_PROJECT_ENVIRONMENT=.cache/runtime $(BIN)/uv sync --quiet --locked --python $(BIN)/python \
		--no-default-groups --all-extras --no-editable
	@$(sync_sbom)
	@mkdir -p dist
	.cache/sbom/bin/cyclonedx-py environment --pyproject pyproject.toml --mc-type application --output-reproducible \
		--output-file dist/sbom.cdx.json .cache/runtime
	$(BIN)/python .ci/licences.py dist/sbom.cdx.json

dist: $(TOOLS)  ## Build the wheel and the sdist in dist/, and check what is in them
	@$(BIN)/python .ci/packages.py wheel

mcpb: $(TOOLS)  ## Build the bundle for Claude Desktop in dist/
	@$(BIN)/python .ci/packages.py bundle

pythons: $(TOOLS)  ## Run the fast tests with each Python that is here, or some: make pythons PYTHONS="3.12 3.14"
	@$(BIN)/python .ci/pythons.py $(PYTHONS)

release: $(TOOLS)  ## Make all that a release consists of in dist/: docs/releasing.md
	@$(BIN)/python .ci/release.py

bench: $(TOOLS)  ## Measure start-up, calls, the use of quota, search, and answers
	$(BIN)/python bench/run.py
	$(BIN)/python bench/quota.py
	$(BIN)/python bench/search.py
	$(BIN)/python bench/answers.py

tasks: $(TOOLS)  ## Have marketers' tasks done over the sandbox, or some: make tasks FLAGS="--task 3 --agent COMMAND"
	$(BIN)/python -m bench.tasks $(FLAGS)

bench-hosted: $(TOOLS)  ## Measure the hosted service under many companies; BENCH="--full --redis" for more
	$(BIN)/python bench/hosted.py $(BENCH)

bench-jobs: $(TOOLS)  ## Measure jobs of a million rows beside Klaviyo's SDK, some 20 minutes; BENCH_ROWS=20000 for a try, BENCH_PARTS=events for one part
	$(BIN)/python bench/jobs.py

killed: $(TOOLS)  ## Kill jobs of 20,000 rows at random moments, for some hours; KILLS=2 for half an hour
	KILLS=$(or $(KILLS),10) $(BIN)/python -m pytest -n $(WORKERS) tests/jobs/test_killed.py tests/jobs/test_workers.py

setup: $(TOOLS)  ## Make .venv with everything for working on the project
	@echo "Ready. Activate it with: . $(BIN)/activate"

clean:  ## Remove .venv, caches and built files
	rm -rf .venv .cache .hypothesis .import_linter_cache .pytest_cache .ruff_cache __pycache__ build dist site
	find server tests bench examples -type d -name __pycache__ -prune -exec rm -rf {} + 2>/dev/null || true

.venv: $(TOOLS)

# What lists components, in an environment of its own.
sync_sbom = UV_PROJECT_ENVIRONMENT=.cache/sbom $(BIN)/uv sync --quiet --locked --python $(BIN)/python --only-group sbom

# The lock names PyPI, whatever index this machine uses.
locked := UV_DEFAULT_INDEX=https://pypi.org/simple $(BIN)/uv --no-config
export_uv := export --quiet --locked --only-group lock --no-header

# Renewed when pyproject.toml or the lock changed, when its Python is gone (an upgraded system), or when it belongs to another
# checkout (a copied or moved folder).
usable = $(BIN)/python -c 'from pathlib import Path; stamp = Path("$(INSTALLED)"); \
	raise SystemExit(stamp.exists() and stamp.read_text() != str(Path.cwd()))' 2>/dev/null
ifneq ($(shell $(usable) && echo yes),yes)
.PHONY: $(INSTALLED)
endif

$(INSTALLED): pyproject.toml uv.lock
	@$(find_uv); $(make_venv) && echo "Installing klaviyo-mcp into .venv" && $(call install,--no-default-groups,--editable .)
	@printf %s "$(CURDIR)" > $@

$(TOOLS): $(INSTALLED)
	@$(find_uv); echo "Installing the tools for working on it" && $(call install,--all-extras,--group dev --editable '.[$(EXTRAS)]')
	@touch $@

# What tests are made of is compiled by one process and kept; in a new checkout each worker would compile all of it. If it
# fails, the tests say why.
compile_tests = $(BIN)/python -m pytest --collect-only -qqq >/dev/null 2>&1 || true

# What some tests run beside the server: a Redis, a browser, and shells whose completion is tried. Installed where that may be done
# without asking; elsewhere these tests are skipped with a line that says so.
define install_programs
missing=; for name in redis-server zsh fish; do command -v $$name >/dev/null || missing="$$missing $$name"; done; \
command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null || \
	missing="$$missing chromium"; \
if [ "$$missing" ] && [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	echo "Installing$$missing for the tests"; \
	{ apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing; } \
		>/dev/null 2>&1 || echo "That did not work; the tests that need it are skipped."; \
fi
endef

# $uv is set when there is a uv that can read the lock.
define find_uv
uv=; if uv export --quiet --frozen >/dev/null 2>&1; then uv=yes; fi
endef

# A usable environment is kept. Otherwise the first Python that runs and is new enough makes one. Every match on the PATH
# is asked, because a pyenv shim may stand before it for a version that is not active. Without any, uv can fetch one.
define make_venv
if ! { $(usable); }; then \
	names="python3 python3.14 python3.13 python3.12 python3.11 python"; \
	for candidate in $(PYTHON) $$(for name in $$names; do echo "$$PATH:" | sed "s,:,/$$name ,g"; done); do \
		python=$$("$$candidate" -c 'import sys; print(sys.executable if sys.version_info >= (3, 11) else "")' \
			2>/dev/null) || python=; \
		[ -z "$$python" ] || break; \
	done; \
	rm -rf .venv; \
	if [ "$$uv" ]; then \
		uv venv --quiet --python "$${python:-3.13}" .venv || exit 1; \
	elif [ -z "$$python" ]; then \
		echo "klaviyo-mcp needs Python 3.11 or newer, and none was found on the PATH." >&2; \
		echo "Install it, or uv, or name it: make setup PYTHON=/path/to/python3" >&2; \
		exit 1; \
	elif ! "$$python" -c 'import ensurepip, venv' 2>/dev/null; then \
		echo "$$python cannot make virtual environments. On Debian and Ubuntu: apt install python3-venv" >&2; \
		exit 1; \
	else \
		"$$python" -m venv .venv || exit 1; \
	fi; \
fi
endef

# With uv by the first words, with pip by the second. pip learned --group in 25.1; an environment made by uv has no pip.
define install
if [ "$$uv" ]; then \
	uv sync --quiet --locked --inexact --python $(BIN)/python $(1); \
else \
	{ $(BIN)/python -m pip --version >/dev/null 2>&1 || $(BIN)/python -m ensurepip >/dev/null; } && \
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1' && \
	$(BIN)/python -m pip install --quiet $(2); \
fi
endef
