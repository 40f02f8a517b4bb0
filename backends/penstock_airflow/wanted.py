"""Which names a DAG file has to import; what it does not use is not in it."""

from __future__ import annotations

import json
from collections.abc import Iterator

from penstock.ir.nodes import Nested
from penstock.ir.values import Constant
from penstock_airflow.settings import is_rendered
from penstock_airflow.shared import Shared
from penstock_airflow.tasks import item_is_rendered

_SECRETS = {"connections": "BaseHook", "variables": "Variable", "kubernetes": "Secret"}


def wanted_names(shared: Shared, *, marks: bool, assets: bool, skips: bool) -> set[str]:
    """The names to import.

    Args:
        marks: whether a task only marks the end.
        assets: whether other DAGs can be scheduled on an output.
        skips: whether a step may have to say that it is skipped.
    """
    found = {"Any", "DAG", "json", *_of_runner(shared), *_of_scopes(shared), *_of_options(shared)}
    if shared.references.used:
        found.add("NamedTuple")
    if shared.names.ir.parameters:
        found.add("Param")
    if shared.names.ir.schedule is not None:
        found.add("pendulum")
    if marks:
        found.add("EmptyOperator")
    if assets:
        found.add("Dataset" if shared.target.two else "Asset")
    if skips:
        found.add("AirflowSkipException")
    if _literals(shared):
        found.add("literal")
    return found


def _of_runner(shared: Shared) -> Iterator[str]:
    match shared.target.runner:
        case "docker":
            yield "DockerOperator"
            if shared.target.mount is not None:
                yield "Mount"
        case "kubernetes":
            yield from ("KubernetesPodOperator", "k8s")
        case "python":
            yield from ("BaseOperator", "Path", "TemporaryDirectory", "os", "signal", "subprocess")


def _of_scopes(shared: Shared) -> Iterator[str]:
    flow = shared.flow
    if any(flow.chosen.values()):
        yield "Label"
    if flow.choices or flow.rounds:
        yield "task"
    if "group" in flow.mapped.values():
        yield "task_group"
    names = shared.names
    inside = (one for step in names.steps.values() for one in names.enclosing(step.scope))
    if names.scopes and any(isinstance(one, Nested) for one in inside):
        yield "TaskGroup"


def _of_options(shared: Shared) -> Iterator[str]:
    ir = shared.names.ir
    options = [ir.options, *(step.options for step in ir.steps)]
    if any(one.timeout is not None or (one.retry and one.retry.times) for one in options):
        yield "timedelta"
    docker = shared.target.runner == "docker"
    if docker and any(one.resources and one.resources.gpu for one in options):
        yield "DeviceRequest"
    if any(step.options.secrets for step in ir.steps):
        yield _SECRETS[shared.target.secrets]


def _literals(shared: Shared) -> bool:
    """Whether a text stands in a field that Airflow renders and must not be rendered."""
    target = shared.target
    texts = [*(target.mount or ())[:2], target.namespace or ""]
    if target.runner != "python":
        texts += {*shared.images.values(), shared.image}
    if any(map(is_rendered, texts)):
        return True
    expanded = (one for one in shared.flow.mapped if one not in shared.flow.rounds)
    lists = (shared.references.loop(one).items for one in expanded)
    known = (json.loads(one.text) for one in lists if isinstance(one, Constant))
    return any(item_is_rendered(item) for items in known for item in items)
