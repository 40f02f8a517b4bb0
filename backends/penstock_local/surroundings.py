"""What surrounds a run: the state of the project's git, and what is installed."""

from __future__ import annotations

import getpass
import os
import platform
import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from penstock_runtime.hashing import hash_bytes
from penstock_runtime.store import Store, canonical_json

_SECONDS = 10
_LARGEST_PATCH = 4 << 20
_MOST_NAMES = 50
_DIFF = ("--binary", "--no-color", "--no-ext-diff", "--no-textconv")
_NO_SECRETS = (":(top,exclude,glob)**/.env", ":(top,exclude,glob)**/.env.*")
"""Files of secrets are looked at by nobody, even if git has them."""
_USER_INFO = re.compile(r"(?<=://)[^/@\s]*@")


class Git:
    """Asks git about a folder; the questions run while other work is done."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._asked = (
            []
            if not _may_have_git(root)
            else [
                _git(root, "rev-parse", "HEAD"),
                _git(root, "diff", "HEAD", *_DIFF, "--", ":/", *_NO_SECRETS),
                _git(root, "config", "--get", "remote.origin.url"),
                # A patch does not hold new files: they are named, and the run keeps a copy.
                _git(root, "ls-files", "--others", "--exclude-standard", "-z", "--", "*.py"),
            ]
        )

    def facts(self, store: Store, secrets: Iterable[str]) -> dict[str, object] | None:
        """Commit, remote, and what was changed or added since; None outside of git."""
        if not self._asked:
            return None
        commit, patch, remote, added = (_answer(one) for one in self._asked)
        if commit is None:
            return None
        facts: dict[str, object] = {
            "commit": commit.decode("ascii", "replace").strip(),
            "dirty": bool(patch or added),
        }
        if added:
            names = added.decode("utf-8", "replace").split("\0")[:-1]
            facts["untracked"] = names[:_MOST_NAMES]
        if remote:
            # A remote may carry a user and a token.
            facts["remote"] = _USER_INFO.sub("", remote.decode("utf-8", "replace").strip())
        leaks = patch is not None and any(secret.encode() in patch for secret in secrets)
        if patch and not leaks and len(patch) <= _LARGEST_PATCH:
            facts["patch"] = store.put_bytes(patch).digest
        return facts


def _may_have_git(root: Path) -> bool:
    """Whether it is worth asking: a project outside of git starts no process."""
    place = root.absolute()
    return "GIT_DIR" in os.environ or any(
        (one / ".git").exists() for one in (place, *place.parents)
    )


def _git(root: Path, *arguments: str) -> subprocess.Popen[bytes] | None:
    # GIT_OPTIONAL_LOCKS: looking must not write to the user's repository.
    environment = {**os.environ, "GIT_OPTIONAL_LOCKS": "0"}
    try:
        return subprocess.Popen(  # noqa: S603 - a fixed command, no shell
            ["git", "-C", str(root), *arguments],  # noqa: S607 - the user's own git
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
        )
    except OSError:
        return None


def _answer(asked: subprocess.Popen[bytes] | None) -> bytes | None:
    if asked is None:
        return None
    try:
        out, _ = asked.communicate(timeout=_SECONDS)
    except subprocess.TimeoutExpired:
        asked.kill()
        asked.communicate()
        return None
    return out if asked.returncode == 0 else None


def environment_facts(store: Store | None) -> dict[str, object]:
    """Python, the machine, and the digest of the list of what is installed, which is stored."""
    packages = canonical_json(installed())
    blob = store.put_bytes(packages) if store is not None else hash_bytes(packages)
    return {
        "python": platform.python_version(),
        "implementation": sys.implementation.name,
        "platform": f"{sys.platform}-{os.uname().machine}",
        "packages": blob.digest,
    }


def installed() -> list[str]:
    """`name-version` of every distribution, from the names of their folders: no file is read."""
    found: set[str] = set()
    for folder in sys.path:
        try:
            names = os.listdir(folder or ".")
        except OSError:
            continue
        found.update(
            name.rsplit(".", 1)[0] for name in names if name.endswith((".dist-info", ".egg-info"))
        )
    return sorted(found)


def user() -> str:
    """Who runs; empty where the system does not know."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""
