"""Why a step cannot be reused: what differs from the last time that its pipeline ran."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

from penstock_local.cache_key import identity
from penstock_local.environment_change import environment_change, environment_of
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

    def __init__(self, store: Store, pipeline: str, run: str) -> None:
        self._store = store
        self._pipeline = pipeline
        self._run = run

    def difference(
        self, step: str, request: Request, facts: Mapping[str, str], environment: Mapping[str, Any]
    ) -> str:
        """Why the step runs, as the end of a sentence; causes first: code, parameters, the rest.

        `facts` has the digests of its code and of its environment.
        """
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
        if before.get("code") != request.code or known.get("code") != facts["code"]:
            return "its code has changed"
        changed = list(_changed(before.get("inputs"), request))
        if changed:
            return " and ".join(changed[:_SHOWN])
        if known.get("environment") != facts["environment"]:
            then = environment_of(step, started)
            return environment_change(then, environment, self._installed)
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

    def _installed(self, digest: object) -> dict[str, str]:
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
