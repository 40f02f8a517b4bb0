"""Which task waits for which, as lines such as `load >> split >> [fit, score]`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from penstock_airflow import python_text as py


def edge_lines(
    upstream: Mapping[str, tuple[str, ...]], names: Mapping[str, str], indent: int
) -> Iterator[str]:
    """The statements that draw all edges, each edge once.

    Tasks that wait for the same tasks share a line; a line goes on as long as it fits.
    """
    waiting: dict[tuple[str, ...], list[str]] = {}
    for task, before in upstream.items():
        if before:
            waiting.setdefault(before, []).append(task)
    for before in list(waiting):
        while waiting.get(before):
            yield _line(before, waiting, names, indent)


def _line(
    before: tuple[str, ...],
    waiting: dict[tuple[str, ...], list[str]],
    names: Mapping[str, str],
    indent: int,
) -> str:
    shown = [before]
    width = indent + _width(before, names)
    while waiting.get(shown[-1]):
        last = shown[-1]
        after = waiting[last]
        # Python has no `[a, b] >> [c, d]`.
        taken = tuple(after) if len(last) == 1 else (after[0],)
        width += len(" >> ") + _width(taken, names)
        if len(shown) > 1 and width > py.LINE:
            break
        waiting[last] = after[len(taken) :]
        shown.append(taken)
    chain: py.Name | py.ListOf | py.Shift = _operand(shown[0], names)
    for one in shown[1:]:
        chain = py.Shift(chain, _operand(one, names))
    return f"{' ' * indent}{py.render(chain, column=indent, indent=indent)}\n"


def _operand(tasks: tuple[str, ...], names: Mapping[str, str]) -> py.Name | py.ListOf:
    if len(tasks) == 1:
        return py.Name(names[tasks[0]])
    return py.ListOf(tuple(py.Name(names[task]) for task in tasks))


def _width(tasks: tuple[str, ...], names: Mapping[str, str]) -> int:
    brackets = 2 if len(tasks) > 1 else 0
    return sum(len(names[task]) + 2 for task in tasks) - 2 + brackets
