"""What has changed in the environment of a step, in words."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from penstock_runtime.reference import list_or_empty, object_or_empty

_SHOWN = 3
_ONE_BY_ONE = ("image", "base", "python", "platform", "penstock")


def environment_of(step: str, started: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a step ran in, by the first record of its run."""
    for image in map(object_or_empty, list_or_empty(started.get("images"))):
        if step in list_or_empty(image.get("steps")):
            return image
    return object_or_empty(started.get("environment"))


def environment_change(
    then: Mapping[str, Any],
    now: Mapping[str, Any],
    installed: Callable[[object], Mapping[str, str]],
) -> str:
    """The difference of two environments; `installed` reads a list of packages by its digest."""
    if _is_image(then) != _is_image(now):
        return "it runs in an image now" if _is_image(now) else "it ran in an image before"
    for name in _ONE_BY_ONE:
        if then.get(name) != now.get(name):
            return f"{name} has changed from {then.get(name)} to {now.get(name)}"
    if then.get("id") != now.get("id"):
        return f"what is in the image {now['image']} has changed"
    if not _is_image(now):
        return _installed(installed(then.get("packages")), installed(now.get("packages")))
    debian = [dict.fromkeys(list_or_empty(one.get("packages")), "") for one in (then, now)]
    if debian[0] != debian[1]:
        return _installed(*debian)
    return _installed(*(_pins(list_or_empty(one.get("requires"))) for one in (then, now)))


def _is_image(environment: Mapping[str, Any]) -> bool:
    return "implementation" not in environment


def _pins(requires: Iterable[Any]) -> dict[str, str]:
    parts = [str(one).partition("==") for one in requires]
    return {name: version for name, _, version in parts}


def _installed(old: Mapping[str, str], new: Mapping[str, str]) -> str:
    packages = _package_changes(old, new)
    shown = ", ".join(packages[:_SHOWN])
    more = f" and {len(packages) - _SHOWN} more" if len(packages) > _SHOWN else ""
    return f"what is installed has changed: {shown}{more}"


def _package_changes(old: Mapping[str, str], new: Mapping[str, str]) -> list[str]:
    changes: list[str] = []
    for name in sorted({*old, *new}):
        if name not in old:
            changes.append(f"{name} {new[name]}".rstrip() + " is new")
        elif name not in new:
            changes.append(f"{name} is gone")
        elif old[name] != new[name]:
            changes.append(f"{name} {old[name]} is now {new[name]}")
    return changes or ["the list is not known any more"]
