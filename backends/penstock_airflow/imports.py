"""The imports of a DAG file, sorted as isort and ruff do."""

from __future__ import annotations

from collections.abc import Iterable

from penstock_airflow import python_text as py

_THREE = {
    "AirflowSkipException": "airflow.sdk.exceptions",
    "EmptyOperator": "airflow.providers.standard.operators.empty",
    **dict.fromkeys(
        (
            *("Asset", "BaseHook", "BaseOperator", "DAG", "Label", "Param", "TaskGroup"),
            *("Variable", "literal", "task", "task_group"),
        ),
        "airflow.sdk",
    ),
}
_TWO = {
    "AirflowSkipException": "airflow.exceptions",
    "BaseHook": "airflow.hooks.base",
    "BaseOperator": "airflow.models.baseoperator",
    "DAG": "airflow.models.dag",
    "Dataset": "airflow.datasets",
    "EmptyOperator": "airflow.operators.empty",
    "Label": "airflow.utils.edgemodifier",
    "Param": "airflow.models.param",
    "TaskGroup": "airflow.utils.task_group",
    "Variable": "airflow.models.variable",
    "literal": "airflow.utils.template",
    "task": "airflow.decorators",
    "task_group": "airflow.decorators",
}
_ALWAYS = {
    "Any": "typing",
    "NamedTuple": "typing",
    "Path": "pathlib",
    "TemporaryDirectory": "tempfile",
    "timedelta": "datetime",
    "DeviceRequest": "docker.types",
    "DockerOperator": "airflow.providers.docker.operators.docker",
    "KubernetesPodOperator": "airflow.providers.cncf.kubernetes.operators.pod",
    "Mount": "docker.types",
    "Secret": "airflow.providers.cncf.kubernetes.secret",
}
_MODULES = ("json", "os", "signal", "subprocess", "pendulum")
_OUTSIDE = ("airflow", "docker", "kubernetes", "pendulum")


def import_lines(names: Iterable[str], version: str) -> str:
    """The imports of these names for a version of Airflow, future statement included."""
    wanted = set(names)
    known = {**_ALWAYS, **(_TWO if version.startswith("2") else _THREE)}
    either = "AirflowSkipException" in wanted and version == "3"
    if either:
        wanted.discard("AirflowSkipException")
    if version in ("3.0", "3.1"):
        known["AirflowSkipException"] = "airflow.exceptions"
    plain = [one for one in sorted(wanted) if one in _MODULES]
    sources: dict[str, list[str]] = {}
    for name in wanted - set(plain) - {"k8s"}:
        sources.setdefault(known[name], []).append(name)
    lines = {module: _from(module, found) for module, found in sources.items()}
    if "k8s" in wanted:
        lines["kubernetes.client"] = "from kubernetes.client import models as k8s\n"
    blocks = ["from __future__ import annotations\n"]
    for outside in (False, True):
        modules = [one for one in plain if (one in _OUTSIDE) == outside]
        froms = sorted(one for one in lines if (one.partition(".")[0] in _OUTSIDE) == outside)
        block = "".join(f"import {one}\n" for one in modules)
        blocks.append(block + "".join(lines[one] for one in froms))
    if either:
        blocks.append(
            "try:\n"
            "    from airflow.sdk.exceptions import AirflowSkipException\n"
            "except ImportError:  # before Airflow 3.2\n"
            "    from airflow.exceptions import AirflowSkipException\n"
        )
    return "\n".join(one for one in blocks if one).rstrip("\n")


def _from(module: str, names: list[str]) -> str:
    ordered = sorted(names, key=_order)
    line = f"from {module} import {', '.join(ordered)}\n"
    if len(line) <= py.LINE + 1:
        return line
    return f"from {module} import (\n" + "".join(f"    {one},\n" for one in ordered) + ")\n"


def _order(name: str) -> tuple[int, str]:
    """Constants, then classes, then functions."""
    return (0 if name.isupper() else 1 if name[0].isupper() else 2), name
