"""What the cache would skip: the schedule, played through with the results that are there."""

from __future__ import annotations

from collections.abc import Mapping

from penstock.ir.nodes import PipelineIR
from penstock.ir.write import plan_digest
from penstock.runner import CannotRun, PlannedReuse, RunOptions
from penstock_local.container_opening import ContainerEngine, images_by_step
from penstock_local.environments import Environments
from penstock_local.requests import Requests
from penstock_local.resuming import Resumption, resumption
from penstock_local.reusing import Reuse, Reused
from penstock_local.schedule import Schedule
from penstock_local.secrets import names_only
from penstock_local.surroundings import environment_facts
from penstock_runtime.run_id import new_run_id
from penstock_runtime.store import Store


def foresee(
    ir: PipelineIR, parameters: Mapping[str, object], options: RunOptions, store: Store | None
) -> dict[str, tuple[PlannedReuse, ...]]:
    """For each step the rounds whose inputs are known now: reused from which run, or why not.

    What depends on a step that has to run is not among them.
    """
    plan = plan_digest(options.written or ir)
    resumed = resumption(store, ir, plan, options.resume) if store else Resumption(new_run_id())
    schedule = Schedule(ir, parameters)
    reuse = Reuse(
        store,
        schedule.names,
        resumed.run,
        options.path,
        _environments(ir, options),
        use_cache=options.cache,
        resumes=resumed.of,
    )
    requests = Requests(schedule.names, options, resumed.run, names_only(ir))
    found: dict[str, list[PlannedReuse]] = {}
    while (task := schedule.next()) is not None:
        decided = reuse.look(task.step, requests.of(task))
        run = None
        if isinstance(decided, Reused):
            run = decided.found.run
            schedule.succeeded(task.key, decided.response)
        found.setdefault(task.step.id, []).append(PlannedReuse(task.name, run, decided.why))
    return {step: tuple(rounds) for step, rounds in found.items()}


def _environments(ir: PipelineIR, options: RunOptions) -> Environments:
    """What the steps would run in; a plan can do without an engine, though it then knows less."""
    images = images_by_step(ir, options)
    return Environments(environment_facts(None), ir, images, _identified)


def _identified(image: str) -> str:
    try:
        return ContainerEngine().identify(image)
    except CannotRun:
        return ""
