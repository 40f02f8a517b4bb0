"""The PlatformSpec, which the backend drops without a word when it cannot read it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from penstock_kubeflow.verifier.faults import Fault, Where
from penstock_kubeflow.verifier.shape import misshapen
from penstock_kubeflow.verifier.view import Data, View, get, listed

_POLICIES = ("Always", "IfNotPresent", "Never")
_EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")
_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")
_NAMED = {
    "secretAsEnv": "secretName",
    "secretAsVolume": "secretName",
    "imagePullSecret": "secretName",
    "configMapAsEnv": "configMapName",
    "configMapAsVolume": "configMapName",
}


def check_platform(view: View, platform: Data) -> Iterator[Fault]:
    """Everything about the second document."""
    for name, one in get(platform, "platforms").items():
        where: Where = ("platforms", name)
        if name != "kubernetes":
            yield Fault(
                where, f"no backend reads the platform {name!r}", "write kubernetes", document=1
            )
            continue
        for label, settings in get(get(one, "deploymentSpec"), "executors").items():
            at = (*where, "deploymentSpec", "executors", label)
            if label not in view.executors:
                yield Fault(at, f"the executor {label!r} is not there", "name one", document=1)
            wrong = list(misshapen(settings, "KubernetesExecutorConfig", at, document=1))
            yield from wrong
            if not wrong:
                yield from _settings(at, settings)


def _settings(where: Where, settings: Data) -> Iterator[Fault]:
    policy = settings.get("imagePullPolicy")
    if policy is not None and policy not in _POLICIES:
        yield Fault(
            (*where, "imagePullPolicy"),
            f"{policy!r} is no pull policy",
            f"use one of {', '.join(_POLICIES)}",
            document=1,
        )
    for key, field in _NAMED.items():
        for one in listed(settings, key):
            name: Any = one.get(field)
            if not name and not one.get(f"{field}Parameter"):
                yield Fault((*where, key), f"{key} names nothing", f"give {field}", document=1)
            elif name and "{{" not in name and not _NAME.fullmatch(name):
                yield Fault(
                    (*where, key),
                    f"Kubernetes has no {name!r}",
                    "use lower-case letters, digits, '-' and '.'",
                    document=1,
                )
            if key.endswith("Volume") and not str(one.get("mountPath", "")).startswith("/"):
                yield Fault((*where, key), f"{key} has no mountPath", "give a path", document=1)
    for one in listed(settings, "tolerations"):
        if one.get("effect") and one["effect"] not in _EFFECTS:
            yield Fault(
                (*where, "tolerations"),
                f"{one['effect']!r} is no effect",
                f"use one of {', '.join(_EFFECTS)}",
                document=1,
            )
    seconds = settings.get("activeDeadlineSeconds")
    if seconds is not None and float(seconds) <= 0:
        yield Fault(
            (*where, "activeDeadlineSeconds"),
            "the deadline is over at once",
            "use 1 or more",
            document=1,
        )
