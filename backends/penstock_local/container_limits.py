"""What a container may use: memory, processors, processes, and what it may not do at all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from penstock.ir.nodes import Resources
from penstock.ir.quantities import read_bytes, read_cores

_MOST_PROCESSES = 4096  # threads count; no step needs more, and a fork bomb ends there
_LEAST_CORES = 0.01  # what the engine accepts
_SCRATCH = "rw,exec,nosuid,nodev,mode=1777"  # exec: compilers of kernels load what they write


@dataclass(frozen=True)
class Machine:
    """What the engine's machine has, and how the engine runs containers."""

    cores: float
    memory: int
    rootless: bool = False
    remapped: bool = False
    selinux: bool = False
    podman: bool = False

    @classmethod
    def of(cls, info: dict[str, Any], *, podman: bool = False) -> Machine:
        """Read from what the engine says of itself."""
        security = [str(one) for one in info.get("SecurityOptions") or ()]
        return cls(
            cores=float(info.get("NCPU") or 1),
            memory=int(info.get("MemTotal") or 0),
            rootless=any("name=rootless" in one for one in security),
            remapped=any("name=userns" in one for one in security),
            selinux=any("name=selinux" in one for one in security),
            podman=podman,
        )


def limits(asked: Resources | None, machine: Machine) -> dict[str, Any]:
    """Arguments of the engine's host configuration; memory that is asked for is all there is."""
    found: dict[str, Any] = {
        "read_only": True,
        "cap_drop": ["ALL"],
        "security_opt": [
            "no-new-privileges",
            *(["label=disable"] if machine.selinux else []),  # else the store is out of reach
        ],
        "pids_limit": _MOST_PROCESSES,
        "userns_mode": "host" if machine.remapped else None,
        # What a step prints goes to the run's record, and may hold a secret until then.
        "log_config": {"Type": "none", "Config": {}},
    }
    if machine.podman:  # its own limit would need a right that it may lack
        found["ulimits"] = [{"name": "nofile", "soft": 1024, "hard": 1024}]
    memory = read_bytes(asked.memory) if asked is not None and asked.memory else None
    if memory is not None:
        found |= {"mem_limit": memory, "memswap_limit": memory}
    if asked is not None and asked.cpu is not None:
        # The engine refuses more than there is; that there is less is told before the run.
        cores = max(min(read_cores(asked.cpu), machine.cores), _LEAST_CORES)
        found["nano_cpus"] = int(cores * 1e9)
    if asked is None or not asked.disk:  # else /tmp is on the disk
        found["tmpfs"] = {"/tmp": _SCRATCH}  # noqa: S108 - inside a container
    # Workers of data loaders share memory; the engine's own 64 MB are soon full.
    if shared := memory or machine.memory // 2:
        found["shm_size"] = shared
    if asked is not None and asked.gpu:
        found["device_requests"] = [{"Count": int(asked.gpu), "Capabilities": [["gpu"]]}]
    return found
