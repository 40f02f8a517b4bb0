"""Kubeflow's REST API, v2beta1. Whatever goes wrong is one sentence."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from penstock import rest
from penstock.rest import Answer, NotThere, Rest, Server, read_token
from penstock.submitting import SubmitError
from penstock_kubeflow.answers import Fault, Health

TOKEN = "PENSTOCK_KUBEFLOW_TOKEN"  # noqa: S105 - the name of a variable
IN_CLUSTER = "KF_PIPELINES_SA_TOKEN_PATH"
"""The variable in which a pod finds the file of its token, as kfp's own client has it."""

_POD_TOKEN = Path("/var/run/secrets/kubeflow/pipelines/token")
_CREDENTIALS = f"set {TOKEN}"
_A = TypeVar("_A", bound=Answer)


class Api:
    """The API of one server; the token is read anew for each client, since those of pods expire."""

    def __init__(self, host: str, token_file: Path | None = None) -> None:
        self._rest = Rest(host, Server("Kubeflow", _CREDENTIALS, _said))
        self.host = self._rest.host
        self.root = f"{self.host}/apis/v2beta1"
        token = read_token(token_file or _file_of_pod(), TOKEN)
        if token is not None:
            self._rest.session.headers["Authorization"] = f"Bearer {token}"
        try:
            self.health = self.get("/healthz", Health)
        except NotThere:
            raise SubmitError(
                f"{self.host} is no Kubeflow Pipelines: it has no /apis/v2beta1; check --host"
            ) from None

    def get(self, path: str, kind: type[_A], **query: str | int | None) -> _A:
        """An answer; tried again a few times. Raises `SubmitError`."""
        given = {name: value for name, value in query.items() if value is not None}
        return self._rest.get(self.root + path, kind, given)

    def post(self, path: str, body: Mapping[str, Any], kind: type[_A]) -> _A:
        """Sent once, since a second one may do it twice. Raises `SubmitError`."""
        return self._rest.post(self.root + path, body, kind)

    def upload(
        self, path: str, name: str, text: str, kind: type[_A], query: Mapping[str, str]
    ) -> _A:
        """A file, sent once. Raises `SubmitError`."""
        file = ("uploadfile", name, text.encode())
        answer = self._rest.sent("POST", self.root + path, query=query, file=file)
        return self._rest.parsed(answer, kind)


def _file_of_pod() -> Path | None:
    if os.environ.get(TOKEN):
        return None
    named = os.environ.get(IN_CLUSTER)
    if named:
        return Path(named)
    return _POD_TOKEN if _POD_TOKEN.is_file() else None


def checked_host(host: str) -> str:
    """The address without a slash at its end. Raises `WrongRequest`."""
    return rest.checked_host(host, _CREDENTIALS)


def named(name: str) -> str:
    """The filter for what has a display name."""
    predicate = {"operation": "EQUALS", "key": "display_name", "string_value": name}
    return json.dumps({"predicates": [predicate]})


def _said(content: bytes) -> str:
    try:
        told = Fault.model_validate_json(content)
    except ValidationError:
        return ""
    said = (told.error_message, told.message, told.error)
    return next((one for one in said if isinstance(one, str) and one), "")
