PYTHON ?= python3
VENV = @$(PYTHON) emulator/bootstrap.py

.PHONY: help run dev test check requirements clean

help: ## this menu
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## everything on this machine: PostgreSQL, each function, the proxy
	$(VENV) -m emulator

dev: ## the same, starting a function anew when its code changes
	$(VENV) -m emulator --reload

test: ## all tests; some of them: make test T=tests/functions/test_health.py
	$(VENV) -m pytest $(T)

check: ## lint, format, types, import contracts
	$(VENV)
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/mypy
	.venv/bin/lint-imports

requirements: ## pin anew what pyproject.toml asks for
	$(VENV)
	$(COMPILE) -o requirements.txt
	$(COMPILE) --group dev -o requirements-dev.txt

COMPILE = .venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--custom-compile-command "make requirements" pyproject.toml

clean: ## remove what was made here, the stored images too
	rm -rf .venv .data logs .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
