"""Airflow's REST API: v2 of Airflow 3, v1 of Airflow 2. Whatever goes wrong is one sentence."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from pydantic import ValidationError

from penstock.submitting import SubmitError, WrongRequest
from penstock_airflow.answers import Answer, Fault, Token, Version

if TYPE_CHECKING:
    import requests

TOKEN, USER, PASSWORD = (
    "PENSTOCK_AIRFLOW_TOKEN",
    "PENSTOCK_AIRFLOW_USER",
    "PENSTOCK_AIRFLOW_PASSWORD",
)
_SECONDS = (10.0, 60.0)
"""How long a connection and an answer may take."""
_PAUSES = (0.5, 1.0, 2.0, 4.0)
_PASSING = frozenset({429, 500, 502, 503, 504})
_TAG = re.compile(r"<[^>]*>")
_A = TypeVar("_A", bound=Answer)


class NotThere(SubmitError):
    """The server has no such thing."""


class Refused(SubmitError):
    """The server understood, and said no; `status` is that of HTTP."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class Lost(SubmitError):
    """No answer came; nobody knows whether the request arrived."""


class Api:
    """The API of one server, after it has told its version and taken our credentials."""

    def __init__(self, host: str, token_file: Path | None = None) -> None:
        self.host = checked_host(host)
        self._session = _session()
        self._token = _token(token_file)
        self.version, self.root = self._found()
        self._sign_in()

    @property
    def two(self) -> bool:
        """Whether it is Airflow 2."""
        return self.root.endswith("/v1")

    def get(self, path: str, kind: type[_A], **query: str | int) -> _A:
        """An answer; tried again a few times. Raises `SubmitError`."""
        return self._parsed(self._tried("GET", self.root + path, query), kind)

    def text(self, path: str, **query: str | int) -> str:
        """An answer as plain text, such as a log. Raises `SubmitError`."""
        accept = "text/plain" if self.two else "application/x-ndjson"
        return self._tried("GET", self.root + path, query, accept=accept).text

    def post(self, path: str, body: Mapping[str, Any], kind: type[_A]) -> _A:
        """Sent once, since a second one may do it twice. Raises `SubmitError`."""
        return self._parsed(self._sent("POST", self.root + path, body=body), kind)

    def patch(self, path: str, body: Mapping[str, Any]) -> None:
        """Sent once. Raises `SubmitError`."""
        self._sent("PATCH", self.root + path, body=body)

    def _found(self) -> tuple[str, str]:
        for version in ("v2", "v1"):
            root = f"{self.host}/api/{version}"
            try:
                told = self._parsed(self._tried("GET", f"{root}/version", {}), Version)
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
            answer = self._sent("POST", f"{self.host}/auth/token", body=body)
            self._token = self._parsed(answer, Token).access_token
        if self._token is not None:
            self._session.headers["Authorization"] = f"Bearer {self._token}"
        elif user:
            self._session.auth = (user, password or "")

    def _tried(
        self, method: str, url: str, query: Mapping[str, str | int], accept: str = ""
    ) -> requests.Response:
        for pause in _PAUSES:
            try:
                return self._sent(method, url, query=query, accept=accept)
            except Lost:
                time.sleep(pause)
            except Refused as error:
                if error.status not in _PASSING:
                    raise
                time.sleep(pause)
        return self._sent(method, url, query=query, accept=accept)

    def _sent(
        self,
        method: str,
        url: str,
        *,
        query: Mapping[str, str | int] | None = None,
        body: Mapping[str, Any] | None = None,
        accept: str = "",
    ) -> requests.Response:
        import requests

        headers = {"Accept": accept or "application/json"}
        try:
            answer = self._session.request(
                method,
                url,
                params=query,
                json=body,
                headers=headers,
                timeout=_SECONDS,
                allow_redirects=False,
            )
        except requests.exceptions.SSLError as error:
            raise SubmitError(
                f"the certificate of {self.host} is not trusted ({_short(error)}); "
                "set REQUESTS_CA_BUNDLE to the file of its authority"
            ) from None
        except requests.exceptions.RequestException as error:
            raise Lost(f"{self.host} does not answer ({_short(error)}); is it running?") from None
        self._check(answer, method, url)
        return answer

    def _check(self, answer: requests.Response, method: str, url: str) -> None:
        status = answer.status_code
        if status < 300:
            return
        if status < 400:
            raise SubmitError(
                f"{url} leads elsewhere ({status}): a login page, or another path of Airflow; "
                "check --host"
            )
        if status == 401:
            raise Refused(
                f"{self.host} does not know us: set {TOKEN}, or {USER} and {PASSWORD}, "
                "or --token-file",
                status,
            )
        if status == 403:
            raise Refused(f"{self.host} does not let us {method} {url}: {_said(answer)}", status)
        if status == 404:
            raise NotThere(f"{url} is not there: {_said(answer)}")
        raise Refused(f"{self.host} answers {status} to {method} {url}: {_said(answer)}", status)

    def _parsed(self, answer: requests.Response, kind: type[_A]) -> _A:
        try:
            return kind.model_validate_json(answer.content)
        except ValidationError:
            raise SubmitError(
                f"{answer.url} does not answer as Airflow does: {_said(answer)}; check --host"
            ) from None


def checked_host(host: str) -> str:
    """The address without a slash at its end. Raises `WrongRequest`."""
    parts = urlsplit(host)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise WrongRequest(f"--host takes a URL such as https://airflow.example.org, not {host!r}")
    if parts.username or parts.password:
        raise WrongRequest(f"--host may hold no credentials: set {TOKEN}, or {USER} and {PASSWORD}")
    if parts.query or parts.fragment:
        raise WrongRequest("--host takes the address of Airflow, without anything behind its path")
    return host.rstrip("/")


def _session() -> requests.Session:
    try:
        import requests
    except ImportError:
        raise SubmitError(
            "submitting needs the library requests: pip install 'penstock[submit]'"
        ) from None
    return requests.Session()


def _token(file: Path | None) -> str | None:
    if file is None:
        return os.environ.get(TOKEN) or None
    try:
        text = file.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise WrongRequest(f"--token-file {file} cannot be read: {reason}") from None
    if not text or not text.isprintable():
        raise WrongRequest(f"--token-file {file} holds no token")
    return text


def _said(answer: requests.Response) -> str:
    """What the server says of it, in at most a line."""
    try:
        told = Fault.model_validate_json(answer.content)
        text = told.detail if isinstance(told.detail, str) else str(told.detail or told.title or "")
    except ValidationError:
        text = ""
    text = text or _TAG.sub(" ", answer.text)
    words = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return words[:300] or "without a word"


def _short(error: Exception) -> str:
    return type(error).__name__
