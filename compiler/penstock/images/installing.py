"""Installs the packages of a lock for an image into a folder, on this machine."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from email.parser import HeaderParser
from pathlib import Path

from penstock.images.interpreters import Interpreter
from penstock.images.lock_file import Pin
from penstock.images.platforms import uv_platform
from penstock.images.requirement_errors import CannotInstall, UvFailed
from penstock.images.uv import run_uv

_NO_WHEEL = re.compile(r"([A-Za-z0-9._-]+)==(\S+) has no usable wheels")
_DIFFERS = re.compile(r"Hash mismatch for `([^`]+)`")
_MACHINE_CODE = {".so", ".pyd", ".dylib", ".dll", ".a"}


def install(
    pins: Sequence[Pin],
    target: Path,
    python: str,
    platform: str,
    interpreter: Interpreter,
    environment: Mapping[str, str],
    listen: Callable[[str], None],
) -> None:
    """Put the packages into `target`, an empty folder beside which the lock is written.

    A package without a wheel is built here, if what it builds runs on every platform. Raises
    `CannotInstall`.
    """
    lock = target.with_name(f"{target.name}.lock")
    # Only what was read: no line of a hand-edited lock reaches uv by another way.
    lock.write_text("\n".join(str(one) for one in pins), encoding="utf-8")
    command = [*("pip", "install", "--no-deps", "--require-hashes", "--only-binary", ":all:")]
    command += ["--target", target.name, "--python", interpreter.executable]
    command += ["--python-version", python, "--python-platform", uv_platform(platform)]
    command += ["--requirements", lock.name]
    built: list[str] = []
    while True:
        for name in built:
            command += ["--no-binary", name]
        try:
            run_uv(command, environment, listen, target.parent)
            break
        except UvFailed as failure:
            found = _NO_WHEEL.search(failure.words)
            if found is None or found[1] in built:
                raise _explained(failure, built, python, platform) from None
            built.append(found[1])
    for name in built:
        if not _is_portable(target, name):
            raise CannotInstall(_lacking(name, pins, python, platform))


def _explained(
    failure: UvFailed, built: Sequence[str], python: str, platform: str
) -> CannotInstall:
    differs = _DIFFERS.search(failure.words)
    if differs:
        return CannotInstall(
            f"what the package index has as {differs[1]} for {platform} and Python {python} "
            "is none of the files in the lock: its digest differs"
        )
    lines = failure.words.split("\n")
    broken = next((name for name in built if f"`{name}==" in lines[0]), "")
    if broken:
        return CannotInstall(
            f"{broken} has no wheel for {platform} and Python {python}, and building it failed: "
            f"{lines[-1]}"
        )
    causes = [one for one in lines if not one.startswith("hint:")]
    return CannotInstall(": ".join(dict.fromkeys([causes[0], causes[-1]])))


def _lacking(name: str, pins: Sequence[Pin], python: str, platform: str) -> str:
    version = next((one.version for one in pins if one.name == name), "")
    return (
        f"{name} {version} has no wheel for {platform} and Python {python}, and holds machine "
        "code: choose a version that has one, or a base image that brings the package"
    )


def _is_portable(target: Path, name: str) -> bool:
    """Whether what was built from a source distribution is Python and data only."""
    for info in target.glob("*.dist-info"):
        metadata = HeaderParser().parsestr((info / "METADATA").read_text(encoding="utf-8"))
        if re.sub(r"[-_.]+", "-", str(metadata["Name"])).lower() != name:
            continue
        wheel = HeaderParser().parsestr((info / "WHEEL").read_text(encoding="utf-8"))
        record = (info / "RECORD").read_text(encoding="utf-8").splitlines()
        suffixes = {Path(line.rsplit(",", 2)[0].strip('"')).suffix for line in record}
        pure = str(wheel["Root-Is-Purelib"]).strip().lower() == "true"
        return pure and not suffixes & _MACHINE_CODE
    return False
