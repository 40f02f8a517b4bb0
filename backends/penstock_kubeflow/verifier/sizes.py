"""Sizes against the limits of etcd, Argo and the kernel, estimated from the documents."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from penstock_kubeflow.limits import ARGUMENT, FRAME, OF_DAG, OF_STEP, WORKFLOW
from penstock_kubeflow.verifier.faults import Fault, told
from penstock_kubeflow.verifier.view import View, get


def check_sizes(view: View) -> Iterator[Fault]:
    """Warnings for what is probably too large for a cluster."""
    total = FRAME
    for where, component in view.dags():
        size = _bytes(component)
        tasks = get(get(component, "dag"), "tasks")
        total += OF_DAG + _bytes(tasks)
        if size > ARGUMENT:
            yield Fault(
                (*where, "dag"),
                f"{told(where)} is probably too large: backends before 2.16 pass it in one "
                f"argument of at most {ARGUMENT:,} bytes, and it has about {size:,}",
                "split it into nested pipelines",
                severity="warning",
            )
    steps = sum("executorLabel" in one for one in view.components.values())
    total += OF_STEP * steps
    if total > WORKFLOW:
        yield Fault(
            ("root",),
            f"the pipeline is probably too large: {steps:,} steps make a workflow of about "
            f"{total:,} bytes, and etcd holds {WORKFLOW:,}",
            "split it into several pipelines",
            severity="warning",
        )


def _bytes(data: Any) -> int:
    return len(json.dumps(data, separators=(",", ":")).encode())
