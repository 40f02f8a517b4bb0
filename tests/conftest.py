"""What every test needs: the same surroundings on every machine, and a budget of examples."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from engine_notes import set_docker_host
from hypothesis import HealthCheck, settings
from s3_servers import moto_server, rclone_server

__all__ = ["moto_server", "rclone_server"]

LONG = os.environ.get("PENSTOCK_LONG") == "1"

# Settings of the developer that would change what penstock, Airflow, git or rich do under test.
FOREIGN = (
    "AIRFLOW",
    "AWS_",
    "DOCKER_",
    "FSSPEC_",
    "GIT_",
    "KFP_",
    "KF_PIPELINES_",
    "OTEL_",
    "PENSTOCK_",
)
FOREIGN_NAMES = {
    *(
        "CLICOLOR",
        "CLICOLOR_FORCE",
        "COLUMNS",
        "FORCE_COLOR",
        "GITHUB_ACTIONS",
        "LINES",
        "NO_COLOR",
    ),
    *("PYTHONDONTWRITEBYTECODE", "PYTHONPATH", "PYTHONWARNINGS", "TTY_COMPATIBLE"),
}
KEPT = {
    *("DOCKER_CERT_PATH", "DOCKER_HOST", "DOCKER_TLS_VERIFY", "GIT_SSL_CAINFO", "GIT_SSL_CAPATH"),
    *("PENSTOCK_LONG", "PENSTOCK_NEEDS_ENGINE", "PENSTOCK_UPDATE_GOLDENS"),
}

# No deadline: how busy the machine is says nothing. The short budget is the same on every run.
settings.register_profile("short", max_examples=30, deadline=None, derandomize=True)
settings.register_profile(
    "long", max_examples=1000, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("long" if LONG else "short")


def pytest_configure() -> None:
    """Clear the surroundings before any test module is imported."""
    for name in list(os.environ):
        if name not in KEPT and (name in FOREIGN_NAMES or name.startswith(FOREIGN)):
            del os.environ[name]
    set_docker_host()


@pytest.fixture(scope="session", autouse=True)
def own_surroundings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep the user's caches and git settings out of reach; both also differ between machines."""
    caches = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    with pytest.MonkeyPatch.context() as patch:
        # Downloads are worth sharing: uv checks the digest of what it takes from there.
        patch.setenv("UV_CACHE_DIR", os.environ.get("UV_CACHE_DIR", f"{caches}/uv"))
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        patch.setenv("DOCKER_CONFIG", str(tmp_path_factory.mktemp("docker")))  # holds logins
        patch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
        patch.setenv("GIT_CONFIG_NOSYSTEM", "1")
        for role in ("AUTHOR", "COMMITTER"):
            patch.setenv(f"GIT_{role}_NAME", "A Developer")
            patch.setenv(f"GIT_{role}_EMAIL", "developer@example.org")
        yield
