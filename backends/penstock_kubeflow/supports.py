"""What Kubeflow can express, feature by feature."""

from __future__ import annotations

from collections.abc import Mapping

from penstock.features import NATIVE, Feature, Support, lowered

SUPPORTS: Mapping[Feature, Support] = {
    Feature.SEQUENCE: NATIVE,
    Feature.PARAMETER: NATIVE,
    Feature.CONSTRAINT: lowered("told in the parameter's description"),
    Feature.SEVERAL_OUTPUTS: NATIVE,
    Feature.PROJECTION: lowered("an output parameter of its own"),
    Feature.LIST_INPUT: lowered("the step joins the values itself"),
    Feature.NESTED: NATIVE,
    Feature.BRANCH: NATIVE,
    Feature.ONE_OF: Support("native", "between artifacts since 2.17"),
    Feature.LOOP_STATIC: NATIVE,
    Feature.LOOP_PARAMETER: NATIVE,
    Feature.LOOP_OUTPUT: Support("native", "outputs of several steps are written out"),
    Feature.LOOP_NESTED: NATIVE,
    Feature.PARALLEL: Support("native", "not where a loop is written out"),
    Feature.GATHER: Support("native", "not of lists that are gathered themselves"),
    Feature.EXIT: NATIVE,
    Feature.RUN_STATUS: NATIVE,
    Feature.ORDER: NATIVE,
    Feature.RETRY: NATIVE,
    Feature.RETRY_BACKOFF: NATIVE,
    Feature.TIMEOUT: NATIVE,
    Feature.CACHE: NATIVE,
    Feature.RESOURCES: Support("native", "no disk"),
    Feature.GPU: NATIVE,
    Feature.ENV: NATIVE,
    Feature.SECRET: NATIVE,
    Feature.IMAGE: NATIVE,
    Feature.SCHEDULE: lowered("a recurring run in a file of its own"),
    Feature.CATALOG: lowered("owner and tags close the description"),
}
