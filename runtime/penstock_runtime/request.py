"""The request: everything that one step needs to run, as one JSON object.

    {"format": 1, "run": "<uuid>", "step": "split", "attempt": 1, "store": "/folder",
     "code": "churn:split", "path": ["/source/root"],
     "inputs": {"data": {"artifact": {...}}, "ratio": {"value": 0.8}},
     "fields": ["C"], "projections": {"value.auc": ["value", "auc"]}, "env": {}, "secrets": [],
     "cache": {"key": "sha256:...", "why": "..."}, "orchestrator_run": "manual__2026-01-01"}

From `path` on all keys are optional. It is checked strictly: it comes from outside.
"""

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from penstock_runtime.errors import BadRequest
from penstock_runtime.labels import is_digest, is_label, is_name
from penstock_runtime.reference import (
    Value,
    as_list,
    as_object,
    check_keys,
    parse_value,
    value_to_json,
)

FORMAT = 1
_LARGEST = 64 << 20
_LONGEST_TEXT = 2000
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

_REQUIRED = ("format", "run", "step", "attempt", "store", "code", "inputs")
_OPTIONAL = ("path", "fields", "projections", "env", "secrets", "cache", "orchestrator_run")

_CACHE = ("state", "key", "code", "environment", "why")

Projections = Mapping[str, tuple[str | int, ...]]
"""Name of a projection -> the output's name and the keys or indices that lead to its value."""


@dataclass(frozen=True)
class Request:
    """One step to run. `fields` are the inputs that a step class takes as hyper-parameters.

    `secrets` names the variables of `env` whose values may not enter any record. `cache` is
    recorded with the step: its key, and why it is not reused.
    """

    run: str
    step: str
    attempt: int
    store: str
    code: str
    inputs: Mapping[str, Value]
    path: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    projections: Projections = field(default_factory=dict[str, tuple[str | int, ...]])
    env: Mapping[str, str] = field(default_factory=dict[str, str])
    secrets: tuple[str, ...] = ()
    cache: Mapping[str, str] = field(default_factory=dict[str, str])
    orchestrator_run: str | None = None

    def to_json(self) -> dict[str, Any]:
        """The JSON object that `parse_request` reads."""
        return {
            "format": FORMAT,
            "run": self.run,
            "step": self.step,
            "attempt": self.attempt,
            "store": self.store,
            "code": self.code,
            "path": list(self.path),
            "inputs": {name: value_to_json(value) for name, value in self.inputs.items()},
            "fields": list(self.fields),
            "projections": {name: list(keys) for name, keys in self.projections.items()},
            "env": dict(self.env),
            **({"secrets": list(self.secrets)} if self.secrets else {}),
            **({"cache": dict(self.cache)} if self.cache else {}),
            **({"orchestrator_run": self.orchestrator_run} if self.orchestrator_run else {}),
        }


def parse_request(text: str | bytes) -> Request:
    """The request in a JSON text. Raises BadRequest saying what is wrong with it."""
    return request_from(parse_json(text, "the request"))


def request_from(data: object) -> Request:
    """The request in a JSON object. Raises BadRequest saying what is wrong with it."""
    found = as_object(data, "the request")
    check_keys(found, required=_REQUIRED, optional=_OPTIONAL, where="the request")
    if found["format"] != FORMAT:
        raise BadRequest(f"the request has format {found['format']!r}, not {FORMAT}")
    inputs = as_object(found["inputs"], "inputs")
    for name in inputs:
        check_name(name, "input")
    env = check_env(found.get("env", {}))
    return Request(
        run=check_run(found["run"]),
        step=check_label(found["step"], "step"),
        attempt=check_attempt(found["attempt"]),
        store=check_text(found["store"], "store"),
        code=check_code(found["code"]),
        inputs={name: parse_value(value, f"input {name}") for name, value in inputs.items()},
        path=_path(found.get("path", [])),
        fields=check_fields(found.get("fields", []), inputs),
        projections=check_projections(found.get("projections", {})),
        env=env,
        secrets=check_secrets(found.get("secrets", []), env),
        cache=check_cache(found.get("cache", {})),
        orchestrator_run=(
            check_text(found["orchestrator_run"], "orchestrator_run")
            if "orchestrator_run" in found
            else None
        ),
    )


def parse_json(text: str | bytes, where: str) -> Any:
    """JSON from outside: no duplicate keys, no NaN, no bottomless nesting. Raises BadRequest."""
    if len(text) > _LARGEST:
        raise BadRequest(f"{where} is larger than {_LARGEST} bytes")
    try:
        return json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
    except RecursionError:
        raise BadRequest(f"{where} is nested too deeply") from None
    except BadRequest as error:
        raise BadRequest(f"{where}: {error}") from None
    except ValueError as error:
        raise BadRequest(f"{where} is not JSON: {error}") from error


