"""The platforms that images are made for, and what uv calls them."""

from __future__ import annotations

from penstock.images.requirement_errors import RequirementsError

# Debian since 11, Ubuntu since 20.04, RHEL since 8; most packages build their wheels for it.
_UV = {
    "linux/amd64": "x86_64-manylinux_2_28",
    "linux/arm64": "aarch64-manylinux_2_28",
}


def uv_platform(platform: str) -> str:
    """What uv calls a platform of Docker."""
    if platform not in _UV:
        raise RequirementsError(f"images are made for {' and '.join(_UV)}, not for {platform!r}")
    return _UV[platform]
