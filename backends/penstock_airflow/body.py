"""The statements inside `with DAG(...)`: one for each task, then the order of the tasks."""

from __future__ import annotations

from collections.abc import Iterator

from penstock.ir.nodes import Branch, Loop, Nested, Step
from penstock_airflow import python_text as py
from penstock_airflow.conditions import label
from penstock_airflow.edges import edge_lines
from penstock_airflow.flow import Choice, Rounds
from penstock_airflow.functions import choice_text, guard_text, rounds_text
from penstock_airflow.groups import Group, Member, grouped, identity_of, tasks_of
from penstock_airflow.shared import Shared, source_comment
from penstock_airflow.tasks import items, task

DEEPEST = 5  # Python refuses more than 20 nested `with`, and a reader far fewer


class Body:
    """Writes the tasks of a DAG in the order of the pipeline."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self._guards: set[str] = set()
        self._ordered: dict[str, set[str]] = {}
        flow = shared.flow
        self._home = {one: self._mapped_group(flow.scopes[one]) for one in flow.scopes}
        self._started = {one: arm for arm, tasks in flow.chosen.items() for one in tasks}
        self._root = grouped(flow)
        self._position = {one: place for place, one in enumerate(tasks_of(self._root))}

    def text(self) -> str:
        """All tasks, without those at the end."""
        return _spaced(self._container(self._root, 4))

    def edges(self) -> str:
        """What waits for what outside of mapped groups."""
        return "".join(self._edges(None, 4))

    def lasts(self) -> tuple[dict[str, str], tuple[str, ...]]:
        """The tasks and groups that are done when all are, with their variables, and the leaves.

        A task counts whose every follower also waits for others: it is given up as soon as one
        of them fails, while the task may still run.
        """
        names: dict[str, str] = {}
        upstream = self._upstream(None, names, shown=False)
        covered = {next(iter(found)) for found in upstream.values() if len(found) == 1}
        followed = {before for found in upstream.values() for before in found}
        leaves = tuple(one for one in upstream if one not in followed)
        return {one: names[one] for one in upstream if one not in covered}, leaves

    def _mapped_group(self, scope: str | None) -> str | None:
        for one in self._shared.names.enclosing(scope):
            if isinstance(one, Loop) and self._shared.flow.mapped[one.id] == "group":
                return one.id
        return None

    def _container(self, root: Group, indent: int) -> Iterator[str]:
        """The statements of a function or of the DAG."""
        # Groups that are nested too deeply stand later, and name the group around them.
        waiting: list[tuple[Group, Group | None]] = [(root, None)]
        while waiting:
            group, around = waiting.pop(0)
            todo: list[tuple[Member, Group, int]] = [(group, around or root, 0)]
            while todo:
                member, parent, depth = todo.pop()
                column = indent + 4 * depth
                if not isinstance(member, Group):
                    yield from self._task(member, parent, column)
                elif member is root:
                    todo += [(one, member, 0) for one in reversed(member.members)]
                elif isinstance(member.scope, Loop):
                    yield from self._mapped(member, column)
                elif depth >= DEEPEST:
                    waiting.append((member, parent))
                else:
                    hoisted = parent if member is group and around is not None else None
                    groups = any(isinstance(one, Group) for one in member.members)
                    yield self._with(member, hoisted, depth + 1 >= DEEPEST and groups, column)
                    todo += [(one, member, depth + 1) for one in reversed(member.members)]

    def _task(self, member: Step | Choice | Rounds, parent: Group, indent: int) -> Iterator[str]:
        prefix = f"{identity_of(parent)}." if parent.prefixes else ""
        task_id = member.id[len(prefix) :]
        yield from self._missing_guards(member, indent)
        if isinstance(member, Choice):
            yield choice_text(member, task_id, self._shared, indent)
        elif isinstance(member, Rounds):
            yield rounds_text(member, task_id, self._shared, indent)
        else:
            yield task(member, task_id, self._shared, indent, named=self._is_named(member.id))

    def _is_named(self, name: str) -> bool:
        """Whether any statement speaks of the task; in a function, ruff minds if none does."""
        home = self._home[name]
        if home is None:
            return True
        if home not in self._ordered:
            upstream = self._upstream(home, {}, shown=True)
            waiting = {one for one, found in upstream.items() if found}
            self._ordered[home] = waiting.union(*upstream.values())
        return name in self._ordered[home]

    def _missing_guards(self, member: Step | Choice | Rounds, indent: int) -> Iterator[str]:
        """The functions that the task asks, outermost arm first, where they do not stand yet."""
        arm = self._shared.flow.guards.get(member.id)
        wanted: list[Branch] = []
        for scope in self._shared.names.enclosing(arm):
            if isinstance(scope, Loop):
                break
            if isinstance(scope, Branch):
                wanted.append(scope)
        for scope in reversed(wanted):
            if scope.id not in self._guards:
                self._guards.add(scope.id)
                yield guard_text(scope, self._shared, indent)

    def _mapped(self, group: Group, indent: int) -> Iterator[str]:
        """A function that makes the tasks of a round, and its expansion."""
        loop = group.scope
        if not isinstance(loop, Loop):
            raise TypeError("only a loop is mapped")
        pad = " " * indent
        kwargs: tuple[tuple[str, py.Node], ...] = (("group_id", py.Literal(group.group_id)),)
        if not group.prefixes:
            kwargs += (("prefix_group_id", py.Literal(False)),)
        call = py.Call("task_group", (), kwargs)
        name = self._shared.labels.body(loop.id)
        head = (
            f"{source_comment(loop.span, indent)}"
            f"{pad}@{py.render(call, column=indent + 1, indent=indent, suffix=' ')}\n"
            f"{pad}def {name}(item: Any) -> None:\n"
        )
        inside = _spaced(self._container(group, indent + 4))
        edges = "".join(self._edges(loop.id, indent + 4))
        variable = self._shared.labels.group(loop.id)
        expand = py.Call(f"{name}.expand", kwargs=(("item", items(loop, self._shared)),))
        column = indent + len(variable) + 3
        shown = py.render(expand, column=column, indent=indent)
        between = "\n" if edges else ""
        yield f"{head}{inside}{between}{edges}\n{pad}{variable} = {shown}\n"

    def _with(self, group: Group, around: Group | None, kept: bool, indent: int) -> str:
        scope = group.scope
        kwargs: list[tuple[str, py.Node] | py.Starred] = []
        if not group.prefixes:
            kwargs.append(("prefix_group_id", py.Literal(False)))
        if isinstance(scope, Nested) and scope.description:
            first = scope.description.strip().partition("\n")[0]
            if first:
                kwargs.append(("tooltip", py.Literal(first)))
        if around is not None:
            name = self._shared.labels.group(identity_of(around))
            kwargs.append(("parent_group", py.Name(name)))
        call = py.Call("TaskGroup", (py.Literal(group.group_id),), tuple(kwargs))
        tail = f" as {self._shared.labels.group(identity_of(group))}:" if kept else ":"
        shown = py.render(call, column=indent + len("with "), indent=indent, suffix=tail)
        place = source_comment(scope.span if scope else None, indent)
        return f"{place}{' ' * indent}with {shown}{tail}\n"

    def _edges(self, home: str | None, indent: int) -> Iterator[str]:
        """The order of what stands in one function, or in the DAG."""
        flow = self._shared.flow
        names: dict[str, str] = {}
        upstream = self._upstream(home, names, shown=True)
        yield from edge_lines({one: tuple(found) for one, found in upstream.items()}, names, indent)
        if home is None:
            for choice in flow.choices.values():
                yield from self._labelled(choice, indent)

    def _upstream(
        self, home: str | None, names: dict[str, str], *, shown: bool
    ) -> dict[str, dict[str, None]]:
        """What waits for what; `shown` leaves out the order that other statements tell."""
        upstream: dict[str, dict[str, None]] = {}
        for after in self._position:
            befores = self._shared.flow.waits[after]
            place = self._node(after, home, names)
            if place is None:
                continue
            found = upstream.setdefault(place, {})
            for before in sorted(befores, key=self._position.__getitem__):
                other = self._node(before, home, names)
                told = shown and self._implied(before, after)
                if other is not None and other != place and not told:
                    found[other] = None
        return upstream

    def _node(self, task: str, home: str | None, names: dict[str, str]) -> str | None:
        """The key of what stands for a task in a function; None if it is not in there."""
        where = self._home[task]
        if where == home:
            names[task] = self._shared.labels.variable(task)
            return task
        if home is not None or where is None:
            return None
        key = f"{where} "  # no id of a task ends so
        names[key] = self._shared.labels.group(where)
        return key

    def _implied(self, before: str, after: str) -> bool:
        """Whether Airflow knows the order already: a list and its loop, a choice and its arm."""
        flow = self._shared.flow
        loop = flow.loop_of(after)
        if after in flow.names.steps and loop in flow.rounds and flow.rounds[loop].id == before:
            return True
        arm = self._started.get(after)
        scope = flow.names.scopes.get(arm) if arm else None
        return isinstance(scope, Branch) and flow.choices[scope.chain].id == before

    def _labelled(self, choice: Choice, indent: int) -> Iterator[str]:
        flow, labels = self._shared.flow, self._shared.labels
        for arm in choice.arms:
            tasks = [py.Name(labels.variable(one)) for one in flow.chosen.get(arm.id, ())]
            if not tasks:
                continue
            mark = py.Call("Label", (py.Literal(label(arm.condition)),))
            right = tasks[0] if len(tasks) == 1 else py.ListOf(tuple(tasks))
            chain = py.Shift(py.Shift(py.Name(labels.variable(choice.id)), mark), right)
            yield f"{' ' * indent}{py.render(chain, column=indent, indent=indent)}\n"


def _spaced(statements: Iterator[str]) -> str:
    """An empty line between statements, none behind the head of a block."""
    out: list[str] = []
    for statement in statements:
        if out and not out[-1].endswith(":\n"):
            out.append("\n")
        out.append(statement)
    return "".join(out)
