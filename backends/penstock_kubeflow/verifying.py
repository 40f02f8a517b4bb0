"""Tells the faults of a spec as diagnostics, each at its line."""

from __future__ import annotations

from penstock.diagnostics import Diagnostic, Span
from penstock_kubeflow.verifier import Fault, Unreadable, faults_in, read

_MOST = 50
"""A spec that is wrong in more places is wrong as a whole."""


def verified(text: str, file: str) -> tuple[Diagnostic, ...]:
    """What is wrong with the text of a spec; `file` is how its places are told."""
    try:
        documents = read(text)
    except Unreadable as error:
        hint = "write the YAML or JSON that the server reads"
        return (Diagnostic("PS409", str(error), Span(file, error.line), hint=hint),)
    faults = list(faults_in([one.data for one in documents]))
    faults.sort(key=lambda one: one.severity)
    found: list[Diagnostic] = []
    for fault in faults[:_MOST]:
        lines = documents[fault.document] if fault.document < len(documents) else None
        line = lines.line(fault.where) if lines is not None else 1
        found.append(_told(fault, Span(file, line)))
    return tuple(found)


def _told(fault: Fault, at: Span) -> Diagnostic:
    # One code for what the backend does not run, one for what is probably too large for it.
    code = "PS409" if fault.severity == "error" else "PS408"
    return Diagnostic(code, fault.message, at, severity=fault.severity, hint=fault.hint)
