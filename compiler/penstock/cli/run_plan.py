"""What `--dry-run` prints."""

from __future__ import annotations

import json

from penstock.runner import RunPlan


def plan_as_text(plan: RunPlan) -> str:
    """The plan for people: parameters, steps in order with their images, what is not kept."""
    lines = [f"{plan.pipeline}: would run {_counted(len(plan.steps))}, plan {plan.digest[:19]}"]
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
    if plan.notes:
        lines += ["", "not on this machine", *(f"  {note}" for note in plan.notes)]
    return "\n".join(lines)


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
