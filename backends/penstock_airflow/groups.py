"""Nested pipelines as task groups, and the tasks inside them, in the order of the file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from penstock.ir.lookup import Lookup
from penstock.ir.nodes import Nested, Scope, Step
from penstock_airflow import python_text as py
from penstock_airflow.names import RESERVED, variable
from penstock_airflow.tasks import Shared, source_comment, task

DEEPEST = 5  # Python refuses more than 20 nested `with`, and a reader far fewer
_GROUP_ID = re.compile(r"[A-Za-z0-9_-]+")
_NOT_GROUP_ID = re.compile(r"[^A-Za-z0-9_-]")


@dataclass
class Group:
    """A scope with what stands in it; the scope of the outermost is None.

    `prefixes` says that Airflow puts the group's id before those of its members, which is so
    where all of these ids begin with it anyway.
    """

    scope: Scope | None
    members: list[Step | Group] = field(default_factory=list["Step | Group"])
    group_id: str = ""
    prefixes: bool = False
    name: str = ""


def grouped(steps: tuple[Step, ...], names: Lookup) -> Group:
    """The steps in their groups; a group stands where the first of its steps does."""
    root = Group(None)
    groups: dict[str | None, Group] = {None: root}
    for step in steps:
        missing: list[Scope] = []
        for scope in names.enclosing(step.scope):
            if scope.id in groups:
                break
            missing.append(scope)
        for scope in reversed(missing):
            parent = scope.parent if scope.parent in groups else None
            groups[scope.id] = Group(scope)
            groups[parent].members.append(groups[scope.id])
        groups[step.scope if step.scope in groups else None].members.append(step)
    _name(root, names)
    return root


def _name(root: Group, names: Lookup) -> None:
    taken_ids = {*names.steps, *names.scopes}
    taken_names = {*map(variable, names.steps), *RESERVED}
    todo = [(one, "") for one in reversed(root.members) if isinstance(one, Group)]
    while todo:
        group, prefix = todo.pop()
        identity = _identity(group)
        short = identity.removeprefix(prefix)
        exact = identity.startswith(prefix) and _GROUP_ID.fullmatch(short) is not None
        group.group_id = (
            short if exact else _fresh(_NOT_GROUP_ID.sub("-", identity), taken_ids, "-")
        )
        group.name = _fresh(f"{variable(identity).rstrip('_')}_group", taken_names, "_")
        inner = f"{identity}."
        group.prefixes = exact and all(_belongs(one, inner) for one in group.members)
        todo += [
            (one, inner if group.prefixes else "")
            for one in reversed(group.members)
            if isinstance(one, Group)
        ]


def _identity(member: Step | Group) -> str:
    if isinstance(member, Step):
        return member.id
    return member.scope.id if member.scope else ""


def _belongs(member: Step | Group, prefix: str) -> bool:
    identity = _identity(member)
    if not identity.startswith(prefix) or identity == prefix:
        return False
    return isinstance(member, Step) or _GROUP_ID.fullmatch(identity[len(prefix) :]) is not None


def _fresh(name: str, taken: set[str], joint: str) -> str:
    found, count = name, 1
    while found in taken:
        count += 1
        found = f"{name}{joint}{count}"
    taken.add(found)
    return found


def group_texts(root: Group, shared: Shared) -> Iterator[str]:
    """The statements of the DAG's body, one for each task and one for each group's `with`."""
    # Groups that are nested too deeply stand later, and name the group around them.
    waiting: list[tuple[Group, Group | None]] = [(root, None)]
    while waiting:
        group, around = waiting.pop(0)
        todo: list[tuple[Step | Group, Group, int]] = [(group, around or root, 0)]
        while todo:
            member, parent, depth = todo.pop()
            indent = 4 + 4 * depth
            if isinstance(member, Step):
                prefix = f"{_identity(parent)}." if parent.prefixes else ""
                yield task(member, member.id[len(prefix) :], variable(member.id), shared, indent)
                continue
            if member.scope is None:
                todo += [(one, member, 0) for one in reversed(member.members)]
                continue
            if depth >= DEEPEST:
                waiting.append((member, parent))
                continue
            hoisted = parent if member is group and around is not None else None
            kept = depth + 1 >= DEEPEST and any(isinstance(one, Group) for one in member.members)
            yield _with(member, hoisted, kept, indent)
            todo += [(one, member, depth + 1) for one in reversed(member.members)]


def _with(group: Group, around: Group | None, kept: bool, indent: int) -> str:
    kwargs: list[tuple[str, py.Node] | py.Starred] = []
    if not group.prefixes:
        kwargs.append(("prefix_group_id", py.Literal(False)))
    if isinstance(group.scope, Nested) and group.scope.description:
        first = group.scope.description.strip().partition("\n")[0]
        if first:
            kwargs.append(("tooltip", py.Literal(first)))
    if around is not None:
        kwargs.append(("parent_group", py.Name(around.name)))
    call = py.Call("TaskGroup", (py.Literal(group.group_id),), tuple(kwargs))
    pad = " " * indent
    tail = f" as {group.name}:" if kept else ":"
    shown = py.render(call, column=indent + len("with "), indent=indent, suffix=tail)
    place = source_comment(group.scope.span if group.scope else None, indent)
    return f"{place}{pad}with {shown}{tail}\n"
