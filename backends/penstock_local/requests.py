"""Makes the request of a step: what the schedule knows, as the runtime reads it."""

from __future__ import annotations

from collections.abc import Mapping

from penstock.ir.lookup import Lookup
from penstock.ir.projections import projections
from penstock.runner import RunOptions
from penstock_local.schedule import Task
from penstock_local.secrets import of_step
from penstock_runtime.request import Request


class Requests:
    """Requests of one run; `secrets` are values by variable."""

    def __init__(
        self, names: Lookup, options: RunOptions, run: str, secrets: Mapping[str, str]
    ) -> None:
        self._names = names
        self._options = options
        self._run = run
        self._secrets = secrets
        self._projections = projections(names.ir)

    def of(self, task: Task) -> Request:
        """The first attempt at a step."""
        step = task.step
        known = self._names.inputs(step.component)
        parts = self._projections.get(step.id, {})
        secrets = of_step(step, self._secrets)
        return Request(
            run=self._run,
            step=task.name,
            attempt=1,
            store=self._options.store,
            code=step.component,
            inputs=task.inputs,
            path=self._options.path,
            fields=tuple(name for name in task.inputs if known[name].field),
            projections={name: (output, *path) for name, (output, path) in parts.items()},
            env={**dict(step.options.env or ()), **secrets},
            secrets=tuple(secrets),
        )
