"""Which process writes, and whether that process still lives: told on its own machine only."""

import os
from typing import Any

_BOOT = "/proc/sys/kernel/random/boot_id"
_NAMESPACE = "/proc/self/ns/pid"
_SLACK = 5.0


def this_process() -> dict[str, Any]:
    """`host`, `pid` and `boot` for a record: enough to find this process again."""
    return {"host": os.uname().nodename, "pid": os.getpid(), "boot": _boot()}


def lives(host: str, pid: int, boot: str, seconds: float) -> bool | None:
    """Whether a process that lived so many seconds ago still does; None: not to be told here."""
    # Host names repeat: only this start of this machine, and this container, is surely the same.
    if pid < 1 or host != os.uname().nodename or boot != _boot():
        return None
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:  # another user's
        pass
    age = _age(pid)
    return None if age is None else age + _SLACK >= seconds  # else its number was given again


def _boot() -> str:
    """This start of the machine and the container in it, whose process numbers are its own."""
    try:
        with open(_BOOT, encoding="ascii") as file:
            return f"{file.read().strip()}/{os.stat(_NAMESPACE).st_ino}"
    except OSError:
        return ""


def _age(pid: int) -> float | None:
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            # Its name, in parentheses, may hold spaces.
            started = int(file.read().rpartition(")")[2].split()[19])
        with open("/proc/uptime", encoding="ascii") as file:
            return float(file.read().split()[0]) - started / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError):
        return None
