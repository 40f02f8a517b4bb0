"""Locks requirements: every package that they need, in one exact version, with its digests."""

from __future__ import annotations

import hashlib
import json
import re
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement

from penstock.images.index_settings import IndexSettings
from penstock.images.lock_file import read_lock
from penstock.images.platforms import uv_platform
from penstock.images.requirement_errors import CannotLock, UvFailed
from penstock.images.unsolvable import unsolvable
from penstock.images.uv import run_uv
from penstock.images.uv_environment import uv_environment

_MARK = "# inputs: sha256:"


@dataclass(frozen=True)
class LockInputs:
    """All that a lock depends on: texts as pip reads them, "3.11", and "linux/amd64"."""

    requirements: tuple[str, ...]
    constraints: tuple[str, ...]
    python: str
    platform: str

    @property
    def digest(self) -> str:
        """Stands for all of it; the order of requirements does not matter."""
        asked = [sorted({" ".join(one.split()) for one in self.requirements})]
        asked += [sorted({" ".join(one.split()) for one in self.constraints})]
        text = json.dumps([*asked, self.python, self.platform])
        return hashlib.sha256(text.encode()).hexdigest()


def is_current(text: str, inputs: LockInputs) -> bool:
    """Whether a lock file was made from these inputs; what was edited in it by hand stays."""
    return f"\n{_MARK}{inputs.digest}\n" in f"\n{text.replace(chr(13), '')}\n"


def locked(
    inputs: LockInputs,
    settings: IndexSettings,
    listen: Callable[[str], None],
    *,
    previous: str = "",
    exact: Mapping[str, str] | None = None,
) -> str:
    """The text of a lock file.

    Versions of the lock `previous` are kept where they still fit. Those of `exact`, by name, must
    be taken; they are no inputs of the lock, which stays current when they change. Raises
    `CannotLock`, which names the requirements to blame.
    """
    for one in (*inputs.requirements, *inputs.constraints):
        _check(one)
    limits = [f"{name}=={version}" for name, version in sorted((exact or {}).items())]
    limits = [*inputs.constraints, *limits]
    body = _resolved(inputs, limits, settings, listen, previous) if inputs.requirements else ""
    read_lock(body)  # what we write, we can read
    return (
        f"# The packages of a step image, for {inputs.platform} and Python {inputs.python}.\n"
        "# Review this file and commit it; `penstock build --lock` makes it anew.\n"
        f"{_MARK}{inputs.digest}\n{body}"
    )


def _resolved(
    inputs: LockInputs,
    limits: list[str],
    settings: IndexSettings,
    listen: Callable[[str], None],
    previous: str,
) -> str:
    command = [*("pip", "compile", "--generate-hashes", "--no-header", "--no-emit-index-url")]
    command += ["--python-version", inputs.python]
    command += ["--python-platform", uv_platform(inputs.platform), "requirements"]
    # Relative names, because uv writes them into the lock, as those who ask for a package.
    with (
        tempfile.TemporaryDirectory(prefix="penstock-") as name,
        uv_environment(settings) as environment,
    ):
        folder = Path(name)
        Path(folder, "requirements").write_text("\n".join(inputs.requirements), encoding="utf-8")
        if limits:
            Path(folder, "constraints").write_text("\n".join(limits), encoding="utf-8")
            command += ["--constraint", "constraints"]
        if previous:
            kept = "\n".join(str(one) for one in read_lock(previous))
            Path(folder, "lock").write_text(kept, encoding="utf-8")
        try:
            run_uv([*command, "--output-file", "lock"], environment, listen, folder)
        except UvFailed as failure:
            asked = (*inputs.requirements, *limits)
            raise unsolvable(failure, asked) from None
        text = Path(folder, "lock").read_text(encoding="utf-8")
    text = re.sub(r"\n    #   -c constraints$", "", text, flags=re.MULTILINE)
    return re.sub(r"-r requirements$", "the steps", text, flags=re.MULTILINE)


def _check(text: str) -> None:
    """One requirement per text: an option, a file or a URL would change what a lock is."""
    try:
        requirement = Requirement(text)
    except InvalidRequirement as error:
        why = str(error).partition("\n")[0]
        raise CannotLock(f"{text!r} is no requirement: {why}", (text,)) from None
    if requirement.url is not None:
        raise CannotLock(
            f"{requirement.name} comes from a URL or file, which cannot be locked",
            (text,),
            "name a version, and the index that has it",
        )
