"""What `scripts/engine.sh` asks: `python tests/engine_ready.py engine|registry|base`.

Exits with 0 when it answers, or the engine has the base; else says why, in one line.
"""

import gc
import os
import platform
import shutil
import sys
import urllib.request
import warnings
from collections.abc import Callable, Mapping
from contextlib import closing

REGISTRY = "127.0.0.1:5000"
USUAL = "unix:///var/run/docker.sock"


def why_no_engine() -> str | None:
    """Why the engine at DOCKER_HOST does not answer; None when it does."""
    import docker
    import docker.errors
    import requests

    host, why = os.environ.get("DOCKER_HOST", USUAL), None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # the SDK forgets a socket that fails
        try:
            with closing(docker.from_env(timeout=10)) as client:
                client.ping()
        except (docker.errors.DockerException, requests.RequestException, OSError) as error:
            why = f"nothing answers at {host} ({str(_first(error)).splitlines()[0]})"
        gc.collect()
    return why


def why_no_registry() -> str | None:
    """Why the registry does not answer; None when it does."""
    try:
        with urllib.request.urlopen(f"http://{REGISTRY}/v2/", timeout=10) as answer:
            version = answer.headers.get("Docker-Distribution-Api-Version")
    except OSError as error:
        return f"nothing answers at {REGISTRY} ({error})"
    return None if version else f"what answers at {REGISTRY} is not a registry"


def why_no_base() -> str | None:
    """Make the base where the engine does not have it; why that cannot be."""
    from base_image import BASE, make_base

    if platform.system() != "Linux":
        return (
            f"the base image is made of this machine's Python, and {platform.system()} is not Linux"
        )
    if missing := [name for name in ("dash", "ldd", "strip") if shutil.which(name) is None]:
        return f"{', '.join(missing)} cannot be found; on Debian: apt-get install binutils"
    if make_base():
        print(f"penstock: made the image {BASE}", file=sys.stderr)
    return None


def _first(error: BaseException) -> BaseException:
    """What the SDK wraps three times: that a file does not exist, or may not be read."""
    return _first(error.__context__) if error.__context__ and str(error.__context__) else error


QUESTIONS: Mapping[str, Callable[[], str | None]] = {
    "engine": why_no_engine,
    "registry": why_no_registry,
    "base": why_no_base,
}

if __name__ == "__main__":
    for question in sys.argv[1:]:
        if why := QUESTIONS[question]():
            sys.exit(why)
