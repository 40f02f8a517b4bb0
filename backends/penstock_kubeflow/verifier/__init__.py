"""Verifies a spec, whoever made it: what a server accepts at an upload and fails on later."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from penstock_kubeflow.verifier.containers import check_containers
from penstock_kubeflow.verifier.definitions import check_definitions
from penstock_kubeflow.verifier.faults import Fault
from penstock_kubeflow.verifier.platform import check_platform
from penstock_kubeflow.verifier.reading import Document, Unreadable, read
from penstock_kubeflow.verifier.shape import misshapen
from penstock_kubeflow.verifier.sizes import check_sizes
from penstock_kubeflow.verifier.structure import check_structure
from penstock_kubeflow.verifier.view import View, mapping

__all__ = ["Document", "Fault", "Unreadable", "faults_in", "read"]

_CHECKS = (check_structure, check_definitions, check_containers, check_sizes)


def faults_in(documents: list[Any]) -> Iterator[Fault]:
    """What is wrong with the documents of a file, as plain data.

    Where the shape of one is wrong, only that is told: what it means is not known.
    """
    if not documents or len(documents) > 2:
        yield Fault((), f"the file has {len(documents)} documents", "a spec has one or two")
        return
    spec, *rest = documents
    wrong = list(misshapen(spec, "PipelineSpec"))
    wrong += [fault for one in rest for fault in misshapen(one, "PlatformSpec", document=1)]
    if wrong or not isinstance(spec, dict):
        yield from wrong or [Fault((), "the file is empty", "a spec is a mapping")]
        return
    view = View(mapping(spec))
    for check in _CHECKS:
        yield from check(view)
    for one in rest:
        if isinstance(one, dict):
            yield from check_platform(view, mapping(one))
