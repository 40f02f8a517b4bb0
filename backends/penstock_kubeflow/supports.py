"""What Kubeflow can express, feature by feature."""

from __future__ import annotations

from collections.abc import Mapping

from penstock.features import NATIVE, Feature, Support, lowered, notyet

_BRANCHES = notyet("branches become conditional sub-DAGs, which are not emitted")
_LOOPS = notyet("loops become iterated sub-DAGs, which are not emitted")
_EXIT = notyet("exit handlers are not emitted")

SUPPORTS: Mapping[Feature, Support] = {
    Feature.SEQUENCE: NATIVE,
    Feature.PARAMETER: NATIVE,
    Feature.CONSTRAINT: lowered("told in the parameter's description"),
    Feature.SEVERAL_OUTPUTS: NATIVE,
    Feature.PROJECTION: lowered("an output parameter of its own"),
    Feature.LIST_INPUT: notyet("a task cannot join values of several tasks into one list"),
    Feature.NESTED: NATIVE,
    Feature.BRANCH: _BRANCHES,
    Feature.ONE_OF: _BRANCHES,
    Feature.LOOP_STATIC: _LOOPS,
    Feature.LOOP_PARAMETER: _LOOPS,
    Feature.LOOP_OUTPUT: _LOOPS,
    Feature.LOOP_NESTED: _LOOPS,
    Feature.PARALLEL: _LOOPS,
    Feature.GATHER: _LOOPS,
    Feature.EXIT: _EXIT,
    Feature.RUN_STATUS: _EXIT,
    Feature.ORDER: NATIVE,
    Feature.RETRY: NATIVE,
    Feature.RETRY_BACKOFF: NATIVE,
    Feature.TIMEOUT: NATIVE,
    Feature.CACHE: NATIVE,
    Feature.RESOURCES: NATIVE,
    Feature.GPU: NATIVE,
    Feature.ENV: NATIVE,
    Feature.SECRET: NATIVE,
    Feature.IMAGE: NATIVE,
    Feature.SCHEDULE: lowered("a recurring run in a file of its own"),
    Feature.CATALOG: lowered("owner and tags close the description"),
}
