"""What this machine has, or what the container around this process allows of it."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

_ROOT = Path("/")


def cpus(root: Path = _ROOT) -> float:
    """How many CPUs this process may use, fractions included."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    found = [float(usable or 1)]
    for folder in _groups(root, "cpu"):
        share = _numbers(folder, "cpu.max") or _numbers(
            folder, "cpu.cfs_quota_us", "cpu.cfs_period_us"
        )
        if len(share) == 2 and min(share) > 0:
            found.append(share[0] / share[1])
    return min(found)


def memory(root: Path = _ROOT) -> int | None:
    """How many bytes of memory this process may use; None where the system does not tell."""
    found: list[int] = []
    if "SC_PHYS_PAGES" in os.sysconf_names:
        found.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    for folder in _groups(root, "memory"):
        for name in ("memory.max", "memory.limit_in_bytes"):
            found += _numbers(folder, name)
    return min(found, default=None)


def disk(store: str = "") -> int:
    """How many bytes are free where a local store is, or else where temporary files go."""
    local = store.removeprefix("file://")
    place = Path(local) if store and "://" not in local else Path(tempfile.gettempdir())
    while not place.exists() and place != place.parent:
        place = place.parent
    return shutil.disk_usage(place).free


def gpus(root: Path = _ROOT) -> int:
    """How many GPUs of NVIDIA there are; others are not counted."""
    return len(list((root / "dev").glob("nvidia[0-9]*")))


def _groups(root: Path, controller: str) -> Iterator[Path]:
    """The control groups around this process, of either version of Linux' interface."""
    base = root / "sys" / "fs" / "cgroup"
    try:
        lines = (root / "proc" / "self" / "cgroup").read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, names, path = line.split(":", 2)
        if names and controller not in names.split(","):
            continue
        top = base / controller if names else base
        inner = top / path.lstrip("/")
        # A container is shown its own group as the top one, whatever the path says.
        yield from (one for one in (inner, *inner.parents) if one == top or top in one.parents)


def _numbers(folder: Path, *names: str) -> list[int]:
    """The numbers in small files; nothing for `max`, and for files that are not there."""
    try:
        words = [word for name in names for word in (folder / name).read_text().split()]
    except OSError:
        return []
    return [int(word) for word in words] if "max" not in words else []
