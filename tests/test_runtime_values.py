"""Metrics, run states, and what a step may log."""

import logging
import math
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from penstock_runtime import Metrics, RunStatus, current_run, log_metadata, log_metric, log_metrics
from penstock_runtime.context import ActiveRun, active
from penstock_runtime.values import plain_number


def test_metrics_are_a_read_only_mapping_of_floats() -> None:
    half: Any = np.float32(0.5)  # a Real is enough when it runs
    quarter: Any = Fraction(1, 4)
    metrics = Metrics({"auc": 1, "my-f1": half}, loss=quarter)
    assert dict(metrics) == {"auc": 1.0, "my-f1": 0.5, "loss": 0.25}
    assert all(type(value) is float for value in metrics.values())
    assert metrics == {"auc": 1.0, "my-f1": 0.5, "loss": 0.25}
    assert isinstance(metrics, Mapping)
    assert repr(Metrics(auc=0.9)) == "Metrics(auc=0.9)"
    assert eval(repr(metrics), {"Metrics": Metrics}) == metrics
    with pytest.raises(TypeError):
        metrics["auc"] = 2.0  # type: ignore[index]  # that it is refused is the test  # pyright: ignore[reportIndexIssue]


@pytest.mark.parametrize("value", ["0.9", None, True, 1j, [1.0]])
def test_a_metric_is_a_real_number(value: object) -> None:
    with pytest.raises(TypeError, match="'auc' must be a real number"):
        Metrics({"auc": value})  # type: ignore[dict-item]  # that it is refused is the test  # pyright: ignore[reportArgumentType]


def test_a_metric_has_a_name() -> None:
    with pytest.raises(ValueError, match="empty"):
        Metrics({"": 1.0})
    with pytest.raises(TypeError, match="a str"):
        Metrics({1: 1.0})  # type: ignore[dict-item]  # that it is refused is the test  # pyright: ignore[reportArgumentType]


def test_metrics_may_be_called_values_or_self() -> None:
    assert dict(Metrics(values=1.0, self=2.0)) == {"values": 1.0, "self": 2.0}


def test_what_json_lacks_is_named() -> None:
    assert [plain_number(x) for x in (1.5, math.nan, math.inf, -math.inf)] == [
        1.5,
        "NaN",
        "Infinity",
        "-Infinity",
    ]


def test_run_status_is_text() -> None:
    assert RunStatus("failed") is RunStatus.FAILED
    assert f"{RunStatus.CANCELLED}" == "cancelled"


def test_without_a_run_logging_only_echoes(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "penstock")
    assert current_run() is None
    log_metric("auc", 0.5, step=3)
    log_metadata({"rows": 4})
    assert [record.getMessage() for record in caplog.records] == [
        "metrics: step=3, auc=0.5",
        "metadata: rows=4",
    ]


def test_a_run_collects_what_is_logged() -> None:
    kept: list[dict[str, object]] = []
    with active(ActiveRun("r", "s", sink=kept.extend)) as run:
        assert current_run() is run
        log_metrics({"a": 1, "b": 2})
        log_metric("a", 3, step=0)
        log_metadata({"k": [1, {"x": None}]})
        with pytest.raises(TypeError):
            log_metadata({"k": object()})
        run.flush()
    assert current_run() is None
    assert run.metrics == {"a": 3.0, "b": 2.0}
    assert run.metadata == {"k": [1, {"x": None}]}
    assert [{**point, "ts": 0} for point in kept] == [
        {"step": 0, "key": "a", "value": 3.0, "ts": 0}
    ]
