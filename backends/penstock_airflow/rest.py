"""Airflow's REST API: v2 of Airflow 3, v1 of Airflow 2. Whatever goes wrong is one sentence."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from penstock import rest
from penstock.rest import Answer, Lost, NotThere, Refused, Rest, Server, read_token
from penstock.submitting import SubmitError
from penstock_airflow.answers import Fault, Token, Version

__all__ = ["Api", "Lost", "NotThere", "Refused", "checked_host"]

TOKEN, USER, PASSWORD = (
    "PENSTOCK_AIRFLOW_TOKEN",
    "PENSTOCK_AIRFLOW_USER",
    "PENSTOCK_AIRFLOW_PASSWORD",
)
_CREDENTIALS = f"set {TOKEN}, or {USER} and {PASSWORD}"
_A = TypeVar("_A", bound=Answer)


class Api:
    """The API of one server, after it has told its version and taken our credentials."""

    def __init__(self, host: str, token_file: Path | None = None) -> None:
        self._rest = Rest(host, Server("Airflow", _CREDENTIALS, _said))
        self.host = self._rest.host
        self._token = read_token(token_file, TOKEN)
        self.version, self.root = self._found()
        self._sign_in()

    @property
    def two(self) -> bool:
        """Whether it is Airflow 2."""
        return self.root.endswith("/v1")

    def get(self, path: str, kind: type[_A], **query: str | int) -> _A:
        """An answer; tried again a few times. Raises `SubmitError`."""
        return self._rest.get(self.root + path, kind, query)

    def text(self, path: str, **query: str | int) -> str:
        """An answer as plain text, such as a log. Raises `SubmitError`."""
        accept = "text/plain" if self.two else "application/x-ndjson"
        return self._rest.tried("GET", self.root + path, query=query, accept=accept).text

    def post(self, path: str, body: Mapping[str, Any], kind: type[_A]) -> _A:
        """Sent once, since a second one may do it twice. Raises `SubmitError`."""
        return self._rest.post(self.root + path, body, kind)

    def patch(self, path: str, body: Mapping[str, Any]) -> None:
        """Sent once. Raises `SubmitError`."""
        self._rest.sent("PATCH", self.root + path, body=body)

    def _found(self) -> tuple[str, str]:
        for version in ("v2", "v1"):
            root = f"{self.host}/api/{version}"
            try:
                told = self._rest.get(f"{root}/version", Version)
            except NotThere:
                continue
            return told.version, root
        raise SubmitError(
            f"{self.host} is no Airflow: it has neither /api/v2 nor /api/v1; check --host"
        )

    def _sign_in(self) -> None:
        user, password = os.environ.get(USER), os.environ.get(PASSWORD)
        if self._token is None and user and not self.two:
            body = {"username": user, "password": password or ""}
            self._token = self._rest.post(f"{self.host}/auth/token", body, Token).access_token
        if self._token is not None:
            self._rest.session.headers["Authorization"] = f"Bearer {self._token}"
        elif user:
            self._rest.session.auth = (user, password or "")


def checked_host(host: str) -> str:
    """The address without a slash at its end. Raises `WrongRequest`."""
    return rest.checked_host(host, _CREDENTIALS)


def _said(content: bytes) -> str:
    try:
        told = Fault.model_validate_json(content)
    except ValidationError:
        return ""
    return told.detail if isinstance(told.detail, str) else str(told.detail or told.title or "")
