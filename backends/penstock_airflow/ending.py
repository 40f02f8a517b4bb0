"""What runs after everything else: exit steps, the run's own mark, and its record."""

from __future__ import annotations

from collections.abc import Iterator

from penstock.ir.lookup import inner_values, producers
from penstock.ir.values import Gathered, Value
from penstock_airflow import python_text as py
from penstock_airflow.edges import edge_lines
from penstock_airflow.flow import NONE_FAILED, Flow
from penstock_airflow.names import fresh
from penstock_airflow.references import is_artifact
from penstock_airflow.shared import Shared, line
from penstock_airflow.tasks import asset_calls, task

DONE, RECORD = "done", "record"


class Ending:
    """The last tasks of a DAG."""

    def __init__(self, shared: Shared, *, records: bool) -> None:
        self._shared = shared
        self._exits = [one for one in shared.names.ir.steps if one.on_exit]
        self._loose = sorted(set(late_assets(shared)))
        taken = {*shared.flow.scopes, *shared.names.steps, *shared.names.scopes}
        self._done = fresh(DONE, taken) if self._exits or self._loose else None
        self._record = fresh(RECORD, taken) if records else None

    def statements(self) -> Iterator[str]:
        """The last tasks, one statement for each."""
        for step in self._exits:
            yield task(step, step.id, self._shared, 4)
        if self._done is not None:
            yield self._done_text(self._done)
        if self._record is not None:
            yield self._record_text(self._record)

    @property
    def marks(self) -> bool:
        """Whether there is a task that only marks that all went well."""
        return self._done is not None

    def _done_text(self, name: str) -> str:
        pad = " " * 8
        variable = self._shared.labels.variable(name)
        why = "# A handler that fails makes the run fail, too.\n" if self._exits else ""
        outlets = asset_calls(self._loose, self._shared)
        return (
            f"{' ' * 4 if why else ''}{why}    {variable} = EmptyOperator(\n"
            f"{line('task_id', py.Literal(name), pad)}"
            f"{line('trigger_rule', py.Literal(NONE_FAILED), pad)}"
            f"{line('outlets', outlets, pad) if outlets.items else ''}"
            "    )\n"
        )

    def _record_text(self, name: str) -> str:
        pad = " " * 8
        variable = self._shared.labels.variable(name)
        stored: list[tuple[str | int, py.Node]] = []
        small: list[tuple[str | int, py.Node]] = []
        for one in self._shared.names.ir.outputs:
            kind = stored if is_artifact(one.value, self._shared.names) else small
            kind.append((one.name, self._shared.references.find(one.value, None)))
        return (
            "    # The run's entry in the store: its state, and what the pipeline returns.\n"
            f"    {variable} = StepOperator(\n"
            f"{line('task_id', py.Literal(name), pad)}"
            f"{''.join(line(key, node, pad) for key, node in self._shared.runner.record())}"
            f"{line('artifacts', py.DictOf(tuple(stored)), pad) if stored else ''}"
            f"{line('parameters', py.DictOf(tuple(small)), pad) if small else ''}"
            "    ).as_teardown()\n"
        )

    def edges(self, lasts: dict[str, str], leaves: tuple[str, ...]) -> Iterator[str]:
        """Each of them waits for all tasks, for which `lasts` stand; a mark for the `leaves`."""
        names = dict(lasts)
        upstream: dict[str, tuple[str, ...]] = {}
        before = tuple(lasts)
        exits = tuple(one.id for one in self._exits)
        done = (self._done,) if self._done is not None else ()
        record = (self._record,) if self._record is not None else ()
        for one in (*exits, *done, *record):
            names[one] = self._shared.labels.variable(one)
        upstream |= dict.fromkeys(exits, before)
        upstream |= dict.fromkeys(done, (*leaves, *exits))
        # Exit steps have waited for all others; a mark alone fails as soon as one of them does.
        upstream |= dict.fromkeys(record, (*(exits or before), *done))
        yield from edge_lines(upstream, names, 4)


def late_assets(shared: Shared) -> Iterator[str]:
    """The outputs of the pipeline that no single task makes."""
    for one in shared.names.ir.outputs:
        if not makers(one.value, shared.flow):
            yield one.name


def makers(value: Value, flow: Flow) -> tuple[str, ...]:
    """The steps that make the value, each of them the whole of it; none for a gathered list."""
    if any(isinstance(one, Gathered) or one.kind == "list" for one in inner_values(value)):
        return ()
    return tuple(one for one in producers(value) if flow.loop_of(one) is None)
