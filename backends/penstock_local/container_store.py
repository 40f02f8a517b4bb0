"""How a container reaches the store: a folder is mounted, a bucket is asked over the network."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from penstock.runner import CannotRun
from penstock_runtime.errors import StoreError
from penstock_runtime.places import Bucketed, find_place

_ELSEWHERE = Path("/store")
_OF_IMAGES = frozenset(
    map(Path, ("/", "/app", "/dev", "/etc", "/lib", "/lib64", "/opt", "/root", "/tmp", "/usr"))  # noqa: S108
)
_FILES = ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE")


@dataclass(frozen=True)
class Access:
    """The store as a container sees it; `folder` is what it is on this machine.

    `environment` gives credentials that are good now: they may only travel inside a request.
    """

    store: str
    folder: str | None = None
    environment: Callable[[], Mapping[str, str]] = dict[str, str]
    on_this_machine: bool = False
    """The bucket is served here: only in this machine's own network it is found."""


def access_to(store: str) -> Access:
    """Raises `CannotRun` for stores that containers do not reach."""
    place = find_place(store)
    if isinstance(place, Path):
        # Mounted at its own place, so that messages and records name it as everywhere else.
        inside = _ELSEWHERE if place in _OF_IMAGES else place
        return Access(str(inside), folder=str(place))
    if place.protocol != "s3":
        raise CannotRun(f"steps in containers reach a store in a folder or in S3, not {place.url}")
    return _in_s3(place)


def _in_s3(place: Bucketed) -> Access:
    """The caller's own settings, looked up here: files and tokens of this machine stay here."""
    # The library comes with the one that speaks to the store, and has no types.
    session: Any = import_module("botocore.session").get_session()

    errors = import_module("botocore.exceptions")

    def now() -> dict[str, str]:
        try:
            return _settings(session)
        except errors.BotoCoreError as error:
            raise StoreError(f"there are no credentials for {place.url}: {error}") from None

    found = now()
    served = found.get("AWS_ENDPOINT_URL_S3") or found.get("AWS_ENDPOINT_URL") or ""
    return Access(place.url, environment=now, on_this_machine=_is_here(served))


def _settings(session: Any) -> dict[str, str]:
    given = {
        name: value
        for name, value in os.environ.items()
        if name.startswith(("AWS_", "FSSPEC_S3")) and name not in _FILES
    }
    found = session.get_credentials()
    if found is not None:
        frozen = found.get_frozen_credentials()  # renewed where they are short of their end
        given |= {
            "AWS_ACCESS_KEY_ID": frozen.access_key,
            "AWS_SECRET_ACCESS_KEY": frozen.secret_key,
        }
        given.pop("AWS_SESSION_TOKEN", None)
        if frozen.token:
            given["AWS_SESSION_TOKEN"] = frozen.token
    if region := session.get_config_variable("region"):
        given["AWS_DEFAULT_REGION"] = region
    if endpoint := session.get_scoped_config().get("endpoint_url"):
        given.setdefault("AWS_ENDPOINT_URL", endpoint)
    return given


def _is_here(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
