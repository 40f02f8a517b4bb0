"""The Python functions of a DAG file: what chooses an arm, guards a step, or lists rounds."""

from __future__ import annotations

from penstock.diagnostics import Span
from penstock.ir.nodes import Branch, Loop
from penstock.ir.values import Condition, Not
from penstock_airflow import python_text as py
from penstock_airflow.conditions import Conditions
from penstock_airflow.flow import Choice, Rounds
from penstock_airflow.shared import Shared, source_comment


def choice_text(choice: Choice, task_id: str, shared: Shared, indent: int) -> str:
    """The task that decides which arm of a chain runs."""
    body = Conditions(shared.references, choice.scope, indent + 4)
    _skip_unless_entered(choice.id, body, shared)
    if len(choice.arms) == 1 and choice.arms[0].condition is not None:
        _add_only(choice.arms[0], choice.arms[0].condition, body, shared)
        return _task("task.branch", choice.id, task_id, body, choice.arms[0].span, shared)
    for arm in choice.arms:
        started = py.Literal(shared.flow.chosen.get(arm.id, []))
        if arm.condition is None:
            body.add(f"return {_shown(started, indent + 4)}")
            break
        body.add(f"if {body.test(arm.condition)}:")
        body.add(f"    return {_shown(started, indent + 8)}")
    else:
        body.add("return []")
    return _task("task.branch", choice.id, task_id, body, choice.arms[0].span, shared)


def _add_only(arm: Branch, condition: Condition, body: Conditions, shared: Shared) -> None:
    """One arm or none, with one `return`: of two, a linter would make a short circuit."""
    body.add("started: list[Any] = []")
    body.add(f"if {body.test(condition)}:")
    node = py.Literal(shared.flow.chosen.get(arm.id, []))
    shown = py.render(node, column=body.indent + 4 + len("started = "), indent=body.indent + 4)
    body.add(f"    started = {shown}")
    body.add("return started")


def rounds_text(rounds: Rounds, task_id: str, shared: Shared, indent: int) -> str:
    """The task that lists what a loop goes over."""
    body = Conditions(shared.references, rounds.scope, indent + 4)
    _skip_unless_entered(rounds.id, body, shared)
    items = shared.references.find(rounds.loop.items, rounds.scope)
    if shared.flow.mapped[rounds.loop.id] == "flat":
        node: py.Node = _flat(rounds, items, shared)
    elif isinstance(items, py.Call):
        node = py.Call(py.Method(items, "get"), (py.Name("context"),))
    else:
        node = items
    body.add(f"return {_shown(node, indent + 4)}")
    return _task("task", rounds.id, task_id, body, rounds.loop.span, shared)


def _flat(rounds: Rounds, items: py.Node, shared: Shared) -> py.Call:
    """`rounds(context, loop, items, outer=..., only_if=...)`."""
    kwargs: list[tuple[str, py.Node] | py.Starred] = []
    arm: Branch | None = None
    for scope in shared.names.enclosing(rounds.scope):
        if isinstance(scope, Branch) and arm is None and scope.chain not in shared.flow.choices:
            arm = scope
        if isinstance(scope, Loop):
            kwargs.append(("outer", py.Literal(shared.flow.rounds[scope.id].id)))
            break
    if arm is not None:
        kwargs.append(("only_if", py.Name(shared.labels.guard(arm.id))))
    shared.references.used.add("rounds")
    return py.Call("rounds", (py.Name("context"), py.Literal(rounds.loop.id), items), tuple(kwargs))


def guard_text(arm: Branch, shared: Shared, indent: int) -> str:
    """The function that says whether an arm is taken."""
    body = Conditions(shared.references, arm.parent, indent + 4)
    outer = _outer_arm(arm, shared)
    if outer is not None:
        body.add(f"if not {shared.labels.guard(outer.id)}(context):")
        body.add("    return False")
    earlier: list[Condition] = []
    for one in shared.names.chains[arm.chain]:
        if one.id == arm.id:
            break
        if one.condition is not None:
            earlier.append(one.condition)
    condition = arm.condition
    if condition is None and earlier:
        condition = Not(condition=earlier.pop())
    for before in earlier:
        body.add(f"if {body.test(before)}:")
        body.add("    return False")
    body.add(f"return {'True' if condition is None else body.test(condition)}")
    pad = " " * indent
    head = f"{pad}def {shared.labels.guard(arm.id)}(context: Any) -> bool:\n"
    return source_comment(arm.span, indent) + head + "".join(body.lines)


def _outer_arm(arm: Branch, shared: Shared) -> Branch | None:
    for scope in shared.names.enclosing(arm.parent):
        if isinstance(scope, Loop):
            return None
        if isinstance(scope, Branch):
            return scope
    return None


def _skip_unless_entered(task: str, body: Conditions, shared: Shared) -> None:
    arm = shared.flow.guards.get(task)
    if arm is not None and _chain(arm, shared) in shared.flow.choices:
        shared.references.used.add("skip")
        body.add(f"if not {shared.labels.guard(arm)}(context):")
        body.add('    raise AirflowSkipException("its branch was not taken")')


def _chain(arm: str, shared: Shared) -> str:
    scope = shared.names.scopes[arm]
    return scope.chain if isinstance(scope, Branch) else ""


def _task(
    decorator: str,
    identity: str,
    task_id: str,
    body: Conditions,
    span: Span | None,
    shared: Shared,
) -> str:
    name, function = shared.labels.variable(identity), shared.labels.function(identity)
    indent = body.indent - 4
    pad = " " * indent
    kwargs: tuple[tuple[str, py.Node], ...] = (("task_id", py.Literal(task_id)),)
    rule = shared.flow.rules.get(identity)
    if rule is not None:
        kwargs += (("trigger_rule", py.Literal(rule)),)
    call = py.render(py.Call(decorator, (), kwargs), column=indent + 1, indent=indent, suffix=" ")
    return (
        f"{source_comment(span, indent)}"
        f"{pad}@{call}\n"
        f"{pad}def {function}(**context: Any) -> list[Any]:\n"
        f"{''.join(body.lines)}"
        f"\n{pad}{name} = {function}()\n"
    )


def _shown(node: py.Node, indent: int) -> str:
    return py.render(node, column=indent + len("return "), indent=indent)
