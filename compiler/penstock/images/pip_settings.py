"""Reads pip's settings for uv, which does not: many machines name their mirror only there."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Mapping
from importlib.util import find_spec

_SCOPES = (":env:", "install", "global")
_TABLE = (
    ("index-url", ("UV_DEFAULT_INDEX", "UV_INDEX_URL")),
    ("extra-index-url", ("UV_INDEX", "UV_EXTRA_INDEX_URL")),
    ("find-links", ("UV_FIND_LINKS",)),
    ("trusted-host", ("UV_INSECURE_HOST", "UV_ALLOW_INSECURE_HOST")),
    ("cert", ("SSL_CERT_FILE",)),
    ("proxy", ("ALL_PROXY", "HTTPS_PROXY", "all_proxy", "https_proxy")),
)
"""Each setting of pip, the variable it becomes, and the variables before which it gives way."""


def pip_settings(environment: Mapping[str, str]) -> dict[str, str]:
    """The variables of uv that pip's settings stand for, without those that are set already."""
    known = _listed()
    found: dict[str, str] = {}
    for key, variables in _TABLE:
        value = next((known[f"{one}.{key}"] for one in _SCOPES if known.get(f"{one}.{key}")), "")
        if value and not any(environment.get(one) for one in variables):
            found[variables[0]] = value
    if "UV_INDEX" in found and not environment.get("UV_INDEX_STRATEGY"):
        # Who has set several indexes for pip expects what pip does: the best version of them all.
        found["UV_INDEX_STRATEGY"] = "unsafe-best-match"
    return found


def _listed() -> dict[str, str]:
    if find_spec("pip") is None:
        return {}
    done = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"],
        env=os.environ | {"PYTHONWARNINGS": "ignore", "PIP_NO_COLOR": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    found: dict[str, str] = {}
    for line in done.stdout.splitlines() if done.returncode == 0 else ():
        key, sign, value = line.partition("=")
        if sign:
            try:
                found[key.lower()] = " ".join(str(ast.literal_eval(value)).split())
            except (SyntaxError, ValueError):
                continue  # a line that is no setting
    return found
