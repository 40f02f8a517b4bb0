"""Why a step cannot be reused: what differs from the last time that its pipeline ran."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

from penstock_local.cache_key import identity
from penstock_records.recent import recent_runs
from penstock_runtime.errors import BadRequest, StoreError
from penstock_runtime.records import RunRecords
from penstock_runtime.reference import (
    Constant,
    Value,
    list_or_empty,
    object_or_empty,
    parse_value,
)
from penstock_runtime.request import Request
from penstock_runtime.store import Store

_MOST_RUNS = 50
_SHOWN = 3
_LONGEST = 40


class Previous:
    """The last run of the same pipeline; looked for only when somebody asks."""

    def __init__(self, store: Store, pipeline: str, run: str, environment: Mapping[str, Any]):
        self._store = store
        self._pipeline = pipeline
        self._run = run
        self._environment = environment

    def difference(self, request: Request, code: str, environment: str) -> str:
        """Why the step runs, as the end of a sentence; causes first: code, parameters, the rest."""
        if self._last is None:
            return "the pipeline has not run here before"
        run, started = self._last
        try:
            before = RunRecords(self._store, run).committed(request.step)
        except StoreError:
            before = None
        if before is None:
            return "its last run gave no result"
        known = object_or_empty(before.get("cache"))
        if before.get("code") != request.code or known.get("code") != code:
            return "its code has changed"
        changed = list(_changed(before.get("inputs"), request))
        if changed:
            return " and ".join(changed[:_SHOWN])
        if known.get("environment") != environment:
            return self._environment_change(started.get("environment"))
        return "its environment variables have changed, or its earlier result is gone"

    @cached_property
    def _last(self) -> tuple[str, Mapping[str, Any]] | None:
        for number, run in enumerate(recent_runs(self._store)):
            if number == _MOST_RUNS:
                return None
            if run == self._run:
                continue
            try:
                started = RunRecords(self._store, run).started()
            except StoreError:
                continue
            if started is not None and started.get("pipeline") == self._pipeline:
                return run, started
        return None

    def _environment_change(self, before: object) -> str:
        known = object_or_empty(before)
        for name in ("python", "platform"):
            if known.get(name) != self._environment[name]:
                return f"{name} has changed from {known.get(name)} to {self._environment[name]}"
        packages = _package_changes(
            self._packages(known.get("packages")), self._packages(self._environment["packages"])
        )
        shown = ", ".join(packages[:_SHOWN])
        more = f" and {len(packages) - _SHOWN} more" if len(packages) > _SHOWN else ""
        return f"what is installed has changed: {shown}{more}"

    def _packages(self, digest: object) -> dict[str, str]:
        try:
            names = list_or_empty(json.loads(self._store.read_bytes(str(digest))))
        except (StoreError, ValueError):
            return {}
        parts = [str(name).rpartition("-") for name in names]
        return {name: version for name, _, version in parts}


def _changed(before: object, request: Request) -> Iterator[str]:
    known = object_or_empty(before)
    for name, value in request.inputs.items():
        try:
            old = parse_value(known.get(name), name)
        except BadRequest:
            yield f"{name} is new"
            continue
        if identity(old) != identity(value):
            yield f"{name} has changed{_from_to(old, value)}"


def _from_to(old: Value, new: Value) -> str:
    if not isinstance(old, Constant) or not isinstance(new, Constant):
        return ""
    texts = [json.dumps(one.value, ensure_ascii=False) for one in (old, new)]
    return f" from {texts[0]} to {texts[1]}" if max(map(len, texts)) <= _LONGEST else ""


def _package_changes(old: Mapping[str, str], new: Mapping[str, str]) -> list[str]:
    changes: list[str] = []
    for name in sorted({*old, *new}):
        if name not in old:
            changes.append(f"{name} {new[name]} is new")
        elif name not in new:
            changes.append(f"{name} is gone")
        elif old[name] != new[name]:
            changes.append(f"{name} {old[name]} is now {new[name]}")
    return changes or ["the list is not known any more"]
