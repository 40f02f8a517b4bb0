"""The tasks of a DAG in their groups, in the order of the file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from penstock.ir.nodes import Branch, Loop, Nested, Scope, Step
from penstock_airflow.flow import Choice, Flow, Rounds
from penstock_airflow.names import fresh

_GROUP_ID = re.compile(r"[A-Za-z0-9_-]+")
_NOT_GROUP_ID = re.compile(r"[^A-Za-z0-9_-]")


@dataclass
class Group:
    """A group of Airflow with what stands in it; the scope of the outermost is None.

    `prefixes` says that Airflow puts the group's id before those of its members, which is so
    where all of these ids begin with it anyway.
    """

    scope: Nested | Loop | None
    members: list[Step | Choice | Rounds | Group] = field(
        default_factory=list["Step | Choice | Rounds | Group"]
    )
    group_id: str = ""
    prefixes: bool = False


Member = Step | Choice | Rounds | Group


def grouped(flow: Flow) -> Group:
    """All tasks but those that run at the end; a group stands where its first task does."""
    root = Group(None)
    groups: dict[str | None, Group] = {None: root}
    told: set[str] = set()
    for step in flow.names.ir.steps:
        if step.on_exit:
            continue
        around = list(flow.names.enclosing(step.scope))
        missing = [one for one in around if one.id not in groups]
        for scope in reversed(missing):
            parent = groups[scope.parent]
            for extra in _before(scope, flow):
                if extra.id not in told:
                    told.add(extra.id)
                    parent.members.append(extra)
            groups[scope.id] = _opened(scope, parent, flow)
        groups[step.scope].members.append(step)
    _name(root, flow)
    return root


def tasks_of(root: Group) -> Iterator[str]:
    """The tasks in a group, at any depth, in the order of the file."""
    todo: list[Member] = [root]
    while todo:
        member = todo.pop()
        if isinstance(member, Group):
            todo += reversed(member.members)
        else:
            yield member.id


def _before(scope: Scope, flow: Flow) -> list[Choice | Rounds]:
    """The task that must be there before a scope can be entered."""
    if isinstance(scope, Branch) and scope.chain in flow.choices:
        return [flow.choices[scope.chain]]
    if isinstance(scope, Loop) and scope.id in flow.rounds:
        return [flow.rounds[scope.id]]
    return []


def _opened(scope: Scope, parent: Group, flow: Flow) -> Group:
    """The group of a scope; arms and loops that Airflow has no group for are in that around."""
    if isinstance(scope, Branch):
        return parent
    if isinstance(scope, Loop) and flow.mapped[scope.id] != "group":
        return parent
    group = Group(scope)
    parent.members.append(group)
    return group


def _name(root: Group, flow: Flow) -> None:
    taken = {*flow.scopes, *flow.names.steps, *flow.names.scopes}
    todo = [(one, "") for one in reversed(root.members) if isinstance(one, Group)]
    while todo:
        group, prefix = todo.pop()
        identity = identity_of(group)
        short = identity.removeprefix(prefix)
        exact = identity.startswith(prefix) and _GROUP_ID.fullmatch(short) is not None
        group.group_id = short if exact else fresh(_NOT_GROUP_ID.sub("-", identity), taken, "-")
        inner = f"{identity}."
        group.prefixes = exact and all(_belongs(one, inner) for one in group.members)
        todo += [
            (one, inner if group.prefixes else "")
            for one in reversed(group.members)
            if isinstance(one, Group)
        ]


def identity_of(member: Member) -> str:
    """The id of a task, or of the scope of a group."""
    if isinstance(member, Group):
        return member.scope.id if member.scope else ""
    return member.id


def _belongs(member: Member, prefix: str) -> bool:
    identity = identity_of(member)
    if not identity.startswith(prefix) or identity == prefix:
        return False
    return not isinstance(member, Group) or _GROUP_ID.fullmatch(identity[len(prefix) :]) is not None
