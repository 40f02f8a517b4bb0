"""`run.yaml`: a whole run on one page, to be read by people; the JSON records are the truth."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from penstock.ir.yamldump import dump
from penstock_runtime.errors import StoreError
from penstock_runtime.records import RunRecords
from penstock_runtime.reference import list_or_empty, object_or_empty
from penstock_runtime.store import Store, canonical_json

_ORDER = (
    *("pipeline", "status", "started", "ended", "seconds", "parameters", "outputs", "metrics"),
    *("steps", "backend", "executor", "user", "host", "tags", "owner", "resume_of", "plan"),
    *("git", "source", "environment", "images"),
)
_STEP = ("attempt", "started", "ended", "durations", "metrics", "metadata", "cache", "reused")


def twin(
    store: Store,
    run: str,
    start: Mapping[str, Any],
    end: Mapping[str, Any],
    known: Mapping[str, Mapping[str, Any]],
) -> bytes:
    """The page for a run whose first and last record these are. Raises StoreError.

    Commits that are not `known` are read.
    """
    records = RunRecords(store, run)
    facts = {**start, **end}
    steps = object_or_empty(end.get("steps"))
    facts["steps"] = {
        name: _step(known.get(name) or _commit(records, name, one), one)
        for name, one in steps.items()
    }
    facts["outputs"] = _values(end.get("outputs"))
    facts["environment"] = _environment(store, start)
    page = {"run": run, **{name: facts[name] for name in _ORDER if name in facts}}
    return dump(json.loads(canonical_json(page))).encode()


def _commit(records: RunRecords, name: str, summary: Mapping[str, Any]) -> Mapping[str, Any] | None:
    return records.committed(name) if summary.get("status") == "succeeded" else None


def _step(commit: Mapping[str, Any] | None, summary: Mapping[str, Any]) -> dict[str, Any]:
    if commit is None:
        asked = {"inputs": _values(summary["inputs"])} if "inputs" in summary else {}
        return {**summary, **asked}
    return {
        **{key: summary[key] for key in ("status", "log") if key in summary},
        "inputs": _values(commit.get("inputs")),
        "outputs": {
            output: _described(value)
            for output, value in object_or_empty(commit.get("outputs")).items()
        },
        **{key: commit[key] for key in _STEP if commit.get(key)},
    }


def _values(values: object) -> dict[str, Any]:
    """Parameters as they are, artifacts by their digest."""
    return {name: _value(one) for name, one in object_or_empty(values).items()}


def _value(value: object) -> Any:
    found = object_or_empty(value)
    if "artifact" in found:
        return object_or_empty(found["artifact"]).get("digest")
    if "list" in found:
        return [_value(one) for one in list_or_empty(found["list"])]
    return found.get("value")


def _described(value: object) -> Any:
    """An artifact that was made here, with what it is."""
    ref = object_or_empty(object_or_empty(value).get("artifact"))
    if not ref:
        return _value(value)
    return {key: ref[key] for key in ("digest", "size", "type", "media", "preview") if ref.get(key)}


def _environment(store: Store, start: Mapping[str, Any]) -> dict[str, Any]:
    environment = object_or_empty(start.get("environment"))
    with suppress(StoreError, ValueError, KeyError):  # the digest alone has to do
        packages = json.loads(store.read_bytes(environment["packages"]))
        return {**environment, "packages": packages}
    return environment
