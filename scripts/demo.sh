#!/usr/bin/env bash
# Shows what penstock does with one pipeline: runs it, emits it for both targets, draws it.
# usage: scripts/demo.sh     (through `make demo`)     writes build/ and .penstock/
set -euo pipefail
cd -P "$(dirname "${BASH_SOURCE[0]}")/.."
example=examples/breast_cancer.py
bold='' plain=''
[ ! -t 1 ] || [ -n "${NO_COLOR:-}" ] || bold=$'\e[1m' plain=$'\e[0m'

title() { printf '\n%s%s%s\n' "$bold" "$*" "$plain"; }

penstock() {
    printf '$ penstock %s\n' "$*"
    .envs/demo/bin/penstock "$@"
}

title "1. A pipeline: $(wc -l <"$example" | tr -d ' ') lines of Python, checked before anything runs"
penstock check "$example"
penstock graph "$example"

title "2. Run it here, on 569 patients"
penstock run "$example" -p C=0.5

title "3. Compile it for Airflow: a DAG file that needs no penstock"
penstock compile "$example" --to airflow -o build/airflow
sed -n '/>>/p' build/airflow/breast_cancer.py

title "4. Compile it for Kubeflow, which has no bounds for parameters: penstock says so"
penstock compile "$example" --to kubeflow -o build/kubeflow

title "5. Draw it"
penstock graph "$example" -o build/breast_cancer.svg

title "Now look at"
cat <<'END'
  examples/breast_cancer.py          the pipeline, as a data scientist writes it
  build/airflow/breast_cancer.py     the same for Airflow
  build/kubeflow/breast_cancer.yaml  the same for Kubeflow
  build/breast_cancer.svg            the picture
  .penstock/                         the artifacts and the record of the run
  docs/tutorial.md                   how to write your own
END
