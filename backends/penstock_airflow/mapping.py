"""How Airflow repeats the steps of a loop."""

from __future__ import annotations

from typing import Literal

from penstock.ir.lookup import Lookup
from penstock.ir.nodes import Loop

Mapped = Literal["step", "group", "flat"]
"""One mapped step; a mapped group; or every step by itself, mapped over all rounds of all loops.

Airflow maps no group inside a mapped group, so a loop in a loop is flat, and that around it too.
"""


def mapped_loops(names: Lookup) -> dict[str, Mapped]:
    """For each loop how its steps are repeated."""
    found: dict[str, Mapped] = {one.id: "step" for one in names.ir.scopes if isinstance(one, Loop)}
    steps = dict.fromkeys(found, 0)
    for step in names.ir.steps:
        for one in names.enclosing(step.scope):
            if isinstance(one, Loop):
                steps[one.id] += 1
    for scope in names.ir.scopes:
        around = [one.id for one in names.enclosing(scope.parent) if isinstance(one, Loop)]
        for loop in around:
            if found[loop] == "step":
                found[loop] = "group"
        if isinstance(scope, Loop) and around:
            found |= dict.fromkeys((scope.id, *around), "flat")
    for loop, count in steps.items():
        if count != 1 and found[loop] == "step":
            found[loop] = "group"
    return found
