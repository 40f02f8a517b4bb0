"""Finds credentials that were written down instead of referred to."""

from __future__ import annotations

import json
import re

from penstock.diagnostics import Span
from penstock.ir.lookup import Lookup, all_options
from penstock.ir.nodes import Nested, Options
from penstock.ir.values import Constant
from penstock.passes.model import Log, check

_LAST_WORDS = frozenset({"password", "passwd", "pwd", "secret", "token", "apikey", "credential"})
_ENDINGS = ("api_key", "access_key", "secret_key", "private_key", "auth_key", "credentials")
_IN_URL = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]{0,30}://[^/\s:@]{0,200}:[^/\s@]{1,200}@")


@check(reports={"PS303"})
def no_secret_written(names: Lookup, log: Log) -> None:
    """No password, token or key stands in the pipeline as plain text."""
    ir = names.ir
    for step in ir.steps:
        for binding in step.inputs:
            if isinstance(binding.value, Constant):
                _look(log, binding.name, binding.value.text, step.span)
    for component in ir.components:
        for one in component.inputs:
            if one.default is not None:
                _look(log, one.name, one.default, component.span)
    for parameter in ir.parameters:
        if parameter.default is not None:
            _look(log, parameter.name, parameter.default, parameter.span)
    for scope in ir.scopes:
        if isinstance(scope, Nested):
            for binding in scope.inputs:
                if isinstance(binding.value, Constant):
                    _look(log, binding.name, binding.value.text, scope.span)
    for options, span in all_options(names):
        _look_env(log, options, span)


def _look_env(log: Log, options: Options, span: Span | None) -> None:
    for name, value in options.env or ():
        _look(log, name, json.dumps(value), span)


def _look(log: Log, name: str, text: str, span: Span | None) -> None:
    is_text = len(text) > 2 and text.startswith('"')
    if is_text and is_secret_name(name):
        log.error(
            "PS303",
            at=span,
            message=f"{name!r} is a secret written as plain text",
            label="would be stored and shown",
            hint=f"use secrets=[Secret('{_reference(name)}')] and read it from the environment",
        )
    elif _IN_URL.search(text):
        log.error(
            "PS303",
            at=span,
            message=f"{name!r} holds a URL with a password in it",
            label="would be stored and shown",
            hint="keep user and password out of the URL; use secrets=[Secret(...)]",
        )


def _reference(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.-]", "-", name)[:60] or "name"


def is_secret_name(name: str) -> bool:
    """Whether a value of that name is surely a credential, as in `db_password` and `authToken`."""
    snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower().replace("-", "_")
    return snake.rpartition("_")[2] in _LAST_WORDS or snake.endswith(_ENDINGS)
