"""What `scripts/engine.sh` left word of: where the Docker engine is, or why there is none."""

import os
from pathlib import Path

NOTES = Path(__file__).resolve().parents[1] / ".envs/engine/environment"


def noted(name: str) -> str:
    """DOCKER_HOST, NO_ENGINE or NO_REGISTRY; empty where nothing is said of it."""
    lines = NOTES.read_text("utf-8").splitlines() if NOTES.exists() else []
    return dict(line.split("=", 1) for line in lines).get(name, "")


def set_docker_host() -> None:
    """Let everybody find that engine, unless the user names one."""
    if address := noted("DOCKER_HOST"):
        os.environ.setdefault("DOCKER_HOST", address)
