#!/usr/bin/env bash
# Shows what penstock does with one pipeline: runs it, emits it for both targets, draws it.
# usage: scripts/demo.sh     (through `make demo`)     writes build/ and the example's .penstock/
set -euo pipefail
cd -P "$(dirname "${BASH_SOURCE[0]}")/.."
example=examples/breast_cancer.py

penstock() {
    printf '\n$ penstock %s\n' "$*"
    .envs/demo/bin/penstock "$@"
}

penstock run "$example"
penstock compile "$example" --to airflow -o build/airflow
penstock compile "$example" --to kubeflow -o build/kubeflow
penstock graph "$example" -o build/breast_cancer.svg

cat <<'END'

Now look at
  examples/breast_cancer.py   the pipeline, as a data scientist writes it
  build/airflow/              the DAG file for Airflow
  build/kubeflow/             the spec for Kubeflow
  build/breast_cancer.svg     the picture
END
