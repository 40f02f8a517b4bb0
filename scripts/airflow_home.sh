#!/usr/bin/env bash
# Keeps a migrated, empty Airflow database beside its environment; tests copy it instead of migrating again.
# usage: scripts/airflow_home.sh ENVIRONMENT     writes ENVIRONMENT/home-template/airflow.db
set -euo pipefail
cd -P "$(dirname "${BASH_SOURCE[0]}")/.."
environment=$PWD/$1 template=$PWD/$1/home-template

cmp -s "$environment/.stamp" "$template/.stamp" && [ -s "$template/airflow.db" ] && exit

printf 'penstock: migrating an Airflow database in %s\n' "$1" >&2
rm -rf "$template"
home=$(mktemp -d)
trap 'rm -rf "$home"' EXIT
# Airflow reads every AIRFLOW variable, so none of the user's may be left.
for variable in $(compgen -e AIRFLOW || true); do unset "$variable"; done
unset PYTHONDONTWRITEBYTECODE # else each later start would compile Airflow again
export AIRFLOW_HOME=$home AIRFLOW__CORE__LOAD_EXAMPLES=False AIRFLOW__USAGE_DATA_COLLECTION__ENABLED=False
export PATH=$environment/bin:$PATH
airflow db migrate >"$home/log" 2>&1 || { cat "$home/log" >&2; exit 1; }
mkdir -p "$template"
mv "$home/airflow.db" "$template/airflow.db"
cp "$environment/.stamp" "$template/.stamp"
