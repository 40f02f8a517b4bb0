"""The environment that requirements are read for: that of the image, not of this machine."""

from __future__ import annotations

from packaging.markers import Marker


def target_environment(python: str, platform: str) -> dict[str, str]:
    """The variables of PEP 508 in an image, for `3.11` and `linux/amd64`."""
    return {
        "implementation_name": "cpython",
        "implementation_version": f"{python}.0",
        "os_name": "posix",
        "platform_machine": "aarch64" if platform.endswith("arm64") else "x86_64",
        "platform_python_implementation": "CPython",
        "platform_release": "",
        "platform_system": "Linux",
        "platform_version": "",
        "python_full_version": f"{python}.0",
        "python_version": python,
        "sys_platform": "linux",
    }


def holds(marker: Marker | None, environment: dict[str, str], extras: frozenset[str]) -> bool:
    """Whether a requirement counts there, for one of the extras or without any."""
    if marker is None:
        return True
    return any(marker.evaluate({**environment, "extra": one}) for one in ("", *sorted(extras)))
