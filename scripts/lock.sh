#!/usr/bin/env bash
# Writes every lock file anew, with the newest versions that pyproject.toml and requirements/*.in allow.
# usage: scripts/lock.sh     (through `make lock`)
set -euo pipefail
cd -P "$(dirname "${BASH_SOURCE[0]}")/.."

# --universal: one file for every Python from 3.11.0 on; Debian 12 has 3.11.2, for which some newest versions are too new.
# The index settings of this machine stay out: a lock must not depend on them.
compile() {
    local out=$1
    shift
    printf 'locking %s\n' "$out"
    .venv/bin/uv --quiet pip compile "$@" --upgrade --universal --fork-strategy fewest --python-version 3.11 \
        --generate-hashes --no-annotate --custom-compile-command "make lock" --output-file "$out"
}

compile requirements/uv.txt requirements/uv.in
compile requirements/dev.txt pyproject.toml requirements/dev.in --extra dev \
    --override requirements/dev-overrides.txt
compile requirements/demo.txt pyproject.toml requirements/demo.in --extra ml --constraint requirements/dev.txt
for airflow in 3.3 2.11; do compile "requirements/airflow-$airflow.txt" "requirements/airflow-$airflow.in"; done
compile requirements/kubeflow.txt requirements/kubeflow.in --override requirements/kubeflow-overrides.txt