def check_label(name: object, what: str) -> str:
    """A name that may enter a path. Raises BadRequest."""
    if not is_label(name):
        raise BadRequest(
            f"{name!r} cannot name a {what}: use letters, digits, '.', '_', '-', at most 200"
        )
    return cast(str, name)


def check_name(name: object, what: str) -> str:
    """The name of an input or a part: a Python name, in any script. Raises BadRequest."""
    if not is_name(name):
        raise BadRequest(f"{name!r} cannot name an {what}: use letters, digits, '.', '_', '-'")
    return cast(str, name)


def check_text(text: object, what: str) -> str:
    """A short, non-empty text without control characters. Raises BadRequest."""
    if not isinstance(text, str) or not 0 < len(text) <= _LONGEST_TEXT or not text.isprintable():
        raise BadRequest(f"{what} must be a printable text of at most {_LONGEST_TEXT} characters")
    return text


def check_run(run: object) -> str:
    """A run id: a UUID in its usual spelling. Raises BadRequest."""
    if not isinstance(run, str) or _UUID.fullmatch(run) is None:
        raise BadRequest(f"run {run!r} is not a UUID in lower case")
    return run


def check_attempt(attempt: object) -> int:
    """The number of an attempt, from 1. Raises BadRequest."""
    if not isinstance(attempt, int) or isinstance(attempt, bool) or not 1 <= attempt < 10**6:
        raise BadRequest(f"attempt {attempt!r} is not a number from 1")
    return attempt


def check_code(code: object) -> str:
    """`module:qualname`, both dotted names. Raises BadRequest."""
    text = check_text(code, "code")
    module, colon, name = text.partition(":")
    if not colon or not all(part.isidentifier() for part in [*module.split("."), *name.split(".")]):
        raise BadRequest(f"code {text!r} is not module:qualname")
    return text


def check_fields(fields: object, inputs: Mapping[str, object]) -> tuple[str, ...]:
    """The names of the inputs that are fields of a step class. Raises BadRequest."""
    names = as_list(fields, "fields")
    for name in names:
        if not isinstance(name, str) or name not in inputs:
            raise BadRequest(f"field {name!r} is not among the inputs")
    return tuple(names)


def check_projections(projections: object) -> dict[str, tuple[str | int, ...]]:
    """The parts of outputs that later steps and conditions use. Raises BadRequest."""
    checked: dict[str, tuple[str | int, ...]] = {}
    for name, keys in as_object(projections, "projections").items():
        check_name(name, "output part")
        path = as_list(keys, f"projection {name}")
        if not path or not isinstance(path[0], str):
            raise BadRequest(f"projection {name} must begin with the name of an output")
        if not all(isinstance(key, (str, int)) and not isinstance(key, bool) for key in path):
            raise BadRequest(f"projection {name} may hold names and indices only")
        checked[name] = tuple(path)
    return checked


def check_env(env: object) -> dict[str, str]:
    """Environment variables of a step. Raises BadRequest."""
    found = as_object(env, "env")
    for name, value in found.items():
        if _VARIABLE.fullmatch(name) is None:
            raise BadRequest(f"{name!r} cannot name an environment variable")
        if not isinstance(value, str) or "\0" in value:
            raise BadRequest(f"the environment variable {name} must be a text")
    return found


def check_secrets(secrets: object, env: Mapping[str, str]) -> tuple[str, ...]:
    """The names of the variables that hold secrets. Raises BadRequest."""
    names = as_list(secrets, "secrets")
    for name in names:
        if not isinstance(name, str) or name not in env:
            raise BadRequest(f"secret {name!r} is not among the variables of env")
    return tuple(names)


def check_cache(cache: object) -> dict[str, str]:
    """What is recorded of the cache; `key` is a digest. Raises BadRequest."""
    found = as_object(cache, "cache")
    check_keys(found, required=(), optional=_CACHE, where="cache")
    for name, value in found.items():
        check_text(value, f"cache {name}")
    if "key" in found and not is_digest(found["key"]):
        raise BadRequest(f"cache key {found['key']!r} is not a digest")
    return found


def _path(path: object) -> tuple[str, ...]:
    folders = as_list(path, "path")
    for folder in folders:
        if not isinstance(folder, str) or not os.path.isabs(folder) or "\0" in folder:
            raise BadRequest(f"path entry {folder!r} is not an absolute path")
    return tuple(folders)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise BadRequest("a key stands twice in one object")
    return found


def _no_constant(name: str) -> Any:
    raise BadRequest(f"{name} is not a JSON value")
