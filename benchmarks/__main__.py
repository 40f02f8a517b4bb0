"""Measures penstock and says which figures reach their target: `python benchmarks`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path


def main() -> int:
    """Runs the benchmarks that were asked for, one fresh process for each measurement."""
    root = Path(__file__).resolve().parent.parent
    sys.path[0] = str(root)
    from benchmarks import (
        airflow_files,
        airflow_peers,
        big_file,
        compile_speed,
        containers,
        fan_out,
        images,
        kubeflow_files,
        local_runs,
        log_calls,
        many_writers,
        peers,
        reuse,
        startup,
        table,
    )
    from benchmarks.report import Figure, as_json, as_table

    groups = {
        "startup": startup.figures,
        "compile": compile_speed.figures,
        "run": local_runs.figures,
        "reuse": reuse.figures,
        "fan_out": fan_out.figures,
        "table": table.figures,
        "big_file": big_file.figures,
        "many_writers": many_writers.figures,
        "logging": log_calls.figures,
        "images": images.figures,
        "containers": containers.figures,
        "airflow": airflow_files.figures,
        "kubeflow": kubeflow_files.figures,
    }
    parser = argparse.ArgumentParser(prog="python benchmarks", description=__doc__)
    parser.add_argument("--only", choices=list(groups), help="one group of figures")
    parser.add_argument("--quick", action="store_true", help="fewer sizes, shapes and repetitions")
    parser.add_argument("--peers", action="store_true", help="also kfp, kedro-airflow and Metaflow")
    parser.add_argument("--json", action="store_true", help="the figures as JSON")
    chosen = parser.parse_args()

    found: list[Figure] = []
    for name, figures in groups.items():
        if chosen.only in (None, name):
            print(f"measuring {name} ...", file=sys.stderr)
            found += figures(root, chosen.quick)
    if chosen.peers:
        found += peers.figures(root) if chosen.only != "airflow" else []
        found += airflow_peers.figures(root)
    print(as_json(found) if chosen.json else as_table(found))
    return 0 if all(one.reached for one in found) else 1


if __name__ == "__main__":
    sys.exit(main())
