"""The Python names of steps in the emitted file, and the check that no two are the same."""

from __future__ import annotations

import builtins
import hashlib
import keyword
import re

from penstock.ir.lookup import Lookup
from penstock.ir.nodes import Step
from penstock.passes.model import Log, check

# What the template imports or defines; a step of such a name gets a trailing underscore.
FILE_NAMES = frozenset(
    {
        *("annotations", "json", "os", "signal", "subprocess", "sys"),
        *("Any", "NamedTuple", "timedelta", "pendulum", "literal", "k8s", "context", "item"),
        *("DAG", "Asset", "BaseOperator", "Dataset", "DeviceRequest", "Label"),
        *(
            "DockerOperator",
            "EmptyOperator",
            "KubernetesPodOperator",
            "Mount",
            "Param",
            "Secret",
            "Variable",
        ),
        *("AirflowSkipException", "TaskGroup", "task", "task_group"),
        *("PLAN", "PYTHON", "STORE", "StepOperator", "request", "resolved", "rounds", "secret"),
        *("around", "inputs", "part", "variables"),
        *("Output", "RoundOutput", "RunParam", "Item", "Nth", "Gathered", "EachRound", "OneOf"),
        *("Listing", "RunState"),
    }
)
RESERVED = FILE_NAMES | frozenset(keyword.kwlist) | frozenset(dir(builtins))

_LONGEST = 63
_WORD_START = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_OTHER = re.compile(r"[^a-z0-9_]")
_PLAIN = re.compile(r"[a-z_][a-z0-9_]*")


def variable(label: str) -> str:
    """The id of a step or scope in snake case, as a Python name."""
    name = label
    if not _PLAIN.fullmatch(name):
        name = _OTHER.sub("_", _WORD_START.sub("_", name).lower())
        if not _PLAIN.fullmatch(name):
            name = f"step_{name}"
    if len(name) >= _LONGEST:
        name = f"{name[:50]}_{hashlib.sha256(label.encode()).hexdigest()[:8]}"
    return f"{name}_" if name in RESERVED else name


def fresh(name: str, taken: set[str], joint: str = "_") -> str:
    """The name, or the first numbered one that nobody has; it is taken from then on."""
    found, count = name, 1
    while found in taken:
        count += 1
        found = f"{name}{joint}{count}"
    taken.add(found)
    return found


@check(reports={"PS402"})
def distinct_variables(names: Lookup, log: Log) -> None:
    """Each step has a Python name of its own in the DAG file."""
    taken: dict[str, Step] = {}
    for step in names.ir.steps:
        name = variable(step.id)
        first = taken.setdefault(name, step)
        if first is step or first.id == step.id:
            continue
        log.error(
            "PS402",
            at=step.span,
            message=f"steps {first.id!r} and {step.id!r} are both {name!r} in the DAG file",
            label="the second",
            hint="name one of them apart with .options(name=...)",
            notes=((first.span, "the first"),) if first.span else (),
        )
