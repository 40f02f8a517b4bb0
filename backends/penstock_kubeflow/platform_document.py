"""The PlatformSpec: what Kubernetes has to know of a step that a PipelineSpec cannot say.

The backend drops a platform document that it cannot read without a word, so every name here is
checked against the messages of kfp-kubernetes in the tests.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from penstock.ir.nodes import Options, Secret
from penstock.ir.yamldump import Flow
from penstock_kubeflow.components import Spec


def kubernetes(options: Options) -> Spec:
    """The settings of one executor; empty when there are none."""
    found: Spec = {}
    if options.secrets:
        found["secretAsEnv"] = _secrets(options.secrets)
    if options.timeout is not None:
        # A 64-bit number, which JSON writes as text; Kubernetes counts in whole seconds.
        found["activeDeadlineSeconds"] = str(math.ceil(options.timeout))
    return found


def _secrets(secrets: tuple[Secret, ...]) -> list[Spec]:
    by_name: dict[str, list[Spec]] = {}
    for one in secrets:
        by_name.setdefault(one.name, []).append(Flow(secretKey=one.key, envVar=one.env))
    # The name stands twice: under its old key, and under the one that present backends read.
    return [
        {
            "secretName": name,
            "secretNameParameter": Flow(runtimeValue=Flow(constant=name)),
            "keyToEnv": keys,
            "optional": False,
        }
        for name, keys in by_name.items()
    ]


def platform_document(executors: Mapping[str, Spec]) -> Spec:
    """The second document of the file."""
    return {"platforms": {"kubernetes": {"deploymentSpec": {"executors": dict(executors)}}}}
