# Everything one does with this checkout. Environments live in .venv and .envs/, made from requirements/*.txt.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

WORKERS ?= 2
AIRFLOWS := 3.3 2.11

# The user's other environments must not reach ours. Index, proxy and certificate settings must.
PIP_KEPT := PIP_CERT PIP_CLIENT_CERT PIP_CONFIG_FILE PIP_DEFAULT_TIMEOUT PIP_EXTRA_INDEX_URL PIP_FIND_LINKS \
    PIP_INDEX_URL PIP_KEYRING_PROVIDER PIP_NO_INDEX PIP_PROXY PIP_RETRIES PIP_TIMEOUT PIP_TRUSTED_HOST
unexport $(filter-out $(PIP_KEPT),$(filter PIP_%,$(.VARIABLES)))
unexport CONDA_PREFIX PYTHONDONTWRITEBYTECODE PYTHONHOME PYTHONOPTIMIZE PYTHONPATH PYTHONPLATLIBDIR PYTHONPYCACHEPREFIX \
    PYTHONSAFEPATH PYTHONSTARTUP PYTHONUSERBASE PYTHONWARNINGS VIRTUAL_ENV
unexport UV_BUILD_CONSTRAINT UV_CONSTRAINT UV_EXCLUDE_NEWER UV_NO_BINARY UV_NO_VERIFY_HASHES UV_OVERRIDE UV_PRERELEASE \
    UV_PROJECT_ENVIRONMENT UV_PYTHON UV_RESOLUTION UV_SYSTEM_PYTHON UV_WORKING_DIR UV_WORKING_DIRECTORY

.PHONY: help setup airflow kubeflow torch engine engine-stop postgres demo test test-long lint types format docs bench lock clean distclean

help: ## this list
	@awk -F ': .*## ' '/^[a-z-]+:.*## / {printf "make %-11s %s\n", $$1, $$2}' Makefile

demo: ## run the example, emit it for Airflow and Kubeflow, draw it (sets up its own environment)
	@scripts/environment.sh .envs/demo requirements/demo.txt --editable
	@scripts/demo.sh

test: setup airflow kubeflow torch engine postgres ## every check of this project (sets up all it needs)
	@.venv/bin/python -m pytest -n $(WORKERS) --dist worksteal

test-long: export PENSTOCK_LONG := 1
test-long: test ## the same, with far more generated examples

setup: ## the developer's environment, .venv
	@scripts/environment.sh .venv requirements/dev.txt --editable

airflow: ## the environments that emitted DAG files are tested in
	@for version in $(AIRFLOWS); do \
	    scripts/environment.sh .envs/airflow-$$version requirements/airflow-$$version.txt; \
	    scripts/airflow_home.sh .envs/airflow-$$version; \
	done

kubeflow: ## the environment that emitted specs are executed and submitted in
	@scripts/environment.sh .envs/kubeflow requirements/kubeflow.txt

torch: ## the environment that tensors of PyTorch are tested in
	@scripts/environment.sh .envs/torch requirements/torch.txt --pip

postgres: ## the database that a real Airflow is tested with
	@scripts/postgres.sh

engine: setup ## the Docker engine and the registry that images are tested with
	@scripts/engine.sh

engine-stop: ## stop them, if this checkout started them
	@scripts/engine.sh stop

lint: setup ## style and import contracts
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/lint-imports

types: setup ## mypy and pyright, both strict
	@.venv/bin/mypy
	@.venv/bin/pyright

format: setup ## rewrite the code in the project's style
	@.venv/bin/ruff check --fix .
	@.venv/bin/ruff format .

docs: setup ## the documentation, in site/
	@NO_MKDOCS_2_WARNING=1 .venv/bin/mkdocs build --strict

bench: setup ## the benchmarks
	@.venv/bin/python benchmarks

lock: setup ## write requirements/*.txt anew, with the newest versions allowed
	@scripts/lock.sh

clean: ## remove what was built and the tools' caches
	rm -rf build dist site .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache .coverage

distclean: clean ## remove the environments and the Docker engine of this checkout, too
	scripts/engine.sh remove
	rm -rf .venv .envs
