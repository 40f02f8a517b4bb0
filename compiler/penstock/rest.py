"""REST APIs of servers, as submitters use them. Whatever goes wrong is one sentence."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, ValidationError

from penstock.submitting import SubmitError, WrongRequest

if TYPE_CHECKING:
    import requests

_SECONDS = (10.0, 60.0)
"""How long a connection and an answer may take."""
_PAUSES = (0.5, 1.0, 2.0, 4.0)
_PASSING = frozenset({429, 500, 502, 503, 504})
_TAG = re.compile(r"<[^>]*>")


class Answer(BaseModel):
    """A JSON object of the expected types, whatever else it holds."""

    model_config = ConfigDict(extra="ignore", frozen=True)


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


@dataclass(frozen=True)
class Server:
    """How people call the server, what tells credentials, and how it tells what is wrong."""

    name: str
    credentials: str
    said: Callable[[bytes], str]
    """The server's own words in the body of an error; empty if there are none."""


class Rest:
    """Requests to one server, with its credentials."""

    def __init__(self, host: str, server: Server) -> None:
        self.host = checked_host(host, server.credentials)
        self.session = _session()
        self._server = server

    def get(self, url: str, kind: type[_A], query: Mapping[str, str | int] | None = None) -> _A:
        """An answer; tried again a few times. Raises `SubmitError`."""
        return self.parsed(self.tried("GET", url, query=query), kind)

    def post(self, url: str, body: Mapping[str, Any], kind: type[_A]) -> _A:
        """Sent once, since a second one may do it twice. Raises `SubmitError`."""
        return self.parsed(self.sent("POST", url, body=body), kind)

    def tried(
        self,
        method: str,
        url: str,
        *,
        query: Mapping[str, str | int] | None = None,
        accept: str = "",
    ) -> requests.Response:
        """A request that changes nothing, tried again where that may help."""
        for pause in _PAUSES:
            try:
                return self.sent(method, url, query=query, accept=accept)
            except Lost:
                time.sleep(pause)
            except Refused as error:
                if error.status not in _PASSING:
                    raise
                time.sleep(pause)
        return self.sent(method, url, query=query, accept=accept)

    def sent(
        self,
        method: str,
        url: str,
        *,
        query: Mapping[str, str | int] | None = None,
        body: Mapping[str, Any] | None = None,
        file: tuple[str, str, bytes] | None = None,
        accept: str = "",
    ) -> requests.Response:
        """One request; `file` is the field, the name and the content of an upload."""
        import requests

        headers = {"Accept": accept or "application/json"}
        files = None if file is None else {file[0]: (file[1], file[2], "application/octet-stream")}
        try:
            answer = self.session.request(
                method,
                url,
                params=query,
                json=body,
                files=files,
                headers=headers,
                timeout=_SECONDS,
                allow_redirects=False,
            )
        except requests.exceptions.SSLError as error:
            raise SubmitError(
                f"the certificate of {self.host} is not trusted ({type(error).__name__}); "
                "set REQUESTS_CA_BUNDLE to the file of its authority"
            ) from None
        except requests.exceptions.RequestException as error:
            raise Lost(
                f"{self.host} does not answer ({type(error).__name__}); is it running?"
            ) from None
        self._check(answer, method, url)
        return answer

    def _check(self, answer: requests.Response, method: str, url: str) -> None:
        status = answer.status_code
        if status < 300:
            return
        if status < 400:
            raise SubmitError(
                f"{url} leads elsewhere ({status}): a login page, or another path of "
                f"{self._server.name}; check --host"
            )
        if status == 401:
            raise Refused(
                f"{self.host} does not know us: {self._server.credentials}, or --token-file",
                status,
            )
        said = self._said(answer)
        if status == 403:
            raise Refused(f"{self.host} does not let us {method} {url}: {said}", status)
        if status == 404:
            raise NotThere(f"{url} is not there: {said}")
        raise Refused(f"{self.host} answers {status} to {method} {url}: {said}", status)

    def parsed(self, answer: requests.Response, kind: type[_A]) -> _A:
        """The answer, checked before it is believed. Raises `SubmitError`."""
        try:
            return kind.model_validate_json(answer.content)
        except ValidationError:
            raise SubmitError(
                f"{answer.url} does not answer as {self._server.name} does: "
                f"{self._said(answer)}; check --host"
            ) from None

    def _said(self, answer: requests.Response) -> str:
        """What the server says of it, in at most a line."""
        text = self._server.said(answer.content) or _TAG.sub(" ", answer.text)
        words = " ".join("".join(char if char.isprintable() else " " for char in text).split())
        return words[:300] or "without a word"


def checked_host(host: str, credentials: str) -> str:
    """The address without a slash at its end. Raises `WrongRequest`."""
    parts = urlsplit(host)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise WrongRequest(f"--host takes a URL such as https://example.org, not {host!r}")
    if parts.username or parts.password:
        raise WrongRequest(f"--host may hold no credentials: {credentials}")
    if parts.query or parts.fragment:
        raise WrongRequest("--host takes the address alone, without anything behind its path")
    return host.rstrip("/")


def _session() -> requests.Session:
    try:
        import requests
    except ImportError:
        raise SubmitError(
            "submitting needs the library requests: pip install 'penstock[submit]'"
        ) from None
    return requests.Session()


def read_token(file: Path | None, variable: str) -> str | None:
    """The token in a file, or in a variable; None if there is neither. Raises `WrongRequest`."""
    if file is None:
        return os.environ.get(variable) or None
    try:
        text = file.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise WrongRequest(f"--token-file {file} cannot be read: {reason}") from None
    if not text or not text.isprintable():
        raise WrongRequest(f"--token-file {file} holds no token")
    return text
