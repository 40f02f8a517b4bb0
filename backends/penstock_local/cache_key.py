"""The cache key of a step: its code, its parameters and inputs, and the environment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from penstock_runtime.hashing import hash_bytes
from penstock_runtime.reference import Artifact, Constant, Value
from penstock_runtime.request import Request
from penstock_runtime.store import canonical_json

_FORMAT = 1


def cache_key(request: Request, code: str, environment: str) -> str:
    """The digest of all that decides what a step gives; the step's name is not among it.

    `code` is the digest of its code, `environment` that of Python and all that is installed.
    Secrets count by name: what they hold may be renewed at any time.
    """
    return digest_of(
        {
            "format": _FORMAT,
            "component": request.code,
            "code": code,
            "environment": environment,
            "fields": sorted(request.fields),
            "inputs": {name: identity(value) for name, value in sorted(request.inputs.items())},
            "env": {
                name: value
                for name, value in sorted(request.env.items())
                if name not in request.secrets
            },
            "secrets": sorted(request.secrets),
        }
    )


def identity(value: Value) -> Any:
    """What makes two inputs the same: a parameter's value, an artifact's bytes and how to read."""
    if isinstance(value, Constant):
        return {"value": value.value}
    if isinstance(value, Artifact):
        ref = value.ref
        return {"artifact": [ref.digest, ref.materializer, ref.media]}
    return {"list": [identity(item) for item in value.items]}


def digest_of(facts: Mapping[str, Any]) -> str:
    """The digest of facts as JSON."""
    return hash_bytes(canonical_json(facts)).digest
