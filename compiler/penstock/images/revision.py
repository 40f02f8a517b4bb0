"""Which commit an image is made from, as its labels tell it."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

REVISION = "org.opencontainers.image.revision"

_SECONDS = 10
_USER_INFO = re.compile(r"(?<=://)[^/@\s]*@")


def revision(root: Path) -> dict[str, str]:
    """The labels of a git checkout: the commit, and where it comes from; empty outside of git."""
    commit = _git(root, "rev-parse", "HEAD")
    if not commit:
        return {}
    changed = _git(root, "status", "--porcelain", "--untracked-files=no")
    labels = {REVISION: commit + "-dirty" * bool(changed)}
    remote = _git(root, "config", "--get", "remote.origin.url")
    if remote:
        # A remote may carry a user and a token.
        labels["org.opencontainers.image.source"] = _USER_INFO.sub("", remote)
    return labels


def _git(root: Path, *arguments: str) -> str:
    try:
        found = subprocess.run(  # noqa: S603 - a fixed command, no shell
            ["git", "--no-optional-locks", "-C", str(root), *arguments],  # noqa: S607
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return found.stdout.decode("utf-8", "replace").strip() if found.returncode == 0 else ""
