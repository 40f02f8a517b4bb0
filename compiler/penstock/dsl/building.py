"""Hands a finished trace to the IR: the only place where the language meets it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, cast

from penstock.diagnostics import PipelineError
from penstock.dsl.promises import Done, Outputs, Poison, Promise
from penstock.dsl.tracing import Trace

if TYPE_CHECKING:
    from penstock.ir.nodes import PipelineIR

Plain = dict[str, object]


def built(trace: Trace, head: Plain, outputs: dict[str, Plain]) -> PipelineIR:
    """The pipeline that the trace describes; raises `PipelineError` if the trace has problems."""
    # Imported here: the language itself loads only the standard library.
    from penstock.ir.known import DATA_TYPES
    from penstock.ir.plain import from_plain

    _resolve_after(trace)
    trace.report_leavings()
    if any(found.severity == "error" for found in trace.problems):
        raise PipelineError(tuple(trace.problems))
    plain: Plain = {
        "penstock": 1,
        **head,
        "components": trace.components,
        "classes": _needed(trace.types.classes, DATA_TYPES),
        "scopes": trace.scopes,
        "steps": trace.steps,
        "outputs": outputs,
    }
    _check_text(plain)
    return from_plain(plain)


def _check_text(plain: Plain) -> None:
    """Raises `IRError` for text that has no bytes, in a description, a tag, a variable."""
    from penstock.ir.plain import IRError

    try:
        json.dumps(plain, ensure_ascii=False, default=str).encode()
    except UnicodeEncodeError as error:
        half = ord(error.object[error.start])
        raise IRError(f"text holds half a character (the lone surrogate U+{half:04X})") from None
    except (TypeError, ValueError):
        return  # of another wrong shape, which is told with its place


def _needed(classes: dict[str, Plain], data_types: frozenset[str]) -> dict[str, Plain]:
    """The class table without the bases that no type of the pipeline names."""
    found: dict[str, Plain] = {}
    for name, entry in classes.items():
        bases = [
            base
            for base in cast("list[str]", entry.get("bases", []))
            if base in classes or base in data_types or base.startswith("collections.abc.")
        ]
        kept = {key: value for key, value in entry.items() if key != "bases"}
        if bases:
            kept["bases"] = bases
        if kept:
            found[name] = kept
    return found


def _resolve_after(trace: Trace) -> None:
    """Replaces what `after` holds (values, step functions, names) by ids, now all are known."""
    for identity, prefix, befores, span in trace.waiting:
        names: list[str] = []
        for before in befores:
            found = _names(trace, before, prefix)
            if not found and not isinstance(before, Poison):
                trace.problem(
                    "PS128",
                    f"after=[...] holds {_shown(before)}, which is no step of this pipeline",
                    span=span,
                    hint="give what a step returned, the step itself, or its name",
                )
            names += [name for name in found if name not in names]
        if names:
            trace.steps[identity]["after"] = names


def _shown(before: object) -> str:
    return repr(before)[:60] if isinstance(before, str) else f"a {type(before).__name__}"


def _names(trace: Trace, before: object, prefix: str) -> list[str]:
    if isinstance(before, Done):
        return [before._name]  # pyright: ignore[reportPrivateUsage] - ours
    if isinstance(before, Outputs):
        return [before._source]  # pyright: ignore[reportPrivateUsage] - ours
    if isinstance(before, Promise):
        return _sources(before._ref)  # pyright: ignore[reportPrivateUsage] - promises are ours
    if isinstance(before, str):
        # A name is meant as the pipeline's own author wrote it, wherever that pipeline is nested.
        inside = (f"{prefix}{before}", before)
        return [one for one in inside if one in trace.steps or one in trace.scopes][:1]
    target = getattr(before, "__wrapped__", before)
    return trace.calls_of(target, prefix) if getattr(target, "__hash__", None) else []


def _sources(ref: Plain) -> list[str]:
    """The steps, or the loop, that a value waits for."""
    if "step" in ref:
        return [cast(str, ref["step"])]
    if "gather" in ref:
        return [cast(str, ref["over"])]
    inner = cast("list[Plain]", ref.get("one_of", ref.get("list", [])))
    return [name for one in inner for name in _sources(one)]
