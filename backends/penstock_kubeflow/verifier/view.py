"""A spec whose shape is right, with its parts at hand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, cast

from penstock_kubeflow.verifier.faults import Where

Data = dict[str, Any]


@dataclass(frozen=True)
class View:
    """The components and executors of a spec, and how components are used."""

    spec: Data
    components: Data = field(init=False)
    executors: Data = field(init=False)
    looped: frozenset[str] = field(init=False)
    """The components that a loop repeats: what they give is a list outside."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "components", get(self.spec, "components"))
        object.__setattr__(self, "executors", get(get(self.spec, "deploymentSpec"), "executors"))
        looped = {
            component_of(task)
            for _, dag in self.dags()
            for task in get(get(dag, "dag"), "tasks").values()
            if get(task, "parameterIterator") or get(task, "artifactIterator")
        }
        object.__setattr__(self, "looped", frozenset(looped))

    def dags(self) -> Iterator[tuple[Where, Data]]:
        """Each component that is a DAG, the root first, and where it stands."""
        yield ("root",), get(self.spec, "root")
        for name, component in self.components.items():
            if "dag" in component:
                yield ("components", name), component

    def component(self, task: Data) -> Data | None:
        """The component of a task; None if it is not there."""
        name = component_of(task)
        return mapping(self.components[name]) if name in self.components else None


def component_of(task: Data) -> str:
    """The name of a task's component."""
    return str(get(task, "componentRef").get("name", ""))


def get(data: Data, key: str) -> Data:
    """A part that is a mapping; an empty one where it is left out."""
    return mapping(data.get(key))


def listed(data: Data, key: str) -> list[Any]:
    """A part that is a list; an empty one where it is left out."""
    found: Any = data.get(key)
    return list(found) if isinstance(found, list) else []  # pyright: ignore[reportUnknownArgumentType] - plain data


def mapping(data: Any) -> Data:
    """The data if it is a mapping; an empty one for anything else."""
    return cast(Data, data) if isinstance(data, dict) else {}
