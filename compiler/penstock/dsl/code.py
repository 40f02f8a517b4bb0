"""Checks a step's code without running it: can it be shipped, and does every name exist?"""

from __future__ import annotations

import builtins
import dis
import sys
from collections.abc import Iterator
from types import CodeType, FunctionType
from typing import cast

from penstock.dsl.tracing import Trace
from penstock_runtime.hints import unwrapped


def check_code(trace: Trace, target: object, function: FunctionType, name: str) -> None:
    """Reports what keeps a step from being imported and run on its own, elsewhere."""
    _importable(trace, target, function, name)
    functions = [function]
    if isinstance(target, type):
        functions += [
            one
            for one in vars(target).values()
            if isinstance(one, FunctionType)
            and one is not function
            # Neither penstock's wrappers nor what dataclasses makes.
            and one.__code__.co_filename == function.__code__.co_filename
        ]
    for one in functions:
        if one.__module__ == getattr(target, "__module__", None):
            _globals_defined(trace, one, name)


def _importable(trace: Trace, target: object, function: FunctionType, name: str) -> None:
    at = trace.places.definition(cast(FunctionType, unwrapped(function)).__code__)
    qualname = str(getattr(target, "__qualname__", name))
    if "<lambda>" in qualname:
        trace.problem(
            "PS302",
            "a lambda cannot be imported where the step runs",
            span=at,
            hint="write the step as a function with a name, at module level",
        )
        return
    if "<locals>" not in qualname:
        # Importing the module makes it anew, whatever a decorator keeps in a closure.
        return
    outer = [cell for cell in function.__code__.co_freevars if cell != "__class__"]
    if outer:
        trace.problem(
            "PS302",
            f"step {name!r} uses {outer[0]!r} from the function around it, which is not shipped",
            span=at,
            hint=f"pass {outer[0]!r} to the step as an input, or move it to module level",
        )
    else:
        trace.problem(
            "PS302",
            f"step {name!r} is defined inside a function and cannot be imported where it runs",
            span=at,
            hint="move the step to module level",
        )


def _globals_defined(trace: Trace, function: FunctionType, name: str) -> None:
    known = function.__globals__.keys() | vars(builtins).keys()
    module = sys.modules.get(function.__module__)
    if module is not None:
        known |= vars(module).keys()
    reported: set[str] = set()
    for code in _codes(function.__code__):
        if known.issuperset(code.co_names):
            continue
        instructions = list(dis.get_instructions(code))
        assigned = {one.argval for one in instructions if one.opname == "STORE_GLOBAL"}
        for one in instructions:
            if one.opname != "LOAD_GLOBAL" or one.argval in known | assigned | reported:
                continue
            reported.add(one.argval)
            trace.problem(
                "PS301",
                f"name {one.argval!r} is not defined in step {name!r}",
                span=trace.places.at(code, one.offset),
                label="not defined in its module",
                hint=f"import or define {one.argval!r} at module level, or pass it as an input",
            )


def _codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from _codes(inner)
