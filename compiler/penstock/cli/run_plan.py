"""What `--dry-run` prints."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict

from penstock.runner import PlannedStep, RunPlan
from penstock_runtime.run_id import SHORT

_MOST_ROUNDS = 8


def plan_as_text(plan: RunPlan) -> str:
    """The plan for people: parameters, steps in order with their images, what is not kept."""
    kept = sum(bool(one.reuse) and all(r.run for r in one.reuse) for one in plan.steps)
    would = f"would run {_counted(len(plan.steps) - kept)}" + f" and reuse {kept}" * bool(kept)
    lines = [f"{plan.pipeline}: {would}, plan {plan.digest[:19]}"]
    if plan.parameters:
        lines += ["", "parameters"]
        width = max(map(len, plan.parameters))
        lines += [f"  {name:<{width}}  {json.dumps(v)}" for name, v in plan.parameters.items()]
    lines += ["", "steps"]
    width = max((len(one.step) for one in plan.steps), default=0)
    for one in plan.steps:
        given = ", ".join(f"{name}={text}" for name, text in one.inputs.items())
        lines.append(f"  {one.step:<{width}}  {one.image}")
        lines.append(f"  {'':<{width}}    {one.code}({given})")
        lines += [f"  {'':<{width}}    {text}" for text in one.when]
        lines += [f"  {'':<{width}}    {text}" for text in _reuse(one)]
    if plan.notes:
        lines += ["", "not on this machine", *(f"  {note}" for note in plan.notes)]
    return "\n".join(lines)


def _reuse(one: PlannedStep) -> Iterator[str]:
    """What the cache does for a step: in one line, or for each round of its loops."""
    if not one.reuse:
        yield "runs or not: its inputs are not known yet"
    for round_ in one.reuse[:_MOST_ROUNDS]:
        name = "" if round_.step == one.step else f"{round_.step}: "
        does = f"reused from run {round_.run[-SHORT:]}" if round_.run else "runs"
        yield f"{name}{does}: {round_.why}"
    if len(one.reuse) > _MOST_ROUNDS:
        rest = one.reuse[_MOST_ROUNDS:]
        reused = sum(round_.run is not None for round_ in rest)
        yield f"and {len(rest)} more rounds, {reused} of them reused"


def _counted(number: int) -> str:
    return f"{number} step{'s' * (number != 1)}"


def plan_as_json(plan: RunPlan) -> str:
    """The plan for scripts."""
    steps = [
        {
            "step": one.step,
            "code": one.code,
            "image": one.image,
            "inputs": dict(one.inputs),
            "when": list(one.when),
            "reuse": [asdict(round_) for round_ in one.reuse],
        }
        for one in plan.steps
    ]
    return json.dumps(
        {
            "pipeline": plan.pipeline,
            "plan": plan.digest,
            "parameters": dict(plan.parameters),
            "steps": steps,
            "notes": list(plan.notes),
        },
        indent=2,
    )
