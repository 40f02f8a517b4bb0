"""Finds files that hold credentials, so that none is ever put into an image."""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import PurePosixPath

_NAMES = re.compile(
    r"\.env(\..+)?|\.netrc|_netrc|\.pypirc|\.npmrc|\.pgpass|\.htpasswd|\.git-credentials"
    r"|\.dockercfg|id_(rsa|dsa|ecdsa|ed25519)|.*\.(pem|key|p12|pfx|jks|keystore|ppk|kdbx)",
    re.IGNORECASE,
)
_HARMLESS = re.compile(r"\.env\.(example|sample|template|dist)", re.IGNORECASE)
_FOLDERS = frozenset({".aws", ".ssh", ".gnupg", ".docker", ".kube", ".azure", "gcloud"})
_CONTENT: tuple[tuple[str, re.Pattern[bytes]], ...] = (
    (
        "a private key",
        re.compile(rb"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY-----[\s\\nr]*[A-Za-z0-9+/]{16}"),
    ),
    ("an access key of AWS", re.compile(rb"(?<![A-Z0-9])(?:AKIA|ASIA)[A-Z2-7]{16}(?![A-Z0-9])")),
    ("a token of GitHub", re.compile(rb"\b(?:gh[pousr]_[A-Za-z0-9]{36}|github_pat_\w{60})")),
    ("a token of GitLab", re.compile(rb"\bglpat-[A-Za-z0-9_-]{20}")),
    ("a token of Slack", re.compile(rb"\bxox[abprs]-[A-Za-z0-9-]{20}")),
    ("a token of Hugging Face", re.compile(rb"\bhf_[A-Za-z0-9]{34}")),
    ("a token of PyPI", re.compile(rb"\bpypi-AgEIcHlwaS5vcmc")),
    ("a key of an API", re.compile(rb"\b(?:sk-(?:proj-|ant-)?[A-Za-z0-9_-]{40}|AIza[\w-]{35})")),
)


def credential_in(path: str, content: bytes, secrets: Collection[bytes] = ()) -> str | None:
    """What credential a file holds, in words; None when none is found.

    `secrets` are values of the pipeline's own secrets.
    """
    name = PurePosixPath(path)
    if _FOLDERS.intersection(name.parts[:-1]):
        return f"the folder {next(one for one in name.parts if one in _FOLDERS)} of credentials"
    if _NAMES.fullmatch(name.name) and not _HARMLESS.fullmatch(name.name):
        return "credentials, by its name"
    for what, pattern in _CONTENT:
        if pattern.search(content):
            return what
    if any(one in content for one in secrets):
        return "the value of a secret"
    return None
