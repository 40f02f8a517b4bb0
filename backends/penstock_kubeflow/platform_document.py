"""The PlatformSpec: what Kubernetes has to know of a step that a PipelineSpec cannot say.

The backend drops a platform document that it cannot read without a word, so every name here is
checked against the messages of kfp-kubernetes in the tests. Names stand twice: under their old
key, and under the one that present backends read.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from penstock.ir.nodes import Options, Secret
from penstock.ir.yamldump import Flow
from penstock_kubeflow.components import Spec, present

if TYPE_CHECKING:
    from penstock_kubeflow.kubernetes_settings import Settings, Toleration, Volume

RUN_ID = "KFP_RUN_ID"
"""The variable that tells the step the id of its run."""


def kubernetes(options: Options, settings: Settings | None, *, records: bool) -> Spec:
    """The settings of one executor; empty when there are none."""
    found: Spec = present(secretAsEnv=_as_env("secret", _secrets(options.secrets or ())))
    if settings is not None:
        _add(found, settings)
    if records:
        path = "metadata.labels['pipeline/runid']"
        found["fieldPathAsEnv"] = [Flow(name=RUN_ID, fieldPath=path)]
    if options.timeout is not None:
        # A 64-bit number, which JSON writes as text; Kubernetes counts in whole seconds.
        found["activeDeadlineSeconds"] = str(math.ceil(options.timeout))
    return found


def _add(found: Spec, settings: Settings) -> None:
    """Adds what the file of settings says."""
    found |= present(
        configMapAsEnv=_config_maps(settings),
        nodeSelector=Flow(labels=Flow(settings.node_selector)) if settings.node_selector else {},
        tolerations=[_toleration(one) for one in settings.tolerations],
        imagePullSecret=[_named("secret", name) for name in settings.pull_secrets],
        imagePullPolicy=settings.pull_policy,
        podMetadata=present(labels=Flow(settings.labels), annotations=Flow(settings.annotations)),
    )
    for volume in settings.volumes:
        key, value = _volume(volume)
        found.setdefault(key, []).append(value)


def _named(what: str, name: str, **more: Any) -> Spec:
    parameter = Flow(runtimeValue=Flow(constant=name))
    return Flow({f"{what}Name": name, f"{what}NameParameter": parameter, **more})


def _secrets(secrets: Iterable[Secret]) -> dict[str, list[Spec]]:
    by_name: dict[str, list[Spec]] = {}
    for one in secrets:
        by_name.setdefault(one.name, []).append(Flow(secretKey=one.key, envVar=one.env))
    return by_name


def _as_env(what: str, by_name: Mapping[str, list[Spec]]) -> list[Spec]:
    return [
        {**_named(what, name), "keyToEnv": keys, "optional": False}
        for name, keys in by_name.items()
    ]


def _config_maps(settings: Settings) -> list[Spec]:
    found: dict[tuple[str, bool], list[Spec]] = {}
    for one in settings.config_maps:
        keys = found.setdefault((one.name, one.optional), [])
        keys.append(Flow(configMapKey=one.key, envVar=one.env))
    return [
        {**_named("configMap", name), "keyToEnv": keys, "optional": optional}
        for (name, optional), keys in found.items()
    ]


def _toleration(one: Toleration) -> Spec:
    found: Spec = Flow(operator=one.operator)
    for key, value in (("key", one.key), ("value", one.value), ("effect", one.effect)):
        if value is not None:
            found[key] = value
    if one.seconds is not None:
        found["tolerationSeconds"] = str(one.seconds)
    return found


def _volume(one: Volume) -> tuple[str, Spec]:
    if one.claim is not None:
        parameter = Flow(runtimeValue=Flow(constant=one.claim))
        found: Spec = Flow(constant=one.claim, pvcNameParameter=parameter, mountPath=one.path)
        if one.sub_path:
            found["subPath"] = one.sub_path
        return "pvcMount", found
    if one.empty is not None:
        name = "empty" + "".join(c if c.isalnum() else "-" for c in one.path.lower()).rstrip("-")
        return "emptyDirMounts", Flow(volumeName=name[:63], mountPath=one.path, sizeLimit=one.empty)
    more = {"mountPath": one.path, "optional": one.optional}
    if one.secret is not None:
        return "secretAsVolume", _named("secret", one.secret, **more)
    return "configMapAsVolume", _named("configMap", one.config_map or "", **more)


def platform_document(executors: Mapping[str, Spec]) -> Spec:
    """The second document of the file."""
    return {"platforms": {"kubernetes": {"deploymentSpec": {"executors": dict(executors)}}}}
