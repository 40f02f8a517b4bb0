"""The Python names in the emitted file, other than those of steps."""

from __future__ import annotations

from penstock_airflow.names import RESERVED, variable


class Labels:
    """Gives each task, group and function a name that no other has."""

    def __init__(self, steps: dict[str, str]) -> None:
        self._taken = {*steps.values(), *RESERVED}
        self._names: dict[tuple[str, str], str] = {("variable", one): steps[one] for one in steps}

    def variable(self, task: str) -> str:
        """The variable of a task."""
        return self._name("variable", task, variable(task))

    def function(self, task: str) -> str:
        """The function that a task calls."""
        return self._name("function", task, f"{variable(task).rstrip('_')}_task")

    def guard(self, arm: str) -> str:
        """The function that says whether an arm is taken."""
        return self._name("guard", arm, f"in_{variable(arm).rstrip('_')}")

    def group(self, scope: str) -> str:
        """The variable of a group."""
        return self._name("group", scope, f"{variable(scope).rstrip('_')}_group")

    def body(self, scope: str) -> str:
        """The function that makes the tasks of a mapped group."""
        return self._name("body", scope, f"{variable(scope).rstrip('_')}_round")

    def _name(self, kind: str, identity: str, wanted: str) -> str:
        key = kind, identity
        if key not in self._names:
            found, count = wanted, 1
            while found in self._taken:
                count += 1
                found = f"{wanted.rstrip('_')}_{count}"
            self._taken.add(found)
            self._names[key] = found
        return self._names[key]
