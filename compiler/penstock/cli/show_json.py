"""A run as one JSON object, for scripts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from penstock_records.curves import Curve
from penstock_records.run import Run, StepState
from penstock_records.schema import Record


def run_as_json(run: Run, store: str, points: Sequence[Curve]) -> dict[str, Any]:
    """The whole fold; `start` and `end` are the records as they are."""
    return {
        "run": run.run,
        "pipeline": run.pipeline,
        "status": run.status,
        "store": store,
        "records": run.folder,
        "start": _record(run.start),
        "end": _record(run.end),
        "steps": [_step(one) for one in run.steps],
        "notes": [_record(one) for one in run.notes],
        "curves": [asdict(one) for one in points],
        "problems": list(run.problems),
    }


def _step(one: StepState) -> dict[str, Any]:
    found = {key: getattr(one, key) for key in one.__dataclass_fields__}
    return {
        key: _record(value) if isinstance(value, Record) else value for key, value in found.items()
    }


def _record(one: Record | None) -> dict[str, Any] | None:
    return None if one is None else one.model_dump(by_alias=True, exclude_unset=True)
