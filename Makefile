PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# How many processes share the tests, which often wait for servers; each has a PostgreSQL of its own.
WORKERS ?= 3

.DEFAULT_GOAL := help
.PHONY: help install run test check bench docs lock clean

help: ## この一覧を表示 / list these targets
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

install: $(READY) ## .venv へ導入 / install into .venv

$(READY): requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Kijitsu needs Python 3.11 or newer; set PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

run: $(READY) ## 平成28年度の一年を再生し、ダッシュボードを開く / replay FY28, then start the dashboard
	$(BIN)/kijitsu demo

test: $(READY) ## 試験一式 / the whole test suite
	CI=$(CI) $(BIN)/python -m pytest -n $(WORKERS)

check: $(READY) ## CI と同じ検査 / what CI runs: format, lint, types, layers, plans, tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/kijitsu check
	$(MAKE) test

bench: $(VENV)/bench/.ready ## 実測（SUBJECTS="days schedules" で一部） / the measurements of docs/benchmarks.md, beside their peers
	$(VENV)/bench/bin/python -m tests.bench $(SUBJECTS)

# The peers have a venv of their own, so that the product cannot come to rest on one of them unnoticed.
$(VENV)/bench/.ready: requirements-bench.lock
	$(PYTHON) -m venv $(VENV)/bench
	$(VENV)/bench/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements-bench.lock
	@touch $@

docs: $(READY) ## 通知の見本と画面の写真を作り直す / write the previews of the letters, take the guides' pictures again
	$(BIN)/python -m notifications.previews docs/letters
	PICTURES=docs $(BIN)/python -m pytest tests/acceptance/test_dashboard.py tests/acceptance/test_board.py

lock: ## requirements*.lock を作り直す / resolve again, with hashes and without addresses
	$(PYTHON) -m venv $(VENV)-lock
	$(VENV)-lock/bin/python -m pip install --quiet --disable-pip-version-check uv
	$(VENV)-lock/bin/uv pip compile --quiet --universal --python-version 3.11 --upgrade --extra dev --generate-hashes \
	  --no-emit-index-url --no-header pyproject.toml -o requirements.lock
	$(VENV)-lock/bin/uv pip compile --quiet --universal --python-version 3.11 --upgrade --extra bench --generate-hashes \
	  --constraint requirements.lock --no-emit-index-url --no-header pyproject.toml -o requirements-bench.lock
	rm -rf $(VENV)-lock

clean: ## 生成物を消す（var/ のデータは残す）/ remove what was built, keep the data in var/
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
